//! Where sealed values lie. Nothing here is trusted with a secret: what it keeps is sealed by the keyring.
//!
//! The contract is the same for every implementation, and one suite (`tests/contract`) holds it:
//! a batch is applied whole or not at all, is durable when `commit` returns, and is refused when one of its
//! expectations does not hold. `watch` shows every commit after a revision, in order, without a gap, or says
//! [`WatchEvent::Resync`].

pub mod backup;
mod batch;
pub mod chunks;
mod embedded;
mod feed;
mod memory;
mod path;

use std::{pin::Pin, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures_core::Stream;

pub use self::{
    batch::{Batch, Expect},
    embedded::{Embedded, OpenError, OpenMode, Snapshot, StoreKind},
    memory::Memory,
    path::{Path, PathError},
};

/// The most operations in one batch, expectations not counted.
pub const MAX_BATCH_OPERATIONS: usize = 100;
/// The most bytes of paths and values in one batch.
pub const MAX_BATCH_BYTES: usize = 1 << 20;
/// The most bytes in one value. Larger objects are cut into chunks.
pub const MAX_VALUE_BYTES: usize = 512 << 10;
/// The most entries that one `list` returns.
pub const MAX_LIST: usize = 1_000;
/// How long one storage call may take before it is given up.
pub const CALL_DEADLINE: Duration = Duration::from_secs(5);

/// The store's own counter: grows by at least one with each commit. The store starts at zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Revision(pub u64);

/// A value with the revision of the commit that wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What was put.
    pub value: Bytes,
    /// When it was put.
    pub revision: Revision,
}

/// One change, as a watcher sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The path was written.
    Put(Path, Entry),
    /// The path was removed.
    Delete(Path),
}

impl Change {
    /// Where something changed.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Put(path, _) | Self::Delete(path) => path,
        }
    }

    /// The bytes of path and value.
    fn bytes(&self) -> usize {
        match self {
            Self::Put(path, entry) => path.as_str().len() + entry.value.len(),
            Self::Delete(path) => path.as_str().len(),
        }
    }
}

/// What a watch yields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WatchEvent {
    /// Everything below the prefix that one commit changed, with the revision after it. Empty when the commit changed
    /// nothing below the prefix, or as a sign of life that the watch is complete up to the revision.
    Commit(Revision, Vec<Change>),
    /// Some commits can no longer be shown: list again, then watch from there. Ends the stream.
    Resync,
}

/// An ordered stream of commits.
pub type Watch = Pin<Box<dyn Stream<Item = WatchEvent> + Send>>;

/// A key-value store with compare-and-commit.
#[async_trait]
pub trait Storage: Send + Sync + 'static {
    /// Reads one entry.
    ///
    /// # Errors
    /// [`StorageError`] when the store cannot be asked.
    async fn get(&self, path: &Path) -> Result<Option<Entry>, StorageError>;

    /// Entries whose path begins with `prefix` (byte for byte) and sorts after `after`, in byte order, at most `limit`
    /// (and at most [`MAX_LIST`]). Fewer than that means that there are no more.
    ///
    /// # Errors
    /// [`StorageError`] when the store cannot be asked.
    async fn list(&self, prefix: &str, after: Option<&Path>, limit: usize) -> Result<Vec<(Path, Entry)>, StorageError>;

    /// Applies a batch whole, durably, or not at all.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when an expectation does not hold; [`StorageError::TooLarge`] past a limit;
    /// [`StorageError::OutcomeUnknown`] when it was cut off and may or may not have been applied.
    async fn commit(&self, batch: Batch) -> Result<Revision, StorageError>;

    /// Every commit after `from` that touches `prefix`, in order. At least every 300 ms an event comes, if only as a
    /// sign of life. Watching from a revision that the store never had begins with [`WatchEvent::Resync`]. The stream
    /// ends when the store is closed.
    ///
    /// # Errors
    /// [`StorageError`] when the store cannot be asked.
    async fn watch(&self, prefix: &str, from: Revision) -> Result<Watch, StorageError>;

    /// The revision of the last commit.
    ///
    /// # Errors
    /// [`StorageError`] when the store cannot be asked.
    async fn revision(&self) -> Result<Revision, StorageError>;

    /// Whether everything can be shown as it was at one moment, for backups. A store that has tools of its own for that
    /// has none.
    fn snapshots(&self) -> Option<&dyn Snapshots> {
        None
    }
}

/// A store that shows one moment while it goes on.
pub trait Snapshots: Send + Sync {
    /// Everything the store holds now. Blocks.
    ///
    /// # Errors
    /// [`StorageError`] when the store cannot be read.
    fn snapshot(&self) -> Result<Snapshot, StorageError>;
}

/// Why the store did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// An expectation of the batch does not hold.
    #[error("commit refused: `{0}` was changed in the meantime; read it again and retry")]
    Conflict(Path),
    /// The commit was sent and its answer never came.
    #[error("commit was cut off and may or may not stand: {0}")]
    OutcomeUnknown(String),
    /// A batch or value past the limits of this module.
    #[error("{what} has {size}, at most {limit} are allowed")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Its size.
        size: usize,
        /// The limit.
        limit: usize,
    },
    /// A batch that no store could apply: a fault of the caller.
    #[error("commit refused: {0}")]
    Malformed(String),
    /// The store cannot be reached or its medium fails.
    #[error("store does not answer: {0}")]
    Unavailable(String),
    /// What lies on the medium is not what was written.
    #[error("store is damaged: {0}; restore a backup with `keyward backup restore`")]
    Damaged(String),
}
