//! The root key gets a successor by age and by use.

use keyward_sdk::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use tracing::info;

use super::record;
use crate::{
    engine::{EngineError, Lifecycle, World, system},
    keyring::{Changes, ControlType},
    method::TenantId,
    seal::RootFingerprint,
};

/// A root is in force for so long.
const LIFE: Span = Span::from_days(365);
/// And seals so many versions of the system keyring: each is sealed under a key of its own, so this is a habit and no edge
/// of safety.
const RINGS: u32 = 1_024;
/// The one entry of its kind.
const AGE: &str = "root";

/// Since when a root is in force.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RootAge {
    /// Which.
    fingerprint: String,
    /// When it was first seen in force.
    since: Timestamp,
    /// The version of the system keyring at that time.
    ring: u32,
}

impl ControlType for RootAge {
    const KIND: &'static str = "root-age";
}

/// A pinned root stays: the next start would refuse another one.
///
/// # Errors
/// [`EngineError`]: nothing has changed.
pub async fn rotate_due(lifecycle: &Lifecycle, world: &World, now: Timestamp) -> Result<(), EngineError> {
    let fingerprint =
        RootFingerprint::of(&world.vault.root()).map_err(|error| EngineError::Internal(error.to_string()))?;
    let fingerprint = fingerprint.to_string();
    let ring = world.vault.rings().of(TenantId::SYSTEM)?.primary();
    let known = world.tables.root_age.get(TenantId::SYSTEM, AGE).filter(|known| known.fingerprint == fingerprint);
    let Some(known) = known else {
        let mut changes = Changes::new();
        changes.based_on(TenantId::SYSTEM, world.vault.counter(TenantId::SYSTEM));
        changes.put_control(TenantId::SYSTEM, AGE, &RootAge { fingerprint, since: now, ring })?;
        world.vault.commit(changes).await?;
        return Ok(());
    };
    let why = match (known.since.saturating_add(LIFE) <= now, ring.saturating_sub(known.ring) >= RINGS) {
        _ if lifecycle.parts.pin.is_some() => return Ok(()),
        (true, _) => "age",
        (false, true) => "use",
        (false, false) => return Ok(()),
    };
    record(lifecycle, "root.rotated", vec![("because_of", why)]).await?;
    system::rotate_root_now(world).await?;
    info!(because_of = why, "Root key has a successor");
    Ok(())
}
