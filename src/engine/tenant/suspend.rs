//! Stops a tenant, and goes on with it. A suspended tenant's tokens, certificates and logins are all refused.

use super::{MAIN, TenantRecord, TenantState, record};
use crate::{
    engine::{Done, EngineError, Kept, Operation, World},
    keyring::Changes,
    method::{Action, Method, Name, TenantId, TenantResource, rows},
    policy::Permit,
};

/// Stops a tenant.
pub struct SuspendTenant {
    /// Its name.
    pub name: Name,
}

/// Goes on with a suspended tenant.
pub struct ResumeTenant {
    /// Its name.
    pub name: Name,
}

impl Action for SuspendTenant {
    const METHOD: &'static Method = &rows::tenant::SUSPEND;
    type Resource = TenantResource;
    fn resource(&self) -> TenantResource {
        TenantResource(self.name.clone())
    }
}

impl Operation for SuspendTenant {
    type Reply = Kept<TenantRecord>;

    async fn execute(&self, _permit: &Permit<Self>, world: &World) -> Result<Done<Self::Reply>, EngineError> {
        not_main(&self.name)?;
        change(world, &self.name, TenantState::Active, TenantState::Suspended)
    }
}

impl Action for ResumeTenant {
    const METHOD: &'static Method = &rows::tenant::RESUME;
    type Resource = TenantResource;
    fn resource(&self) -> TenantResource {
        TenantResource(self.name.clone())
    }
}

impl Operation for ResumeTenant {
    type Reply = Kept<TenantRecord>;

    async fn execute(&self, _permit: &Permit<Self>, world: &World) -> Result<Done<Self::Reply>, EngineError> {
        change(world, &self.name, TenantState::Suspended, TenantState::Active)
    }
}

/// `main` runs the installation: without it nobody could bring it back.
pub(super) fn not_main(name: &Name) -> Result<(), EngineError> {
    if name.as_str() == MAIN {
        return Err(EngineError::state("MAIN_TENANT", "the tenant `main` runs the installation and cannot be stopped"));
    }
    Ok(())
}

fn change(
    world: &World,
    name: &Name,
    from: TenantState,
    to: TenantState,
) -> Result<Done<Kept<TenantRecord>>, EngineError> {
    let mut tenant = record::find(world, name)?;
    if tenant.state == to {
        return Ok(Done::Answer(Kept(tenant)));
    }
    if tenant.state != from {
        return Err(EngineError::state(
            "TENANT_DESTROYING",
            format!("tenant `{name}` is being destroyed; cancel that first"),
        ));
    }
    tenant.state = to;
    store(tenant)
}

pub(super) fn store(tenant: TenantRecord) -> Result<Done<Kept<TenantRecord>>, EngineError> {
    let mut changes = Changes::new();
    changes.put_control(TenantId::SYSTEM, tenant.name.as_str(), &tenant)?;
    Ok(Done::Change(changes, Kept(tenant)))
}
