//! Shows who the caller is.

use super::TOKENS;
use crate::{
    engine::{Done, EngineError, Operation, Reply, World},
    identity::Caller,
    method::{Action, Method, TenantId, Tenantwide, rows},
    policy::Permit,
};

/// See the module.
pub struct WhoAmI;

/// What is shown.
pub struct WhoIs {
    /// The caller.
    pub caller: Caller,
    /// The name of its tenant.
    pub tenant: String,
}

impl Reply for WhoIs {}

impl Action for WhoAmI {
    const METHOD: &'static Method = &rows::auth::WHO_AM_I;
    type Resource = Tenantwide;
    fn resource(&self) -> Tenantwide {
        TOKENS
    }
}

impl Operation for WhoAmI {
    type Reply = WhoIs;

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<WhoIs>, EngineError> {
        let tenants = world.tables.tenants.all(TenantId::SYSTEM);
        let name = tenants.iter().find(|(_, t)| t.id == permit.tenant()).map(|(name, _)| name.to_string());
        Ok(Done::Answer(WhoIs { caller: permit.caller().clone(), tenant: name.unwrap_or_default() }))
    }
}
