//! Whether a node's certificate counts still.

use std::sync::Arc;

use crate::{
    engine::{
        EngineError, World,
        cluster::{ClusterRecord, NodeRecord, NodeState, find_node},
    },
    identity::{Caller, NodeIdentity},
};

/// A node whose certificate counts, and its cluster.
#[derive(Clone, Debug)]
pub struct Known {
    /// What the certificate says.
    pub identity: NodeIdentity,
    /// The cluster.
    pub cluster: Arc<ClusterRecord>,
    /// The node.
    pub node: Arc<NodeRecord>,
}

fn refuse(reason: &'static str, what: &str) -> EngineError {
    EngineError::NotProven { reason, what: what.to_owned() }
}

/// The node that calls, if it may have the keyset: from hot tables alone, so a stream can ask at every turn.
///
/// # Errors
/// [`EngineError::NotProven`] with the one reason.
pub fn known(world: &World, caller: &Caller) -> Result<Known, EngineError> {
    let identity = caller.node().ok_or(EngineError::Denied)?;
    let found = look_up(world, identity)?;
    // The newest that was made may not have reached the node, so the newest that it showed counts as well.
    if identity.generation == found.node.issued || identity.generation == found.node.used {
        Ok(found)
    } else {
        Err(refuse(
            "NODE_CERTIFICATE_OLD",
            "this certificate was replaced by a newer one that is in use; a copy of the node may be about",
        ))
    }
}

/// As [`known`], without a look at the certificate's generation.
pub(super) fn look_up(world: &World, identity: &NodeIdentity) -> Result<Known, EngineError> {
    let gone = || refuse("NODE_UNKNOWN", "this node or its cluster is not known any more; join anew");
    let cluster = world.tables.clusters.get(identity.tenant, identity.cluster.as_str()).ok_or_else(gone)?;
    let node = find_node(world, identity.tenant, &cluster.id, &identity.node).ok_or_else(gone)?;
    match node.state {
        NodeState::Active => Ok(Known { identity: identity.clone(), cluster, node }),
        NodeState::Locked => Err(refuse(
            "NODE_LOCKED",
            "an old certificate of this node was used after a newer one, so a copy of it may be about; revoke it and join anew",
        )),
        NodeState::Revoked => Err(refuse("NODE_REVOKED", "this node was revoked; join anew under another token")),
    }
}
