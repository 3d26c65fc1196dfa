//! Destroys a tenant after a waiting period: its keyring goes, and with it everything that was sealed under it.

use keyward_sdk::time::{Span, Timestamp};

use super::{
    Afterwards, TenantRecord, TenantState, record, remains,
    suspend::{not_main, store},
};
use crate::{
    engine::{Done, EngineError, Kept, Operation, World},
    keyring::Changes,
    method::{Action, Method, Name, TenantId, TenantResource, rows},
    policy::Permit,
    seal::{RENEWAL, Renewal},
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
    /// What is done once it is gone.
    pub afterwards: Afterwards,
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
        let lifecycle = world.lifecycle.upgrade().ok_or(EngineError::Sealed)?;
        if self.afterwards == Afterwards::RenewSeal && lifecycle.is_pinned() {
            return Err(EngineError::state(
                "ROOT_PINNED",
                "the settings pin the root's fingerprint, so the root cannot be made anew: take `seal.root_fingerprint` out of \
                 them first, or do without",
            ));
        }
        let mut tenant = record::find(world, &self.name)?;
        if matches!(tenant.state, TenantState::Destroying { .. }) {
            return Ok(Done::Answer(Kept(tenant)));
        }
        tenant.state =
            TenantState::Destroying { at: world.clock.now().saturating_add(period), afterwards: self.afterwards };
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

/// What ends one tenant whose period is over at `now`, and its name: for the job that runs every minute.
///
/// # Errors
/// [`EngineError`] when the changes cannot be made.
pub fn purge_due(world: &World, now: Timestamp) -> Result<Option<(Name, Changes)>, EngineError> {
    let counter = world.vault.counter(TenantId::SYSTEM);
    let tenants = world.tables.tenants.all(TenantId::SYSTEM);
    let due = tenants.into_iter().map(|(_, tenant)| tenant).find_map(|tenant| match tenant.state {
        TenantState::Destroying { at, afterwards } if at <= now => Some((tenant, afterwards)),
        _ => None,
    });
    let Some((tenant, afterwards)) = due else { return Ok(None) };
    let mut changes = Changes::new();
    // Called off in this moment, it is a conflict and nothing is destroyed.
    changes.based_on(TenantId::SYSTEM, counter);
    changes.delete_control::<TenantRecord>(TenantId::SYSTEM, tenant.name.as_str());
    changes.delete_ring(tenant.id);
    remains::leave(tenant.id, &mut changes)?;
    if afterwards == Afterwards::RenewSeal {
        let pending = world.tables.renewal.get(TenantId::SYSTEM, RENEWAL);
        let pending = pending.map(|left| (*left).clone()).unwrap_or_default();
        Renewal { seal: true, ..pending }.put(&mut changes)?;
    }
    Ok(Some((tenant.name.clone(), changes)))
}
