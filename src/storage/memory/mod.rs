//! A store that lives and ends with the process. For tests; it keeps the whole contract but durability.

use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use super::{
    Batch, Change, Entry, MAX_LIST, Path, Revision, Storage, StorageError, Watch,
    feed::{Commit, Feed},
};

/// Entries in a map.
pub struct Memory {
    entries: Mutex<BTreeMap<Path, Entry>>,
    feed: Feed,
}

impl Memory {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self { entries: Mutex::default(), feed: Feed::new(Revision(0)) }
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<Path, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Storage for Memory {
    async fn get(&self, path: &Path) -> Result<Option<Entry>, StorageError> {
        Ok(self.entries().get(path).cloned())
    }

    async fn list(&self, prefix: &str, after: Option<&Path>, limit: usize) -> Result<Vec<(Path, Entry)>, StorageError> {
        let start = match after {
            Some(after) if after.as_str() >= prefix => Bound::Excluded(after.as_str()),
            _ => Bound::Included(prefix),
        };
        let entries = self.entries();
        let found = entries.range::<str, _>((start, Bound::Unbounded));
        let below = found.take_while(|(path, _)| path.as_str().starts_with(prefix));
        Ok(below.take(limit.min(MAX_LIST)).map(|(path, entry)| (path.clone(), entry.clone())).collect())
    }

    async fn commit(&self, batch: Batch) -> Result<Revision, StorageError> {
        batch.check()?;
        // The lock is held while the commit is published, so that watchers see commits in their order.
        let mut entries = self.entries();
        for (path, expect) in &batch.expect {
            if !expect.holds(entries.get(path).map(|entry| entry.revision)) {
                return Err(StorageError::Conflict(path.clone()));
            }
        }
        let revision = Revision(self.feed.tip().0 + 1);
        let mut changes = Vec::with_capacity(batch.put.len() + batch.delete.len());
        for (path, value) in batch.put {
            let entry = Entry { value, revision };
            entries.insert(path.clone(), entry.clone());
            changes.push(Change::Put(path, entry));
        }
        for path in batch.delete {
            if entries.remove(&path).is_some() {
                changes.push(Change::Delete(path));
            }
        }
        if changes.is_empty() {
            return Ok(self.feed.tip());
        }
        self.feed.publish([Commit { revision, changes }]);
        Ok(revision)
    }

    async fn watch(&self, prefix: &str, from: Revision) -> Result<Watch, StorageError> {
        Ok(self.feed.watch(prefix, from))
    }

    async fn revision(&self) -> Result<Revision, StorageError> {
        Ok(self.feed.tip())
    }
}
