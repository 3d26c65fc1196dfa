//! What the connection proves, for the operations that make proof of it: login.

use std::sync::Arc;

use super::{EngineError, World};
use crate::{
    identity::{self, Binding, Caller, IdentityError, PeerCertificate, RoleConfig},
    method::{Name, TenantId},
};

/// The other end of a connection.
#[derive(Clone, Debug, Default)]
pub struct Connection {
    /// Who it is.
    pub peer: Option<identity::Peer>,
    /// The certificate whose key it proved to have.
    pub certificate: Option<Arc<PeerCertificate>>,
    /// The tenant that the request names.
    pub tenant: Option<Name>,
}

impl Connection {
    /// For whose use a token is made here: for this connection's key, for the user at the other end of the
    /// unix socket, or for anyone who holds it where the role allows.
    ///
    /// # Errors
    /// When there is no key to bind to and the role asks for one.
    pub(super) fn binding(&self, role: &RoleConfig) -> Result<Binding, EngineError> {
        match (&self.certificate, self.peer) {
            (Some(certificate), _) => Ok(Binding::Key(*certificate.key_hash())),
            // Who is at the other end of the socket is the kernel's word: as good as a key.
            (None, Some(identity::Peer::Local { uid })) => Ok(Binding::LocalUser(uid)),
            (None, _) if role.bearer => Ok(Binding::Bearer),
            (None, _) => Err(EngineError::state(
                "KEY_REQUIRED",
                format!(
                    "tokens of the role `{}` are bound to a key: connect with a client certificate (the command line makes \
                     one for itself), or let the role allow bearer tokens",
                    role.name
                ),
            )),
        }
    }

    /// Who it is by its certificate or the unix socket.
    pub(super) fn identify_without_token(&self, world: &World, tenant: TenantId) -> Result<Caller, IdentityError> {
        let peer = self.peer.ok_or(IdentityError::NoToken)?;
        world.identity.identify(&identity::Facts {
            peer,
            certificate: self.certificate.as_ref(),
            authorization: None,
            tenant: Some(tenant),
            default_tenant: tenant,
        })
    }
}
