//! Forgets a cluster and destroys its key.

use super::{ClusterRecord, NodeRecord, keys, node_entry, nodes_of};
use crate::{
    engine::{Done, EngineError, Kept, Operation, World},
    keyring::Changes,
    method::{Action, ClusterResource, Method, Name, rows},
    policy::Permit,
};

/// See the module.
pub struct RemoveCluster {
    /// The cluster.
    pub name: Name,
    /// Its id, so that a slip of the hand removes nothing.
    pub confirm: String,
}

impl Action for RemoveCluster {
    const METHOD: &'static Method = &rows::cluster::REMOVE;
    type Resource = ClusterResource;
    fn resource(&self) -> ClusterResource {
        ClusterResource(self.name.clone())
    }
}

impl Operation for RemoveCluster {
    type Reply = Kept<()>;

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<Self::Reply>, EngineError> {
        let tenant = permit.tenant();
        let cluster = super::existing(world, tenant, &self.name)?;
        if self.confirm != cluster.id.to_string() {
            return Err(EngineError::invalid("confirm_id", "is not the cluster's id; `keyward cluster get` shows it"));
        }
        let mut changes = Changes::new();
        keys::destroy(&mut changes, tenant, &cluster);
        for node in nodes_of(world, tenant, &cluster.id) {
            changes.delete_control::<NodeRecord>(tenant, &node_entry(&cluster.id, &node.name));
            changes.delete_data(super::report_place(tenant, &cluster.id, &node.name)?);
        }
        changes.delete_control::<ClusterRecord>(tenant, self.name.as_str());
        Ok(Done::Change(changes, Kept(())))
    }
}
