//! Makes or changes a role.

use std::sync::Arc;

use crate::{
    engine::{Done, EngineError, Keep, Kept, Operation, World, policy::Draft},
    identity::{RoleConfig, RoleProblem},
    keyring::Changes,
    method::{Action, Method, RoleResource, rows},
    policy::Permit,
};

/// The most roles of a tenant.
const MAX_ROLES: usize = 4_096;

/// See the module.
pub struct PutRole {
    /// The role.
    pub role: RoleConfig,
    /// Even when nobody is left who can write policies.
    pub force: bool,
}

impl Keep for RoleConfig {}

impl Action for PutRole {
    const METHOD: &'static Method = &rows::role::PUT;
    type Resource = RoleResource;
    fn resource(&self) -> RoleResource {
        RoleResource(self.role.name.clone())
    }
}

impl Operation for PutRole {
    type Reply = Kept<RoleConfig>;

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<Self::Reply>, EngineError> {
        let (tenant, name) = (permit.tenant(), &self.role.name);
        self.role.check().map_err(|problem| EngineError::invalid(field(&problem), problem.to_string()))?;
        let mut draft = Draft::of(world, tenant);
        draft.roles.insert(name.clone(), Arc::new(self.role.clone()));
        if draft.roles.len() > MAX_ROLES {
            return Err(EngineError::Limit { what: "the number of roles", limit: MAX_ROLES as u64 });
        }
        let in_force = world.policy.policies(tenant).ok_or(EngineError::Denied)?;
        draft.check_roles(in_force, self.force).await?;
        let mut changes = Changes::new();
        changes.put_control(tenant, name.as_str(), &self.role)?;
        Ok(Done::Change(changes, Kept(self.role.clone())))
    }
}

fn field(problem: &RoleProblem) -> &'static str {
    match problem {
        RoleProblem::Description => "role.description",
        RoleProblem::Life => "role.max_life",
    }
}
