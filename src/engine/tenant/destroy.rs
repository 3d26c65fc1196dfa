//! Destroys a tenant after a waiting period: its keyring goes, and with it everything that was sealed under it.

use keyward_sdk::time::{Span, Timestamp};

use super::{
    TenantRecord, TenantState, record,
    suspend::{not_main, store},
};
use crate::{
    engine::{Done, EngineError, Kept, Operation, World},
    keyring::Changes,
    method::{Action, Method, Name, TenantId, TenantResource, rows},
    policy::Permit,
};

const SHORTEST: Span = Span::from_days(7);
const LONGEST: Span = Span::from_days(90);
const DEFAULT: Span = Span::from_days(30);

/// Schedules the end of a tenant.
pub struct DestroyTenant {
    /// Its name.
    pub name: Name,
    /// How long it can be called off; none means 30 days.
    pub waiting_period: Option<Span>,
}

/// Calls a destruction off.
pub struct CancelTenantDestruction {
    /// The tenant's name.
    pub name: Name,
}

impl Action for DestroyTenant {
    const METHOD: &'static Method = &rows::tenant::DESTROY;
    type Resource = TenantResource;
    fn resource(&self) -> TenantResource {
        TenantResource(self.name.clone())
    }
}

impl Operation for DestroyTenant {
    type Reply = Kept<TenantRecord>;

    async fn execute(&self, _permit: &Permit<Self>, world: &World) -> Result<Done<Self::Reply>, EngineError> {
        not_main(&self.name)?;
        let period = self.waiting_period.unwrap_or(DEFAULT);
        if period < SHORTEST || period > LONGEST {
            return Err(EngineError::invalid("waiting_period", "7 to 90 days are allowed"));
        }
        let mut tenant = record::find(world, &self.name)?;
        if matches!(tenant.state, TenantState::Destroying { .. }) {
            return Ok(Done::Answer(Kept(tenant)));
        }
        tenant.state = TenantState::Destroying { at: world.clock.now().saturating_add(period) };
        store(tenant)
    }
}

impl Action for CancelTenantDestruction {
    const METHOD: &'static Method = &rows::tenant::CANCEL_DESTRUCTION;
    type Resource = TenantResource;
    fn resource(&self) -> TenantResource {
        TenantResource(self.name.clone())
    }
}

impl Operation for CancelTenantDestruction {
    type Reply = Kept<TenantRecord>;

    async fn execute(&self, _permit: &Permit<Self>, world: &World) -> Result<Done<Self::Reply>, EngineError> {
        let mut tenant = record::find(world, &self.name)?;
        if !matches!(tenant.state, TenantState::Destroying { .. }) {
            return Err(EngineError::state("NOT_DESTROYING", format!("tenant `{}` is not being destroyed", self.name)));
        }
        tenant.state = TenantState::Suspended;
        store(tenant)
    }
}

/// What ends the tenants whose period is over at `now`: for the job that runs every minute.
///
/// # Errors
/// [`EngineError`] when the changes cannot be made.
pub fn purge_due(world: &World, now: Timestamp) -> Result<Option<Changes>, EngineError> {
    let mut changes = Changes::new();
    for (name, tenant) in world.tables.tenants.all(TenantId::SYSTEM) {
        if matches!(tenant.state, TenantState::Destroying { at } if at <= now) {
            changes.delete_control::<TenantRecord>(TenantId::SYSTEM, &name);
            changes.delete_ring(tenant.id);
        }
    }
    Ok((!changes.is_empty()).then_some(changes))
}
