//! The keyset of a node's cluster.

use std::sync::Arc;

use super::known;
use crate::{
    engine::{
        Done, EngineError, Operation, Reply, World,
        cluster::{ClusterKeyRecord, ClusterMode, ClusterRecord, IssuedAs, materials, node_entry},
    },
    keyring::Changes,
    method::{Action, Method, ResourceKind, Tenantwide, rows},
    policy::Permit,
};

/// Reads it. The first call with a new certificate also notes that the node has it.
pub struct GetKeyset;

/// The keyset.
pub struct NodeKeyset {
    /// The cluster.
    pub cluster: Arc<ClusterRecord>,
    /// The keys by version; none in mode `remote`.
    pub keys: Vec<(u32, Arc<ClusterKeyRecord>)>,
}

impl Reply for NodeKeyset {}

impl Action for GetKeyset {
    const METHOD: &'static Method = &rows::node::KEYSET;
    type Resource = Tenantwide;
    fn resource(&self) -> Tenantwide {
        Tenantwide(ResourceKind::Cluster)
    }
}

impl Operation for GetKeyset {
    type Reply = NodeKeyset;

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<NodeKeyset>, EngineError> {
        let tenant = permit.tenant();
        let found = known(world, permit.caller())?;
        let keys = match found.cluster.mode {
            ClusterMode::Local => materials(world, tenant, &found.cluster)?,
            ClusterMode::Remote => Vec::new(),
        };
        let keyset = NodeKeyset { keys, cluster: found.cluster };
        let shown = IssuedAs { generation: found.shown.identity.generation, key: found.shown.key };
        if found.node.used == shown {
            return Ok(Done::Answer(keyset));
        }
        let mut node = (*found.node).clone();
        node.used = shown;
        if shown.generation > node.issued.generation {
            node.issued = shown;
        }
        let mut changes = Changes::new();
        changes.put_control(tenant, &node_entry(&keyset.cluster.id, &node.name), &node)?;
        Ok(Done::Change(changes, keyset))
    }
}
