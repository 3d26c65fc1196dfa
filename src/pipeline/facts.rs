//! What is known of a request before anything is believed.

use std::sync::Arc;

use tokio::time::Instant;

use crate::{
    audit::{Entry, Who},
    engine::{Connection, World},
    identity::{self, Caller, IssuerRef, PeerCertificate, Principal},
    method::{Method, Name, RequestId, Resource, TenantId},
    policy::PolicyIds,
};

/// Made by grpc from the connection and the metadata.
pub struct Facts {
    /// Who is at the other end.
    pub peer: identity::Peer,
    /// The certificate whose key the peer proved to have.
    pub certificate: Option<Arc<PeerCertificate>>,
    /// The header `authorization`.
    pub authorization: Option<Vec<u8>>,
    /// The tenant that the request names.
    pub tenant: Option<Name>,
    /// By when the answer must leave.
    pub deadline: Instant,
    /// The id under which a change is asked for once.
    pub request_id: Option<RequestId>,
    /// Over the request, where it has an id.
    pub request_digest: [u8; 32],
    /// The trace, all zero when there is none.
    pub trace_id: [u8; 16],
    /// Where it comes from, for the record.
    pub peer_text: String,
}

impl Facts {
    /// The tenant that the request names, by id; `main` when it names none.
    /// For a name that nobody has it is a tenant in which there is nothing: strangers get the same answer as in one that
    /// has nothing for them.
    pub(super) fn tenant(&self, world: &World) -> TenantId {
        match &self.tenant {
            None => world.main_tenant(),
            Some(name) => {
                let found = world.tables.tenants.get(TenantId::SYSTEM, name.as_str());
                found.map_or(TenantId::NOBODY, |tenant| tenant.id)
            }
        }
    }

    /// What identity needs.
    pub(super) fn identity(&self, world: &World) -> identity::Facts<'_> {
        identity::Facts {
            peer: self.peer,
            certificate: self.certificate.as_ref(),
            authorization: self.authorization.as_deref(),
            tenant: self.tenant.as_ref().map(|_| self.tenant(world)),
            default_tenant: world.main_tenant(),
        }
    }

    /// What the connection proves.
    pub(super) fn connection(&self) -> Connection {
        Connection { peer: Some(self.peer), certificate: self.certificate.clone(), tenant: self.tenant.clone() }
    }

    /// The user at the other end of the unix socket.
    pub(super) fn local_user(&self) -> Option<u32> {
        match self.peer {
            identity::Peer::Local { uid } => Some(uid),
            identity::Peer::Network(_) => None,
        }
    }

    /// What the audit record says of the request so far.
    pub(super) fn entry(
        &self,
        method: &'static Method,
        caller: &Caller,
        resource: &impl Resource,
        because: &PolicyIds,
    ) -> Entry {
        let who = who(caller.principal(), caller.role(), caller.token().map(|token| token.id.0));
        Entry::new(method, who, resource, because.iter().map(|id| id.as_str()))
            .from_peer(&self.peer_text)
            .with_request(self.request_id.as_ref().map(RequestId::as_str), self.trace_id)
    }
}

/// A principal in the words of the record.
pub(super) fn who(principal: &Principal, role: Option<&Name>, token: Option<[u8; 16]>) -> Who {
    let (issuer_kind, issuer_name) = match &principal.issuer {
        IssuerRef::Anonymous => ("anonymous", ""),
        IssuerRef::Certificate => ("certificate", ""),
        IssuerRef::LocalUser => ("local_user", ""),
        IssuerRef::Node => ("node", ""),
        IssuerRef::Oidc(name) => ("oidc", name.as_str()),
        IssuerRef::Operator => ("operator", ""),
    };
    Who {
        tenant: principal.tenant,
        issuer_kind,
        issuer_name: issuer_name.to_owned(),
        subject: principal.subject.clone(),
        role: role.map(Name::to_string).unwrap_or_default(),
        token,
    }
}
