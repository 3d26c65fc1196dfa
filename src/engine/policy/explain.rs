//! Says whether something is allowed, and why.

use super::{Draft, draft::off_thread};
use crate::{
    engine::{Done, EngineError, Operation, Reply, World},
    method::{Action, METHODS, Method, ResourceKind, Tenantwide, rows},
    policy::{
        Permit,
        check::{Asking, AskingError, Explanation},
    },
};

/// See the module.
pub struct ExplainPolicy {
    /// What is asked.
    pub asking: Asking,
    /// About the caller itself, whatever principal `asking` describes.
    pub of_caller: bool,
}

impl Reply for Explanation {}

impl Action for ExplainPolicy {
    const METHOD: &'static Method = &rows::policy::EXPLAIN;
    type Resource = Tenantwide;
    fn resource(&self) -> Tenantwide {
        Tenantwide(ResourceKind::Policy)
    }
}

impl Operation for ExplainPolicy {
    type Reply = Explanation;

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<Explanation>, EngineError> {
        let tenant = permit.tenant();
        // The policies in force, not those in the store: this is about what is decided now.
        let policies = world.policy.policies(tenant).ok_or(EngineError::Denied)?;
        let declared = Draft::of(world, tenant).declarations();
        let (asking, caller, of_caller) = (self.asking.clone(), permit.caller().clone(), self.of_caller);
        off_thread(move || {
            let explained = if of_caller {
                asking.explain_caller(&policies, &caller, METHODS)
            } else {
                asking.explain(&policies, &declared)
            };
            explained
                .map(Done::Answer)
                .map_err(|error: AskingError| EngineError::invalid(error.field, error.to_string()))
        })
        .await
    }
}
