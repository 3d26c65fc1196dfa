//! Shows a role.

use crate::{
    engine::{Done, EngineError, Operation, Reply, World},
    identity::RoleConfig,
    method::{Action, Method, Name, ResourceKind, RoleResource, rows},
    policy::Permit,
};

/// See the module.
pub struct GetRole {
    /// Its name.
    pub name: Name,
}

impl Reply for RoleConfig {}

impl Action for GetRole {
    const METHOD: &'static Method = &rows::role::GET;
    type Resource = RoleResource;
    fn resource(&self) -> RoleResource {
        RoleResource(self.name.clone())
    }
}

impl Operation for GetRole {
    type Reply = RoleConfig;

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<RoleConfig>, EngineError> {
        let found = world.tables.roles.get(permit.tenant(), self.name.as_str());
        let found = found.ok_or_else(|| EngineError::not_found(ResourceKind::Role, self.name.as_str()))?;
        Ok(Done::Answer(RoleConfig::clone(&found)))
    }
}
