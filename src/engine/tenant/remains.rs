//! What a destroyed tenant leaves in the store. Nobody can read it, since its keyring is gone; it is removed to free the
//! space.

use serde::{Deserialize, Serialize};

use crate::{
    engine::{EngineError, World},
    keyring::{Changes, DataPath, VaultError},
    method::TenantId,
    storage::MAX_BATCH_OPERATIONS,
};

const GONE: &str = "gone/";
/// Batches in one round.
const BATCHES: usize = 100;

/// A tenant whose data is to be removed.
#[derive(Serialize, Deserialize)]
struct Gone {
    tenant: TenantId,
}

/// Puts a tenant on the worklist.
pub(super) fn leave(tenant: TenantId, changes: &mut Changes) -> Result<(), EngineError> {
    let place = DataPath::new(TenantId::SYSTEM, &format!("{GONE}{tenant}"))?;
    changes.put_data(place, &Gone { tenant })?;
    Ok(())
}

/// Removes some of what is on the worklist.
///
/// # Errors
/// [`EngineError`] when the store does not answer; what is left is done in the next round.
pub async fn collect(world: &World) -> Result<(), EngineError> {
    let mut batches = 0;
    for (note, gone) in world.vault.values::<Gone>(TenantId::SYSTEM, GONE, None, 10).await? {
        loop {
            let places = world.vault.places(gone.tenant, "", None, MAX_BATCH_OPERATIONS - 1).await?;
            let mut changes = Changes::new();
            if places.is_empty() {
                changes.delete_data(note.clone());
            }
            let done = places.is_empty();
            places.into_iter().for_each(|place| changes.delete_data(place));
            match world.vault.commit(changes).await {
                Ok(_) | Err(VaultError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
            batches += 1;
            if batches == BATCHES {
                return Ok(());
            }
            if done {
                break;
            }
        }
    }
    Ok(())
}
