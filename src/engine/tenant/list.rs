//! Shows all tenants.

use super::TenantRecord;
use crate::{
    engine::{Done, EngineError, Operation, Page, PageRequest, World},
    method::{Action, Method, ResourceKind, TenantId, Tenantwide, rows},
    policy::Permit,
};

/// See the module.
pub struct ListTenants {
    /// Which part.
    pub page: PageRequest,
}

impl Action for ListTenants {
    const METHOD: &'static Method = &rows::tenant::LIST;
    type Resource = Tenantwide;
    fn resource(&self) -> Tenantwide {
        Tenantwide(ResourceKind::Tenant)
    }
}

impl Operation for ListTenants {
    type Reply = Page<TenantRecord>;

    async fn execute(&self, _permit: &Permit<Self>, world: &World) -> Result<Done<Self::Reply>, EngineError> {
        Ok(Done::Answer(self.page.of_table(&world.tables.tenants, TenantId::SYSTEM, |_, record| record.clone())))
    }
}
