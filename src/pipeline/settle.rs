//! Outcomes that are true and may not be in the audit log yet.
//!
//! The batch of a change also commits a promise that its outcome will be recorded. Once it is, the promise goes with the
//! next batch; what a crash leaves of them is recorded at the next start.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::{
    audit::{Audit, Intent},
    engine::{EngineError, World},
    keyring::{Changes, DataPath},
    method::TenantId,
    storage::PathError,
};

/// Where promises lie, below the system tenant.
const PENDING: &str = "pending/";
/// How many are settled at a time.
const AT_ONCE: usize = 64;

/// An outcome that is true.
#[derive(Serialize, Deserialize)]
struct Pending {
    /// The log.
    origin: String,
    /// The intent's place in it.
    intent: u64,
}

fn place(intent: &Intent) -> Result<DataPath, PathError> {
    place_of(intent.origin(), intent.sequence())
}

fn place_of(origin: &str, intent: u64) -> Result<DataPath, PathError> {
    DataPath::new(TenantId::SYSTEM, &format!("{PENDING}{origin}/{intent:016x}"))
}

/// Adds the promise to a batch, and takes those away that are kept.
pub(super) fn promise(world: &World, intent: &Intent, changes: &mut Changes) -> Result<(), EngineError> {
    changes.put_data(place(intent)?, &Pending { origin: intent.origin().to_owned(), intent: intent.sequence() })?;
    world.settled.take(16).into_iter().for_each(|kept| changes.delete_data(kept));
    Ok(())
}

/// The outcome is in the log.
pub(super) fn settled(world: &World, intent: &Intent) {
    if let Ok(place) = place(intent) {
        world.settled.add(place);
    }
}

/// The outcome is true and no sink took its record.
pub(super) fn owe(world: &World, intent: &Intent) {
    world.owed.add(intent.origin(), intent.sequence());
}

/// Records the outcomes that no sink took when they came, now that one may.
///
/// # Errors
/// [`EngineError`] when still none does; they are tried again with the next call.
pub async fn settle_owed(world: &World, audit: &Arc<Audit>, deadline: Instant) -> Result<usize, EngineError> {
    let mut done = 0;
    while let Some((origin, intent)) = world.owed.first() {
        record(audit, &origin, intent, deadline).await?;
        world.owed.remove(&origin, intent);
        world.settled.add(place_of(&origin, intent)?);
        done += 1;
    }
    Ok(done)
}

async fn record(audit: &Audit, origin: &str, intent: u64, deadline: Instant) -> Result<(), EngineError> {
    let recorded = audit.settled(origin, intent, deadline).await;
    recorded.map_err(|error| EngineError::Unavailable(error.to_string()))
}

/// Records the outcomes that an earlier run of the daemon left unrecorded, and forgets the promises that it kept. Those
/// of this run are left alone, so it may be called at any time; once after each unsealing is enough.
///
/// # Errors
/// [`EngineError`] when they cannot be read or recorded.
pub async fn recover(world: &World, audit: &Arc<Audit>, deadline: Instant) -> Result<usize, EngineError> {
    let (mut found, mut after) = (0, None);
    loop {
        let page = world.vault.values::<Pending>(TenantId::SYSTEM, PENDING, after.as_ref(), AT_ONCE).await?;
        let Some((last, _)) = page.last() else { return Ok(found) };
        after = Some(last.clone());
        let ours = |pending: &Pending| pending.origin == audit.origin() && pending.intent >= audit.recovered().size;
        let earlier: Vec<_> = page.into_iter().filter(|(_, pending)| !ours(pending)).collect();
        let Some(first) = earlier.iter().map(|(_, pending)| pending.intent).min() else { continue };
        let told = audit.outcomes(first).await.map_err(|error| EngineError::Unavailable(error.to_string()))?;
        let mut changes = Changes::new();
        for (place, pending) in earlier {
            if !told.contains(&(pending.origin.clone(), pending.intent)) {
                record(audit, &pending.origin, pending.intent, deadline).await?;
                found += 1;
            }
            changes.delete_data(place);
        }
        world.vault.commit(changes).await?;
    }
}
