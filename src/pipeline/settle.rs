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
    DataPath::new(TenantId::SYSTEM, &format!("{PENDING}{}/{:016x}", intent.origin(), intent.sequence()))
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

/// Records the outcomes that a crash left unrecorded. Called once after unsealing, before anything is promised.
///
/// # Errors
/// [`EngineError`] when they cannot be read or recorded.
pub async fn recover(world: &World, audit: &Arc<Audit>, deadline: Instant) -> Result<usize, EngineError> {
    let mut found = 0;
    loop {
        let page = world.vault.values::<Pending>(TenantId::SYSTEM, PENDING, None, AT_ONCE).await?;
        if page.is_empty() {
            return Ok(found);
        }
        let mut changes = Changes::new();
        for (place, pending) in page {
            let recorded = audit.settled(&pending.origin, pending.intent, deadline).await;
            recorded.map_err(|error| EngineError::Unavailable(error.to_string()))?;
            changes.delete_data(place);
            found += 1;
        }
        world.vault.commit(changes).await?;
    }
}
