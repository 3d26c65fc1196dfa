//! What readers and the writer share: the open file, and the way to open it again.

use std::{
    path::{Path as FsPath, PathBuf},
    sync::{
        PoisonError, RwLock, TryLockError,
        atomic::{AtomicU64, Ordering},
    },
};

use redb::Database;

use super::{
    failure::Failure,
    open::{self, OpenError, OpenMode},
};
use crate::storage::{Revision, StorageError, feed::Feed};

/// Something to read from the file.
pub(super) trait Read<T>: Fn(&Database) -> Result<T, Failure> + Send + 'static {}
impl<T, F: Fn(&Database) -> Result<T, Failure> + Send + 'static> Read<T> for F {}

pub(super) struct Shared {
    path: PathBuf,
    mode: OpenMode,
    /// `None` while it could not be opened again. Held for writing only by the writer thread and when the store closes.
    db: RwLock<Option<Database>>,
    /// The bytes of all paths and values.
    live: AtomicU64,
    pub(super) feed: Feed,
    #[cfg(test)]
    pub(super) disk: std::sync::Arc<super::tests::Disk>,
}

impl Shared {
    pub(super) fn open(path: &FsPath, mode: OpenMode) -> Result<Self, OpenError> {
        #[cfg(test)]
        let disk = std::sync::Arc::default();
        let (db, facts) = open::open_or_create(
            path,
            mode,
            #[cfg(test)]
            &disk,
        )?;
        Ok(Self {
            path: path.to_owned(),
            mode,
            db: RwLock::new(Some(db)),
            live: AtomicU64::new(facts.live),
            feed: Feed::new(facts.revision),
            #[cfg(test)]
            disk,
        })
    }

    pub(super) fn path(&self) -> &FsPath {
        &self.path
    }

    pub(super) fn live(&self) -> u64 {
        self.live.load(Ordering::Relaxed)
    }

    pub(super) fn set_live(&self, live: u64) {
        self.live.store(live, Ordering::Relaxed);
    }

    /// Reads, waiting where the file is being compacted or opened.
    pub(super) fn read<T>(&self, read: impl Fn(&Database) -> Result<T, Failure>) -> Result<T, StorageError> {
        on(self.db.read().unwrap_or_else(PoisonError::into_inner).as_ref(), read)
    }

    /// Reads if that needs no waiting.
    pub(super) fn try_read<T>(
        &self,
        read: impl Fn(&Database) -> Result<T, Failure>,
    ) -> Option<Result<T, StorageError>> {
        match self.db.try_read() {
            Ok(db) => Some(on(db.as_ref(), read)),
            Err(TryLockError::Poisoned(db)) => Some(on(db.into_inner().as_ref(), read)),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Works on the file with nobody else on it. `None` when it is not open.
    pub(super) fn exclusive<T>(&self, work: impl FnOnce(&mut Database) -> T) -> Option<T> {
        self.db.write().unwrap_or_else(PoisonError::into_inner).as_mut().map(work)
    }

    pub(super) fn is_open(&self) -> bool {
        self.db.read().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Closes the file and opens it anew, which is the only way on after redb met a failure of the medium.
    /// Returns the revision that the file then holds.
    pub(super) fn reopen(&self) -> Result<Revision, OpenError> {
        let mut db = self.db.write().unwrap_or_else(PoisonError::into_inner);
        drop(db.take());
        let (opened, facts) = open::open_existing(
            &self.path,
            self.mode,
            #[cfg(test)]
            &self.disk,
        )?;
        self.set_live(facts.live);
        *db = Some(opened);
        Ok(facts.revision)
    }

    pub(super) fn close(&self) {
        drop(self.db.write().unwrap_or_else(PoisonError::into_inner).take());
    }
}

fn on<T>(db: Option<&Database>, read: impl Fn(&Database) -> Result<T, Failure>) -> Result<T, StorageError> {
    let db = db.ok_or_else(|| StorageError::Unavailable("the store file is closed".to_owned()))?;
    read(db).map_err(Failure::into_storage)
}
