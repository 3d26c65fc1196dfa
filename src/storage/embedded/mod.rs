//! The default store: one redb file, one process.
//!
//! One thread writes; what queued while it synced goes into the next transaction together, and each batch is judged by
//! itself. Reads take a snapshot and are done at once where they are small. A commit that reached the queue is applied
//! even when nobody waits for it any longer. After a failure of the medium the file is opened anew, and what it then
//! holds says what became of the commits that were under way.

mod compact;
mod failure;
mod file;
mod fill;
mod layout;
mod open;
mod read;
mod shared;
mod snapshot;
mod writer;

#[cfg(test)]
mod tests;

use std::{path::Path as FsPath, sync::Arc, thread::JoinHandle};

use async_trait::async_trait;
use tokio::{
    sync::{mpsc, oneshot},
    task::spawn_blocking,
    time::timeout,
};

use self::{
    shared::{Read, Shared},
    writer::Job,
};
use super::{Batch, CALL_DEADLINE, Entry, MAX_LIST, Path, Revision, Snapshots, Storage, StorageError, Watch};

pub(in crate::storage) use self::fill::fill;
pub use self::{
    layout::StoreKind,
    open::{OpenError, OpenMode},
    snapshot::Snapshot,
};

/// The most commits that wait for the writer. More wait for a place, until their deadline.
const QUEUE: usize = 1_024;
/// Up to this many entries a list is read at once, beyond it on a thread for blocking work.
const INLINE_LIST: usize = 64;

/// The store in one file. Dropping it waits for the commits that are queued, and gives up the lock on the file.
pub struct Embedded {
    shared: Arc<Shared>,
    jobs: Option<mpsc::Sender<Job>>,
    writer: Option<JoinHandle<()>>,
}

impl Embedded {
    /// Opens the store at `path`, or makes it where there is none. Blocks.
    ///
    /// # Errors
    /// [`OpenError`], one sentence that says what is wrong and what to do.
    pub fn open(path: &FsPath, mode: OpenMode) -> Result<Self, OpenError> {
        Self::start(Shared::open(path, mode)?)
    }

    fn start(shared: Shared) -> Result<Self, OpenError> {
        let shared = Arc::new(shared);
        let (jobs, queue) = mpsc::channel(QUEUE);
        let writer = writer::spawn(Arc::clone(&shared), queue).map_err(|error| OpenError::Thread(error.to_string()))?;
        Ok(Self { shared, jobs: Some(jobs), writer: Some(writer) })
    }

    /// Everything the store holds at this moment; later commits do not change it. Blocks while the file is being
    /// compacted, otherwise for some microseconds.
    ///
    /// # Errors
    /// [`StorageError`] when the file cannot be read.
    pub fn snapshot(&self) -> Result<Snapshot, StorageError> {
        self.shared.read(Snapshot::take)
    }

    /// Reads at once where that does not block, and elsewhere while the file is being compacted or opened anew.
    async fn read<T: Send + 'static>(&self, inline: bool, read: impl Read<T>) -> Result<T, StorageError> {
        let result = match inline.then(|| self.shared.try_read(&read)).flatten() {
            Some(result) => result,
            None => {
                let shared = Arc::clone(&self.shared);
                let reading = spawn_blocking(move || shared.read(&read));
                match timeout(CALL_DEADLINE, reading).await {
                    Ok(Ok(result)) => result,
                    Ok(Err(_cut_off)) => Err(StorageError::Unavailable("a read was cut off".to_owned())),
                    Err(_elapsed) => Err(StorageError::Unavailable("the store file is busy".to_owned())),
                }
            }
        };
        if let (Err(StorageError::Unavailable(_)), Some(jobs)) = (&result, &self.jobs) {
            // A full queue is as good: the next commit finds the same and opens the file anew.
            let _ = jobs.try_send(Job::Look);
        }
        result
    }
}

#[async_trait]
impl Storage for Embedded {
    async fn get(&self, path: &Path) -> Result<Option<Entry>, StorageError> {
        let path = path.clone();
        self.read(true, move |db: &redb::Database| read::get(db, &path)).await
    }

    async fn list(&self, prefix: &str, after: Option<&Path>, limit: usize) -> Result<Vec<(Path, Entry)>, StorageError> {
        let limit = limit.min(MAX_LIST);
        let (prefix, after) = (prefix.to_owned(), after.cloned());
        self.read(limit <= INLINE_LIST, move |db: &redb::Database| read::list(db, &prefix, after.as_ref(), limit)).await
    }

    async fn commit(&self, batch: Batch) -> Result<Revision, StorageError> {
        batch.check()?;
        let Some(jobs) = &self.jobs else { return Err(StorageError::Unavailable("the store is closed".to_owned())) };
        let (done, outcome) = oneshot::channel();
        match timeout(CALL_DEADLINE, jobs.send(Job::Commit { batch, done })).await {
            Ok(Ok(())) => {}
            Ok(Err(_closed)) => return Err(StorageError::Unavailable("the writer has ended".to_owned())),
            Err(_elapsed) => return Err(StorageError::Unavailable("too many commits are waiting".to_owned())),
        }
        match timeout(CALL_DEADLINE, outcome).await {
            Ok(Ok(result)) => result,
            Ok(Err(_ended)) => Err(StorageError::OutcomeUnknown("the writer has ended".to_owned())),
            Err(_elapsed) => Err(StorageError::OutcomeUnknown("the disk took too long".to_owned())),
        }
    }

    async fn watch(&self, prefix: &str, from: Revision) -> Result<Watch, StorageError> {
        Ok(self.shared.feed.watch(prefix, from))
    }

    async fn revision(&self) -> Result<Revision, StorageError> {
        Ok(self.shared.feed.tip())
    }

    fn snapshots(&self) -> Option<&dyn Snapshots> {
        Some(self)
    }
}

impl Snapshots for Embedded {
    fn snapshot(&self) -> Result<Snapshot, StorageError> {
        Self::snapshot(self)
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(writer) = self.writer.take() {
            // A writer that panicked has said so on its own.
            let _ = writer.join();
        }
        self.shared.close();
    }
}
