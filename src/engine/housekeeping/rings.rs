//! Keyrings get new versions by age and by use.

use keyward_sdk::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use tracing::info;

use super::record;
use crate::{
    engine::{EngineError, Lifecycle, World},
    keyring::{Changes, DataPath, Keyring},
    method::TenantId,
};

/// When a keyring gets a new version.
#[derive(Clone, Copy, Debug)]
pub struct RingUse {
    /// Its version sealed for so long.
    pub life: Span,
    /// Or so many values.
    pub seals: u64,
    /// Seals are counted in memory up to this many, and then added to what the store remembers: so many at most does a
    /// restart forget.
    pub in_memory: u64,
}

impl RingUse {
    /// What daemons do. Each value is sealed under a key of its own, so the number is a habit and no edge of safety.
    pub const USUAL: Self = Self { life: Span::from_days(90), seals: 1 << 31, in_memory: 1 << 24 };
}

/// How many values a version has sealed.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Seals {
    version: u32,
    count: u64,
}

/// Why a keyring gets a new version.
async fn due(
    world: &World,
    owner: TenantId,
    ring: &Keyring,
    now: Timestamp,
    most: &RingUse,
) -> Result<Option<&'static str>, EngineError> {
    let record = ring.record();
    let made =
        record.versions.iter().find(|version| version.number == record.primary).map(|version| version.created_at);
    if made.is_some_and(|at| at.saturating_add(most.life) <= now) {
        return Ok(Some("age"));
    }
    if ring.seals() < most.in_memory {
        return Ok(None);
    }
    let place = DataPath::new(TenantId::SYSTEM, &format!("seals/{owner}"))?;
    let stored = world.vault.read::<Seals>(&place).await?.map(|(seals, _)| seals);
    let before = stored.filter(|seals| seals.version == record.primary).map_or(0, |seals| seals.count);
    let count = before.saturating_add(ring.take_seals());
    let mut changes = Changes::new();
    changes.put_data(place, &Seals { version: record.primary, count })?;
    world.vault.commit(changes).await?;
    Ok((count >= most.seals).then_some("use"))
}

/// Gives every keyring a new version whose primary is old or much used.
///
/// # Errors
/// [`EngineError`]: that keyring stays as it is.
pub async fn rotate_due(
    lifecycle: &Lifecycle,
    world: &World,
    now: Timestamp,
    most: &RingUse,
) -> Result<(), EngineError> {
    let rings = world.vault.rings();
    for owner in rings.tenants() {
        let ring = rings.of(owner)?;
        let Some(why) = due(world, owner, ring, now, most).await? else { continue };
        let name = owner.to_string();
        let details = vec![("tenant", name.as_str()), ("because_of", why)];
        record(lifecycle, "keyring.rotated", details).await?;
        let mut changes = Changes::new();
        changes.based_on(TenantId::SYSTEM, world.vault.counter(TenantId::SYSTEM));
        changes.put_ring(owner, world.vault.rings().of(owner)?.record().rotated(now));
        world.vault.commit(changes).await?;
        info!(tenant = %owner, because_of = why, "Keyring has a new version");
    }
    Ok(())
}
