//! Shows a tenant.

use super::{TenantRecord, record};
use crate::{
    engine::{Done, EngineError, Operation, Reply, World},
    method::{Action, Method, Name, TenantResource, rows},
    policy::Permit,
};

/// See the module.
pub struct GetTenant {
    /// Its name.
    pub name: Name,
}

impl Reply for TenantRecord {}

impl Action for GetTenant {
    const METHOD: &'static Method = &rows::tenant::GET;
    type Resource = TenantResource;
    fn resource(&self) -> TenantResource {
        TenantResource(self.name.clone())
    }
}

impl Operation for GetTenant {
    type Reply = TenantRecord;

    async fn execute(&self, _permit: &Permit<Self>, world: &World) -> Result<Done<TenantRecord>, EngineError> {
        record::find(world, &self.name).map(Done::Answer)
    }
}
