//! Client certificates: who a connection's peer is, as far as its certificate proves it.
//!
//! The listener lets any certificate through whose key the peer proves to have, for three kinds of peers come: callers of a
//! configured authority, nodes with a certificate of their tenant's node authority, and callers whose certificate is of no
//! one and serves only as the key that their token is bound to.

mod authorities;
mod names;
mod peer;
#[cfg(test)]
mod tests;

pub use self::{
    authorities::{AuthorityError, ClientAuthorities},
    names::node_uri,
    peer::PeerCertificate,
};
