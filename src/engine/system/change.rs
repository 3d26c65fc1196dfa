//! What the operations that change the seal have in common.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    engine::{EngineError, Lifecycle, Reply, World, lifecycle::MEMBER_TIMEOUT},
    keyring::{Changes, RootKey, Vault, VaultError, decode, encode},
    method::TenantId,
    seal::{Change, Held, PATH_KEYS, PathKeys, PersonShare, SealError, SealRecord, Written},
};

/// What an open installation holds when its seal is changed, read together.
pub(super) struct Open {
    pub(super) record: SealRecord,
    root: Arc<RootKey>,
    keys: Arc<PathKeys>,
    lifecycle: Arc<Lifecycle>,
    counter: u64,
}

impl Open {
    /// Reads it. The counter comes first: a change that comes in between is met as a conflict.
    pub(super) async fn of(world: &World) -> Result<Self, EngineError> {
        let counter = world.vault.counter(TenantId::SYSTEM);
        let lifecycle = world.lifecycle.upgrade().ok_or(EngineError::Sealed)?;
        let record = lifecycle.record().await?;
        let keys = world.tables.path_keys.get(TenantId::SYSTEM, PATH_KEYS);
        let keys = keys.ok_or_else(|| EngineError::Internal("the copies of the path keys are gone".to_owned()))?;
        Ok(Self { record, root: world.vault.root(), keys, lifecycle, counter })
    }

    /// For the seal.
    pub(super) fn held(&self) -> Held<'_> {
        Held {
            record: &self.record,
            root: &self.root,
            keys: &self.keys,
            connect: &*self.lifecycle.parts.connect,
            now: self.lifecycle.parts.clock.now(),
            member_timeout: MEMBER_TIMEOUT,
        }
    }

    /// A change that renews the root would meet the pin at the next start, and then nothing opens.
    pub(super) fn unpinned(&self) -> Result<(), EngineError> {
        match self.lifecycle.parts.pin {
            None => Ok(()),
            Some(_) => Err(EngineError::state(
                "ROOT_PINNED",
                "the settings pin the root's fingerprint, and this makes a new root: take `seal.root_fingerprint` out of them, \
                 start again, do this, and pin the new one",
            )),
        }
    }

    /// As one commit. Keyrings that have no room in it follow with the next job.
    pub(super) fn written(&self, world: &World, change: Change) -> Result<(Changes, Vec<PersonShare>), EngineError> {
        let Written { changes, behind, shares } =
            change.into_changes(&world.vault.rings(), self.counter, self.held().now)?;
        world.behind.add(behind);
        Ok((changes, shares))
    }
}

/// Why a change of the seal was not made.
pub(super) fn refused(error: SealError) -> EngineError {
    match error {
        error @ SealError::Member { .. } => EngineError::Unavailable(error.to_string()),
        error @ SealError::LastPath(_) => EngineError::state("LAST_PATH", error.to_string()),
        SealError::NoPath(name) => EngineError::state("NO_PATH", format!("there is no seal path `{name}`")),
        other => EngineError::invalid("path", other.to_string()),
    }
}

/// A changed path. People's shares are not kept for a retry: in the store they would outlast what they are for.
pub struct PathChanged {
    /// To be shown once.
    pub shares: Vec<PersonShare>,
    /// What remains true of the path as it was.
    pub notes: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    notes: Vec<String>,
    had_shares: bool,
}

impl Reply for PathChanged {
    fn keep(&self) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        encode(&Kept { notes: self.notes.clone(), had_shares: !self.shares.is_empty() }).map(Some)
    }

    fn recall(kept: &[u8]) -> Result<Option<Self>, VaultError> {
        let Kept { mut notes, had_shares } = decode(kept, "a kept reply")?;
        if had_shares {
            notes.push(
                "people's shares went with the first answer and are not kept; put the path again to make new ones"
                    .to_owned(),
            );
        }
        Ok(Some(Self { shares: Vec::new(), notes }))
    }
}

/// What an operator must know of a path that others could open until now.
pub(super) fn old_backups(path: &crate::seal::Name) -> String {
    format!(
        "backups from before stay openable by those who could open `{path}` then: destroy those that they must not read"
    )
}

/// Seals behind: reads the record without trusting it.
pub(super) async fn record_of(world: &World) -> Result<SealRecord, EngineError> {
    let bytes = Vault::seal_record(world.vault.storage()).await?;
    let bytes = bytes.ok_or_else(|| EngineError::Internal("the seal record is gone".to_owned()))?;
    let record =
        SealRecord::parse(&bytes).map_err(|error| EngineError::state("SEAL_RECORD_DAMAGED", error.to_string()))?;
    let changed = |error: crate::seal::OpenError| EngineError::state("SEAL_RECORD_DAMAGED", error.to_string());
    record.verify(&world.vault.root()).map_err(changed)?;
    Ok(record)
}
