//! The authorities of an installation: one for the broker's own certificate, made by `init`, and one a tenant for the
//! certificates of its nodes. Pure: keys come in and certificates go out; where they are kept is the callers' matter.

mod authority;
mod node;
mod server;
#[cfg(test)]
mod tests;

pub(super) use self::authority::BACKDATE;
pub use self::{
    authority::{Authority, AuthorityRecord},
    node::{IssuedNode, NODE_LIFE},
    server::{IssuedServer, SERVER_LIFE},
};

/// Why a certificate was not issued.
#[derive(Debug, thiserror::Error)]
pub enum CaError {
    /// The authority's own key or certificate is unusable.
    #[error("authority cannot be used: {0}")]
    Authority(String),
    /// The library refused.
    #[error("certificate cannot be made: {0}")]
    Issue(String),
    /// A name that a certificate cannot hold.
    #[error("`{0}` is neither a DNS name nor an address, and cannot stand in a certificate")]
    Name(String),
    /// What was sent is no request, or not signed with the key that it brings.
    #[error("certificate request is refused: {0}")]
    Request(&'static str),
}
