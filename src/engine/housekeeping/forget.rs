//! What can match nothing any more is forgotten.

use keyward_sdk::time::Timestamp;

use crate::{
    engine::{EngineError, World, auth, bootstrap::BootstrapRecord},
    identity::Revocation,
    keyring::{Changes, VaultError},
    method::TenantId,
    storage::MAX_BATCH_OPERATIONS,
};

/// How many entries one commit forgets.
const AT_ONCE: usize = 20;

/// Revocations, bootstrap tokens and marks of used tokens that match nothing alive any more.
///
/// # Errors
/// [`EngineError`]: what was not done is left for the next round.
pub async fn forget(world: &World, now: Timestamp) -> Result<(), EngineError> {
    let tenants = world.tables.tenants.all(TenantId::SYSTEM);
    for tenant in tenants.iter().map(|(_, tenant)| tenant.id) {
        let revocations = world.revocations.forgettable(tenant, now);
        let bootstraps = world.tables.bootstraps.all(tenant);
        let old = bootstraps.iter().filter(|(_, record)| record.expires_at <= now).map(|(name, _)| name);
        let old = old.collect::<Vec<_>>();
        forget_each(world, tenant, &revocations, Changes::delete_control::<Revocation>).await?;
        forget_each(world, tenant, &old, Changes::delete_control::<BootstrapRecord>).await?;
        for places in auth::old_marks(world, tenant, now).await?.chunks(MAX_BATCH_OPERATIONS) {
            let mut changes = Changes::new();
            places.iter().for_each(|place| changes.delete_data(place.clone()));
            world.vault.commit(changes).await?;
        }
    }
    Ok(())
}

/// A few with each commit: each makes the lists of what there is anew that it stands in.
async fn forget_each(
    world: &World,
    tenant: TenantId,
    names: &[impl AsRef<str>],
    delete: fn(&mut Changes, TenantId, &str),
) -> Result<(), EngineError> {
    for names in names.chunks(AT_ONCE) {
        let mut changes = Changes::new();
        changes.based_on(tenant, world.vault.counter(tenant));
        names.iter().for_each(|name| delete(&mut changes, tenant, name.as_ref()));
        match world.vault.commit(changes).await {
            Ok(_) => {}
            // Someone else changed the tenant at that moment: the next round does the rest.
            Err(VaultError::Conflict) => break,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
