//! What is known of a request before anybody is identified.

use std::{fmt, net::SocketAddr, sync::Arc};

use super::PeerCertificate;
use crate::method::TenantId;

/// Who is at the other end of the connection, as the kernel says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// Over the network.
    Network(SocketAddr),
    /// On the unix socket: the user's id, from the socket itself.
    Local {
        /// The user.
        uid: u32,
    },
}

/// What is known of a request before anybody is identified.
#[derive(Clone)]
pub struct Facts<'a> {
    /// Who is at the other end.
    pub peer: Peer,
    /// The certificate whose key the peer proved to have, looked at once per connection.
    pub certificate: Option<&'a Arc<PeerCertificate>>,
    /// The header `authorization`.
    pub authorization: Option<&'a [u8]>,
    /// The tenant that the request names.
    pub tenant: Option<TenantId>,
    /// The tenant of callers whose proof says nothing of one, when the request names none: `main`.
    pub default_tenant: TenantId,
}

impl fmt::Debug for Facts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Facts")
            .field("peer", &self.peer)
            .field("certificate", &self.certificate)
            .field("authorization", &self.authorization.map(|_| ".."))
            .field("tenant", &self.tenant)
            .finish_non_exhaustive()
    }
}
