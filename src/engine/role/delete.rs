//! Removes a role, and takes its tokens back: they must not come to life again with another role of that name.

use crate::{
    engine::{Done, EngineError, Kept, Operation, World, auth, policy::Draft},
    identity::{Revoked, RoleConfig},
    keyring::Changes,
    method::{Action, Method, Name, ResourceKind, RoleResource, rows},
    policy::Permit,
};

/// See the module.
pub struct DeleteRole {
    /// Its name.
    pub name: Name,
    /// Even when nobody is left who can write policies.
    pub force: bool,
}

impl Action for DeleteRole {
    const METHOD: &'static Method = &rows::role::DELETE;
    type Resource = RoleResource;
    fn resource(&self) -> RoleResource {
        RoleResource(self.name.clone())
    }
}

impl Operation for DeleteRole {
    type Reply = Kept<()>;

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<Self::Reply>, EngineError> {
        let tenant = permit.tenant();
        let mut draft = Draft::of(world, tenant);
        if draft.roles.remove(&self.name).is_none() {
            return Err(EngineError::not_found(ResourceKind::Role, self.name.as_str()));
        }
        let in_force = world.policy.policies(tenant).ok_or(EngineError::Denied)?;
        draft.check_roles(in_force, self.force).await?;
        let mut changes = Changes::new();
        changes.delete_control::<RoleConfig>(tenant, self.name.as_str());
        auth::revoke_all(&mut changes, tenant, Revoked::Role(self.name.clone()), world.clock.now())?;
        Ok(Done::Change(changes, Kept(())))
    }
}
