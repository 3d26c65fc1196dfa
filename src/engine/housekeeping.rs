//! What is done by the clock inside an open broker: keyrings get new versions by age and by use, and what can match
//! nothing any more is forgotten.

use keyward_kit::audit::Durability;
use keyward_sdk::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use tracing::{info, warn};

use super::{EngineError, Lifecycle, World, auth, bootstrap::BootstrapRecord, lifecycle::MEMBER_TIMEOUT};
use crate::{
    identity::Revocation,
    keyring::{Changes, DataPath, Keyring, VaultError},
    method::TenantId,
    seal,
    storage::MAX_BATCH_OPERATIONS,
};

/// A keyring's version seals for so long.
const VERSION_LIFE: Span = Span::from_days(90);
/// And so many values. Each is sealed under a key of its own, so this is a habit and no edge of safety.
const VERSION_SEALS: u64 = 1 << 31;
/// Seals are counted in memory up to this many, and then added to what the store remembers: so many at most does a
/// restart forget.
const COUNTED_IN_MEMORY: u64 = 1 << 24;

/// How many values a version has sealed.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Seals {
    version: u32,
    count: u64,
}

/// For the job that runs every minute. One part that fails does not keep the others from being done.
pub async fn minutely(lifecycle: &Lifecycle, world: &World, now: Timestamp) {
    let told = |what: &'static str, done: Result<(), EngineError>| {
        if let Err(error) = done {
            warn!(job = what, %error, "Job failed, to be tried again");
        }
    };
    told("rotate keyrings", rotate_due(lifecycle, world, now).await);
    told("seal keyrings anew", catch_up(world).await);
    told("forget", forget(world, now).await);
    told("prove members", lifecycle.prove_when_due(now).await);
}

/// Why a keyring gets a new version.
async fn due(
    world: &World,
    owner: TenantId,
    ring: &Keyring,
    now: Timestamp,
) -> Result<Option<&'static str>, EngineError> {
    let record = ring.record();
    let made =
        record.versions.iter().find(|version| version.number == record.primary).map(|version| version.created_at);
    if made.is_some_and(|at| at.saturating_add(VERSION_LIFE) <= now) {
        return Ok(Some("age"));
    }
    if ring.seals() < COUNTED_IN_MEMORY {
        return Ok(None);
    }
    let place = DataPath::new(TenantId::SYSTEM, &format!("seals/{owner}"))?;
    let stored = world.vault.read::<Seals>(&place).await?.map(|(seals, _)| seals);
    let before = stored.filter(|seals| seals.version == record.primary).map_or(0, |seals| seals.count);
    let count = before.saturating_add(ring.take_seals());
    let mut changes = Changes::new();
    changes.put_data(place, &Seals { version: record.primary, count })?;
    world.vault.commit(changes).await?;
    Ok((count >= VERSION_SEALS).then_some("use"))
}

async fn rotate_due(lifecycle: &Lifecycle, world: &World, now: Timestamp) -> Result<(), EngineError> {
    let rings = world.vault.rings();
    for owner in rings.tenants() {
        let ring = rings.of(owner)?;
        let Some(why) = due(world, owner, ring, now).await? else { continue };
        let name = owner.to_string();
        let details = vec![("tenant", name.as_str()), ("because_of", why)];
        let deadline = Instant::now() + MEMBER_TIMEOUT;
        let recorded = lifecycle.parts.audit.system("keyring.rotated", details, Durability::Fsync, deadline).await;
        recorded.map_err(|error| EngineError::Unavailable(error.to_string()))?;
        let mut changes = Changes::new();
        changes.based_on(TenantId::SYSTEM, world.vault.counter(TenantId::SYSTEM));
        changes.put_ring(owner, world.vault.rings().of(owner)?.record().rotated(now));
        world.vault.commit(changes).await?;
        if owner == TenantId::SYSTEM {
            world.behind.add(rings.tenants().filter(|tenant| *tenant != TenantId::SYSTEM));
        }
        info!(tenant = %owner, because_of = why, "Keyring has a new version");
    }
    Ok(())
}

async fn catch_up(world: &World) -> Result<(), EngineError> {
    let behind = world.behind.take();
    let done = seal::catch_up(&world.vault, &behind).await;
    if done.is_err() {
        world.behind.add(behind);
    }
    Ok(done?)
}

/// Revocations, bootstrap tokens and marks of used tokens that match nothing alive any more.
async fn forget(world: &World, now: Timestamp) -> Result<(), EngineError> {
    let tenants = world.tables.tenants.all(TenantId::SYSTEM);
    for tenant in tenants.iter().map(|(_, tenant)| tenant.id) {
        let mut changes = Changes::new();
        let revocations = world.revocations.forgettable(tenant, now);
        revocations.iter().take(20).for_each(|name| changes.delete_control::<Revocation>(tenant, name));
        let bootstraps = world.tables.bootstraps.all(tenant);
        let old = bootstraps.iter().filter(|(_, record)| record.expires_at <= now).take(20);
        old.for_each(|(name, _)| changes.delete_control::<BootstrapRecord>(tenant, name));
        if !changes.is_empty() {
            changes.based_on(tenant, world.vault.counter(tenant));
            match world.vault.commit(changes).await {
                Ok(_) | Err(VaultError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        for places in auth::old_marks(world, tenant, now).await?.chunks(MAX_BATCH_OPERATIONS) {
            let mut changes = Changes::new();
            places.iter().for_each(|place| changes.delete_data(place.clone()));
            world.vault.commit(changes).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counting_in_memory_forgets_little_of_what_a_version_may_seal() {
        const { assert!(COUNTED_IN_MEMORY * 100 <= VERSION_SEALS) };
    }
}
