//! What the operations that change the seal have in common.

use std::{sync::Arc, time::Duration};

use keyward_sdk::wrapper::Fault;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    engine::{EngineError, Lifecycle, Reply, World, lifecycle::MEMBER_TIMEOUT},
    keyring::{Changes, RootKey, Vault, VaultError, decode, encode},
    method::TenantId,
    seal::{self, Change, Held, Name, PATH_KEYS, PathKeys, PersonShare, RENEWAL, SealError, SealRecord, Written},
};

/// How often, and how far apart, the record is read again that does not fit the root.
const CATCH_UP_TRIES: u32 = 20;
const CATCH_UP: Duration = Duration::from_millis(10);

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
        let lifecycle = world.lifecycle.upgrade().ok_or(EngineError::Sealed)?;
        let counter = world.vault.counter(TenantId::SYSTEM);
        let record = record_of(world).await?;
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

    /// Removing a path must not lock the installation: another has to open by members that prove it now, with people for
    /// what members do not give.
    pub(super) async fn others_open(&self, gone: &Name) -> Result<(), EngineError> {
        if self.record.path(gone).is_none() || self.record.paths().len() == 1 {
            return Ok(()); // refused for that
        }
        self.lifecycle.prove_members(&self.record).await;
        let status = seal::status(&self.record, &self.lifecycle.proofs());
        if status.paths.iter().any(|path| path.name != *gone && path.could_open()) {
            return Ok(());
        }
        Err(EngineError::state(
            "LAST_PATH",
            format!(
                "without the seal path `{gone}` nothing is known to open the root key: the members of the other paths do not \
                 answer; `keyward seal path list --probe` says why"
            ),
        ))
    }

    /// As one commit. What has no room in it follows with the next job.
    pub(super) fn written(&self, world: &World, change: Change) -> Result<(Changes, Vec<PersonShare>), EngineError> {
        let pending =
            world.tables.renewal.get(TenantId::SYSTEM, RENEWAL).map(|left| (*left).clone()).unwrap_or_default();
        let Written { changes, shares } =
            change.into_changes(&world.vault.rings(), self.counter, self.held().now, &pending)?;
        Ok((changes, shares))
    }
}

/// Why a change of the seal was not made.
pub(super) fn refused(error: SealError) -> EngineError {
    match error {
        SealError::Member { error: ref why, .. } if why.fault == Fault::Settings => {
            EngineError::invalid("path", error.to_string())
        }
        error @ SealError::Member { .. } => EngineError::Unavailable(error.to_string()),
        error @ SealError::LastPath(_) => EngineError::state("LAST_PATH", error.to_string()),
        SealError::NoPath(name) => EngineError::Missing(format!("there is no seal path `{name}`")),
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
pub(super) fn old_backups(path: &Name) -> String {
    format!(
        "backups from before stay openable by those who could open `{path}` then: destroy those that they must not read"
    )
}

/// The seal record, written by the root that is in force. Where another has just changed both, the store may have the new
/// record a moment before the root is seen here.
pub(super) async fn record_of(world: &World) -> Result<SealRecord, EngineError> {
    let damaged = |why: String| EngineError::state("SEAL_RECORD_DAMAGED", why);
    let mut tries = 0;
    loop {
        let bytes = Vault::seal_record(world.vault.storage()).await?;
        let bytes = bytes.ok_or_else(|| EngineError::Internal("the seal record is gone".to_owned()))?;
        let record = SealRecord::parse(&bytes).map_err(|error| damaged(error.to_string()))?;
        match record.verify(&world.vault.root()) {
            Ok(()) => return Ok(record),
            Err(_) if tries < CATCH_UP_TRIES => tries += 1,
            Err(error) => return Err(damaged(error.to_string())),
        }
        tokio::time::sleep(CATCH_UP).await;
    }
}
