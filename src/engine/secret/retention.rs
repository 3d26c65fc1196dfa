//! What retention by count and age no longer keeps: applied with every write, and by the clock to what nobody writes.

use keyward_sdk::time::Timestamp;

use super::{
    body::Body,
    dropped,
    record::{SecretRecord, VersionState},
};
use crate::{
    engine::{EngineError, World},
    keyring::{Changes, DataPath, VaultError},
    method::TenantId,
    storage::Expect,
};

/// How many secrets are looked at together.
const SECRETS: usize = 100;

/// Drops what is no longer kept, oldest first; never the newest. Gives the values of what went.
pub(super) fn retain(secret: &mut SecretRecord, now: Timestamp) -> Vec<Body> {
    let keep = usize::try_from(secret.max_versions.max(1)).unwrap_or(usize::MAX);
    let excess = secret.versions.len().saturating_sub(keep);
    let oldest = secret.max_age.map(|age| now.saturating_sub(age));
    let current = secret.current;
    let mut at = 0;
    let mut gone = Vec::new();
    secret.versions.retain(|version| {
        let too_old = oldest.is_some_and(|oldest| version.created_at < oldest);
        let keep = version.number == current || (at >= excess && !too_old);
        at += 1;
        // Of what was destroyed there is nothing left to remove.
        if !keep && version.state != VersionState::Destroyed {
            gone.push(version.body.clone());
        }
        keep
    });
    gone
}

/// Applies retention to some secrets of a tenant, from where the last round ended.
///
/// # Errors
/// [`EngineError`] when the store does not answer; the next round goes on.
pub async fn sweep(
    world: &World,
    tenant: TenantId,
    after: Option<&DataPath>,
    now: Timestamp,
) -> Result<Option<DataPath>, EngineError> {
    let page = world.vault.values::<SecretRecord>(tenant, "kv/m/", after, SECRETS).await?;
    let last = page.last().map(|(place, _)| place.clone()).filter(|_| page.len() == SECRETS);
    let due = |mut secret: SecretRecord| {
        let before = secret.versions.len();
        retain(&mut secret, now);
        secret.versions.len() < before
    };
    for place in page.into_iter().filter_map(|(place, secret)| due(secret).then_some(place)) {
        // As it is now: it may have been written since.
        let Some((mut secret, revision)) = world.vault.read::<SecretRecord>(&place).await? else { continue };
        let mut changes = Changes::new();
        dropped::drop_all(tenant, retain(&mut secret, now), now, &mut changes)?;
        changes.expect(place.clone(), Expect::At(revision));
        changes.put_data(place, &secret)?;
        match world.vault.commit(changes).await {
            Ok(_) | Err(VaultError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(last)
}
