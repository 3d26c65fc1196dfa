//! Rounds over data of tenants, a page at a time: where each ended is remembered until the broker is sealed.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use keyward_sdk::time::Timestamp;

use crate::{
    engine::{EngineError, World, secret, tenant},
    keyring::DataPath,
    method::TenantId,
};

/// Pages of one tenant in a round.
const PAGES: usize = 10;

/// Where rounds ended, by tenant and by what they are over.
#[derive(Default)]
pub struct Cursors(Mutex<HashMap<(TenantId, &'static str), DataPath>>);

impl Cursors {
    /// After what the next page begins; none: at the beginning.
    #[must_use]
    pub fn get(&self, tenant: TenantId, over: &'static str) -> Option<DataPath> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&(tenant, over)).cloned()
    }

    /// The page ended with this; none: the round is done.
    pub fn set(&self, tenant: TenantId, over: &'static str, last: Option<DataPath>) {
        let mut cursors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match last {
            Some(last) => cursors.insert((tenant, over), last),
            None => cursors.remove(&(tenant, over)),
        };
    }
}

/// Removes values that nothing refers to, and what destroyed tenants left.
///
/// # Errors
/// [`EngineError`]: what was not done is left for the next round.
pub async fn collect(world: &World, now: Timestamp) -> Result<(), EngineError> {
    let mut failed = Ok(());
    for (_, record) in world.tables.tenants.all(TenantId::SYSTEM) {
        // One tenant's trouble holds up no other.
        failed = secret::collect(world, record.id, now).await.and(failed);
    }
    tenant::collect(world).await.and(failed)
}

/// Applies the retention of secrets.
///
/// # Errors
/// [`EngineError`]: what was not done is left for the next round.
pub async fn retain(world: &World, now: Timestamp) -> Result<(), EngineError> {
    let mut failed = Ok(());
    for (_, record) in world.tables.tenants.all(TenantId::SYSTEM) {
        failed = retain_of(world, record.id, now).await.and(failed);
    }
    failed
}

async fn retain_of(world: &World, tenant: TenantId, now: Timestamp) -> Result<(), EngineError> {
    const OVER: &str = "secrets";
    for _ in 0..PAGES {
        let after = world.cursors.get(tenant, OVER);
        let last = secret::sweep(world, tenant, after.as_ref(), now).await?;
        let is_end = last.is_none();
        world.cursors.set(tenant, OVER, last);
        if is_end {
            break;
        }
    }
    Ok(())
}
