//! What a change of the seal, or the end of a tenant, left to be done; and what lies under older versions of the system
//! keyring, until nothing does and those are forgotten.

use keyward_sdk::time::Timestamp;
use tracing::{info, warn};

use super::record;
use crate::{
    engine::{EngineError, Lifecycle, World, system},
    keyring::{Changes, Resealed, VaultError},
    method::TenantId,
    seal::RENEWAL,
};

/// How many commits one round makes. The rest is done in the next.
const COMMITS: usize = 40;

/// Carries on what is left to be done.
///
/// # Errors
/// [`EngineError`]: what was not done is left for the next round.
pub async fn renew(lifecycle: &Lifecycle, world: &World, now: Timestamp) -> Result<(), EngineError> {
    for _ in 0..COMMITS {
        let Some(pending) = world.tables.renewal.get(TenantId::SYSTEM, RENEWAL) else { return Ok(()) };
        if pending.tenants.is_empty() {
            break;
        }
        let (changes, left) = pending.next_rings(&world.vault, now)?;
        world.vault.commit(changes).await?;
        info!(left = left.tenants.len(), "Keyrings of tenants have new versions after a change of the seal");
    }
    if world.tables.renewal.get(TenantId::SYSTEM, RENEWAL).is_some_and(|left| left.tenants.is_empty() && left.seal) {
        record(lifecycle, "seal.renewed", vec![("because_of", "a tenant was destroyed")]).await?;
        system::renew_seal(world, now).await?;
        info!("Root, system keyring and paths without people made anew");
    }
    Ok(())
}

/// Only of the system keyring: what tenants hold may be large, and stays under the version that it was written under.
///
/// # Errors
/// [`EngineError`]: what was not done is left for the next round.
pub async fn reseal(world: &World) -> Result<(), EngineError> {
    for _ in 0..COMMITS {
        let rings = world.vault.rings();
        let ring = rings.of(TenantId::SYSTEM)?;
        if ring.record().versions.len() < 2 {
            return Ok(());
        }
        match world.vault.reseal(TenantId::SYSTEM).await {
            Ok(Resealed::Some) => {}
            Ok(Resealed::All) => {
                let mut changes = Changes::new();
                changes.based_on(TenantId::SYSTEM, world.vault.counter(TenantId::SYSTEM));
                changes.put_ring(TenantId::SYSTEM, ring.record().without_older());
                world.vault.commit(changes).await?;
                info!("Older versions of the system keyring forgotten: nothing lies under them any more");
                return Ok(());
            }
            // Others write as well.
            Err(VaultError::Conflict) => warn!("Sealing anew met another change, to be tried again"),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
