//! Nodes of clusters: what their certificates name, and what has to be asked about one.

use keyward_kit::cluster::{ClusterId, NodeId};

use super::TokenFacts;
use crate::method::{Name, TenantId};

/// Which node of which cluster a node certificate is for. A name can be used again, an id never is: what another cluster or
/// node of the same name once got means nothing for this one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NodeIdentity {
    /// The tenant whose cluster it is.
    pub tenant: TenantId,
    /// The cluster's name.
    pub cluster: Name,
    /// The cluster.
    pub cluster_id: ClusterId,
    /// The node's name.
    pub node: Name,
    /// The node.
    pub node_id: NodeId,
    /// Another number with each certificate, and a higher one.
    pub generation: u64,
}

/// A node that showed its certificate and proved its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownNode {
    /// What the certificate says.
    pub identity: NodeIdentity,
    /// The SHA-256 of the certificate's public key (SPKI): tells two certificates of one number apart.
    pub key: [u8; 32],
}

/// Why a node's certificate or token does not count, although it is genuine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NodeProblem {
    /// It is locked.
    #[error(
        "an old certificate of this node was used after a newer one, so a copy of it may be about; revoke it and join anew"
    )]
    Locked,
    /// A newer certificate is in use, or another one of the same number.
    #[error("this certificate was replaced by a newer one that is in use; a copy of the node may be about")]
    Old,
    /// It was revoked.
    #[error("this node was revoked; join anew under another token")]
    Revoked,
    /// It, or its cluster, is gone, or another one of the same name took its place.
    #[error("this node or its cluster is not known any more; join anew")]
    Unknown,
}

impl NodeProblem {
    /// A fixed word for the reply and the log.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Locked => "NODE_LOCKED",
            Self::Old => "NODE_CERTIFICATE_OLD",
            Self::Revoked => "NODE_REVOKED",
            Self::Unknown => "NODE_UNKNOWN",
        }
    }
}

/// Where identity asks about nodes.
pub trait Nodes: Send + Sync {
    /// Whether a node's certificate counts.
    ///
    /// # Errors
    /// [`NodeProblem`]: why not.
    fn certificate(&self, shown: &ShownNode) -> Result<(), NodeProblem>;

    /// Whether a token counts that was given to the node called `cluster/node`.
    ///
    /// # Errors
    /// [`NodeProblem`]: why not.
    fn token(&self, tenant: TenantId, subject: &str, token: &TokenFacts) -> Result<(), NodeProblem>;
}
