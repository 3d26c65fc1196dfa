//! What can match nothing any more is forgotten.

use keyward_sdk::time::Timestamp;

use crate::{
    engine::{EngineError, World, auth, bootstrap::BootstrapRecord},
    identity::Revocation,
    keyring::{Changes, VaultError},
    method::TenantId,
    storage::MAX_BATCH_OPERATIONS,
};

/// Revocations, bootstrap tokens and marks of used tokens that match nothing alive any more.
///
/// # Errors
/// [`EngineError`]: what was not done is left for the next round.
pub async fn forget(world: &World, now: Timestamp) -> Result<(), EngineError> {
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
