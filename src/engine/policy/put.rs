//! Writes a policy.

use super::Draft;
use crate::{
    engine::{Done, EngineError, Keep, Kept, Operation, World},
    keyring::Changes,
    method::{Action, Method, PolicyResource, rows},
    policy::{MAX_POLICIES, Permit, PolicyRecord, PolicyText},
};

/// See the module.
pub struct PutPolicy {
    /// Its name and statements.
    pub policy: PolicyText,
    /// Even when nobody is left who can write policies.
    pub force: bool,
}

impl Keep for PolicyRecord {}

impl Action for PutPolicy {
    const METHOD: &'static Method = &rows::policy::PUT;
    type Resource = PolicyResource;
    fn resource(&self) -> PolicyResource {
        PolicyResource(self.policy.name.clone())
    }
}

impl Operation for PutPolicy {
    type Reply = Kept<PolicyRecord>;

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<Self::Reply>, EngineError> {
        let (tenant, name) = (permit.tenant(), &self.policy.name);
        let mut draft = Draft::of(world, tenant);
        draft.policies.insert(name.clone(), self.policy.clone());
        if draft.policies.len() > MAX_POLICIES {
            return Err(EngineError::Limit { what: "the number of policies", limit: MAX_POLICIES as u64 });
        }
        draft.check_policy(Some(name.clone()), self.force).await?;
        let record = PolicyRecord { policy: self.policy.clone(), updated_at: world.clock.now() };
        let mut changes = Changes::new();
        changes.put_control(tenant, name.as_str(), &record)?;
        Ok(Done::Change(changes, Kept(record)))
    }
}
