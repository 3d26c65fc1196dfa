//! A certificate whose key the peer of a connection proved to have.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use keyward_sdk::time::Timestamp;

use crate::{
    identity::{
        Caller, CallerParts, Claims, IdentityError, IssuerRef, NodeIdentity, Principal, Scope, ShownNode, ca::BACKDATE,
    },
    method::TenantId,
};

/// What it proves beside the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// A caller of a configured authority.
    Configured(Arc<str>),
    /// A node of a cluster.
    Node(NodeIdentity),
    /// Nothing. `own` when nobody else was asked to vouch for it: a key to bind tokens to, not a failed certificate.
    Unverified { own: bool },
}

/// A certificate whose key the peer of a connection proved to have, looked at once for the connection.
pub struct PeerCertificate {
    pub(super) key_hash: [u8; 32],
    pub(super) class: Class,
    pub(super) not_before: Timestamp,
    pub(super) not_after: Timestamp,
    /// Made when first asked for, so that all requests of a connection share one.
    pub(super) caller: OnceLock<Caller>,
}

impl PeerCertificate {
    /// The SHA-256 of its public key (SPKI): what tokens are bound to.
    #[must_use]
    pub const fn key_hash(&self) -> &[u8; 32] {
        &self.key_hash
    }

    /// When its time begins.
    #[must_use]
    pub const fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// When it was made: of a node's that is known, its time begins earlier, for clocks that are behind.
    #[must_use]
    pub fn issued_at(&self) -> Timestamp {
        match &self.class {
            Class::Node(_) => self.not_before.saturating_add(BACKDATE),
            Class::Configured(_) | Class::Unverified { .. } => self.not_before,
        }
    }

    /// When its time ends.
    #[must_use]
    pub const fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// Whether it is within its time.
    #[must_use]
    pub fn is_valid_at(&self, now: Timestamp) -> bool {
        (self.not_before..=self.not_after).contains(&now)
    }

    /// The node that it was issued to, expired or not: an expired one may still be renewed.
    #[must_use]
    pub const fn node(&self) -> Option<&NodeIdentity> {
        match &self.class {
            Class::Node(node) => Some(node),
            Class::Configured(_) | Class::Unverified { .. } => None,
        }
    }

    /// Who it stands for, whether or not its time is over. A node's tenant is its own; others act in `tenant`.
    pub(in crate::identity) fn caller(&self, tenant: TenantId) -> Result<Caller, IdentityError> {
        let made = match &self.class {
            Class::Unverified { own: true } => return Err(IdentityError::NoToken),
            Class::Unverified { own: false } => return Err(IdentityError::CertificateUnknown),
            Class::Configured(subject) => {
                let principal = Principal { tenant, issuer: IssuerRef::Certificate, subject: Arc::clone(subject) };
                self.caller.get_or_init(|| caller(principal, None))
            }
            Class::Node(node) => self.caller.get_or_init(|| {
                let subject = format!("{}/{}", node.cluster, node.node).into();
                let principal = Principal { tenant: node.tenant, issuer: IssuerRef::Node, subject };
                caller(principal, Some(ShownNode { identity: node.clone(), key: self.key_hash }))
            }),
        };
        if self.node().is_none() && made.tenant() != tenant {
            // The same certificate in another tenant than at first.
            let principal = Principal { tenant, ..made.principal().clone() };
            return Ok(caller(principal, None));
        }
        Ok(made.clone())
    }
}

fn caller(principal: Principal, node: Option<ShownNode>) -> Caller {
    let (claims, scope) = (Claims::default(), Scope::unlimited());
    Caller::new(CallerParts { principal, role: None, claims, scope, ceiling: Scope::unlimited(), token: None, node })
}

impl fmt::Debug for PeerCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerCertificate").field("class", &self.class).finish_non_exhaustive()
    }
}
