//! Whether a node counts still: from hot tables alone, so that each request and each turn of a stream can ask.

use std::sync::Arc;

use crate::{
    engine::{
        EngineError, Tables, World,
        cluster::{ClusterRecord, IssuedAs, NodeRecord, NodeState, find_node, node_entry},
    },
    identity::{Binding, Caller, NodeIdentity, NodeProblem, Nodes, ShownNode, TokenFacts},
    method::TenantId,
};

/// A node that counts, and its cluster.
#[derive(Clone, Debug)]
pub struct Known {
    /// What it showed.
    pub shown: ShownNode,
    /// The cluster.
    pub cluster: Arc<ClusterRecord>,
    /// The node.
    pub node: Arc<NodeRecord>,
}

/// How a certificate stands to those that were made for its node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// The one in use.
    InUse,
    /// The newest that was made, and not seen yet; or one that is newer than all that are known here, since the broker was
    /// restored from a backup that was made before it.
    Newest,
    /// It was replaced, or there are two of its number.
    Replaced,
}

impl Standing {
    pub(super) fn of(node: &NodeRecord, shown: &ShownNode) -> Self {
        let this = IssuedAs { generation: shown.identity.generation, key: shown.key };
        if this == node.used {
            Self::InUse
        } else if this == node.issued || this.generation > node.issued.generation {
            Self::Newest
        } else {
            Self::Replaced
        }
    }
}

/// The node that calls.
///
/// # Errors
/// [`EngineError::NotProven`] with the one reason.
pub fn known(world: &World, caller: &Caller) -> Result<Known, EngineError> {
    let shown = caller.node().ok_or(EngineError::Denied)?;
    let (cluster, node) = certified(&world.tables, shown).map_err(not_proven)?;
    Ok(Known { shown: shown.clone(), cluster, node })
}

pub(super) fn not_proven(problem: NodeProblem) -> EngineError {
    EngineError::NotProven { reason: problem.reason(), what: problem.to_string() }
}

fn certified(tables: &Tables, shown: &ShownNode) -> Result<(Arc<ClusterRecord>, Arc<NodeRecord>), NodeProblem> {
    let found = look_up(tables, &shown.identity)?;
    match Standing::of(&found.1, shown) {
        Standing::InUse | Standing::Newest => Ok(found),
        Standing::Replaced => Err(NodeProblem::Old),
    }
}

/// The very node and cluster that a certificate names, whichever of its certificates it is.
pub(super) fn look_up(
    tables: &Tables,
    identity: &NodeIdentity,
) -> Result<(Arc<ClusterRecord>, Arc<NodeRecord>), NodeProblem> {
    let cluster = tables.clusters.get(identity.tenant, identity.cluster.as_str());
    let cluster = cluster.filter(|found| found.id == identity.cluster_id).ok_or(NodeProblem::Unknown)?;
    let node = tables.nodes.get(identity.tenant, &node_entry(&cluster.id, &identity.node));
    let node = node.ok_or(NodeProblem::Unknown)?;
    match node.state {
        // Another node has joined under the name since.
        _ if node.id != identity.node_id => Err(NodeProblem::Revoked),
        NodeState::Active => Ok((cluster, node)),
        NodeState::Locked => Err(NodeProblem::Locked),
        NodeState::Revoked => Err(NodeProblem::Revoked),
    }
}

/// What identity asks.
pub struct KnownNodes(pub Tables);

impl Nodes for KnownNodes {
    fn certificate(&self, shown: &ShownNode) -> Result<(), NodeProblem> {
        certified(&self.0, shown).map(drop)
    }

    fn token(&self, tenant: TenantId, subject: &str, token: &TokenFacts) -> Result<(), NodeProblem> {
        let (cluster, node) = subject.split_once('/').ok_or(NodeProblem::Unknown)?;
        let cluster = self.0.clusters.get(tenant, cluster).ok_or(NodeProblem::Unknown)?;
        let name = node.parse().map_err(|_| NodeProblem::Unknown)?;
        let node = find_node(&self.0, tenant, &cluster.id, &name).ok_or(NodeProblem::Unknown)?;
        match (node.state, token.binding) {
            (NodeState::Locked, _) => Err(NodeProblem::Locked),
            (NodeState::Revoked, _) => Err(NodeProblem::Revoked),
            // Bound to a certificate that is not this node's, or not any more.
            (NodeState::Active, Binding::Key(key)) if key != node.used.key && key != node.issued.key => {
                Err(NodeProblem::Old)
            }
            // Given to a node of the same name that was there before.
            (NodeState::Active, _) if token.issued_at < node.joined_at => Err(NodeProblem::Revoked),
            (NodeState::Active, _) => Ok(()),
        }
    }
}
