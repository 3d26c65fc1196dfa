//! Shows all policies.

use crate::{
    engine::{Done, EngineError, Operation, Page, PageRequest, World},
    method::{Action, Method, ResourceKind, Tenantwide, rows},
    policy::{Permit, PolicyRecord},
};

/// See the module.
pub struct ListPolicies {
    /// Which part.
    pub page: PageRequest,
}

impl Action for ListPolicies {
    const METHOD: &'static Method = &rows::policy::LIST;
    type Resource = Tenantwide;
    fn resource(&self) -> Tenantwide {
        Tenantwide(ResourceKind::Policy)
    }
}

impl Operation for ListPolicies {
    type Reply = Page<PolicyRecord>;

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<Self::Reply>, EngineError> {
        Ok(Done::Answer(self.page.of_table(&world.tables.policies, permit.tenant(), |_, record| record.clone())))
    }
}
