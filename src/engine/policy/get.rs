//! Shows a policy.

use crate::{
    engine::{Done, EngineError, Operation, Reply, World},
    method::{Action, Method, Name, PolicyResource, ResourceKind, rows},
    policy::{Permit, PolicyRecord},
};

/// See the module.
pub struct GetPolicy {
    /// Its name.
    pub name: Name,
}

impl Reply for PolicyRecord {}

impl Action for GetPolicy {
    const METHOD: &'static Method = &rows::policy::GET;
    type Resource = PolicyResource;
    fn resource(&self) -> PolicyResource {
        PolicyResource(self.name.clone())
    }
}

impl Operation for GetPolicy {
    type Reply = PolicyRecord;

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<PolicyRecord>, EngineError> {
        let found = world.tables.policies.get(permit.tenant(), self.name.as_str());
        let found = found.ok_or_else(|| EngineError::not_found(ResourceKind::Policy, self.name.as_str()))?;
        Ok(Done::Answer(PolicyRecord::clone(&found)))
    }
}
