//! Removes a policy.

use super::Draft;
use crate::{
    engine::{Done, EngineError, Kept, Operation, World},
    keyring::Changes,
    method::{Action, Method, Name, PolicyResource, ResourceKind, rows},
    policy::{Permit, PolicyRecord},
};

/// See the module.
pub struct DeletePolicy {
    /// Its name.
    pub name: Name,
    /// Even when nobody is left who can write policies.
    pub force: bool,
}

impl Action for DeletePolicy {
    const METHOD: &'static Method = &rows::policy::DELETE;
    type Resource = PolicyResource;
    fn resource(&self) -> PolicyResource {
        PolicyResource(self.name.clone())
    }
}

impl Operation for DeletePolicy {
    type Reply = Kept<()>;

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<Self::Reply>, EngineError> {
        let mut draft = Draft::of(world, permit.tenant());
        if draft.policies.remove(&self.name).is_none() {
            return Err(EngineError::not_found(ResourceKind::Policy, self.name.as_str()));
        }
        draft.check_policy(None, self.force).await?;
        let mut changes = Changes::new();
        changes.delete_control::<PolicyRecord>(permit.tenant(), self.name.as_str());
        Ok(Done::Change(changes, Kept(())))
    }
}
