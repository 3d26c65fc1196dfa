//! Changes what may change of a cluster.

use super::{Allowance, ClusterRecord, register::described};
use crate::{
    engine::{Done, EngineError, Kept, Operation, World},
    keyring::Changes,
    method::{Action, ClusterResource, Method, Name, rows},
    policy::Permit,
};

/// See the module.
pub struct UpdateCluster {
    /// The cluster.
    pub name: Name,
    /// For people.
    pub description: Option<String>,
    /// How its nodes go on without the broker.
    pub allowance: Option<Allowance>,
}

impl Action for UpdateCluster {
    const METHOD: &'static Method = &rows::cluster::UPDATE;
    type Resource = ClusterResource;
    fn resource(&self) -> ClusterResource {
        ClusterResource(self.name.clone())
    }
}

impl Operation for UpdateCluster {
    type Reply = Kept<ClusterRecord>;

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<Self::Reply>, EngineError> {
        let mut cluster = (*super::existing(world, permit.tenant(), &self.name)?).clone();
        cluster.settle(world.clock.now());
        if let Some(description) = &self.description {
            described(description)?;
            cluster.description.clone_from(description);
        }
        if let Some(allowance) = self.allowance {
            allowance.check()?;
            cluster.allowance = allowance;
            cluster.generation += 1; // nodes have to know
        }
        let mut changes = Changes::new();
        changes.put_control(permit.tenant(), self.name.as_str(), &cluster)?;
        Ok(Done::Change(changes, Kept(cluster)))
    }
}
