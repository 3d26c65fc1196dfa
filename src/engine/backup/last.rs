//! When the last backup was handed out whole.

use keyward_sdk::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    engine::{EngineError, World},
    keyring::{Changes, DataPath},
    method::TenantId,
    storage::PathError,
};

/// The last backup that went out whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastBackup {
    /// When it was made.
    pub at: Timestamp,
    /// The revision of the last commit in it.
    pub revision: u64,
    /// How many entries it has.
    pub entries: u64,
    /// How many bytes it has.
    pub bytes: u64,
}

fn place() -> Result<DataPath, PathError> {
    DataPath::new(TenantId::SYSTEM, "backup/last")
}

/// Reads it.
///
/// # Errors
/// [`EngineError`] when the store does not answer.
pub async fn last(world: &World) -> Result<Option<LastBackup>, EngineError> {
    Ok(world.vault.read::<LastBackup>(&place()?).await?.map(|(last, _)| last))
}

/// Writes it. Called when the last byte has been handed out.
///
/// # Errors
/// [`EngineError`] when the store does not take it.
pub async fn note(world: &World, made: LastBackup) -> Result<(), EngineError> {
    let mut changes = Changes::new();
    changes.put_data(place()?, &made)?;
    world.vault.commit(changes).await?;
    Ok(())
}
