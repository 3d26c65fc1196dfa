//! Small words for the suite.

use bytes::Bytes;
use futures_util::StreamExt;
use keyward::storage::{Batch, Change, Entry, Expect, Path, Revision, Storage, StorageError, Watch, WatchEvent};

pub fn path(text: &str) -> Path {
    Path::new(text).unwrap()
}

pub fn put(entries: &[(&str, &str)]) -> Batch {
    let put = entries.iter().map(|(at, value)| (path(at), Bytes::copy_from_slice(value.as_bytes()))).collect();
    Batch { put, ..Batch::default() }
}

pub fn delete(paths: &[&str]) -> Batch {
    Batch { delete: paths.iter().map(|at| path(at)).collect(), ..Batch::default() }
}

pub fn expecting(mut batch: Batch, at: &str, expect: Expect) -> Batch {
    batch.expect.push((path(at), expect));
    batch
}

pub async fn get(store: &impl Storage, at: &str) -> Option<Entry> {
    store.get(&path(at)).await.unwrap()
}

pub async fn text(store: &impl Storage, at: &str) -> Option<String> {
    get(store, at).await.map(|entry| String::from_utf8(entry.value.to_vec()).unwrap())
}

pub async fn paths(store: &impl Storage, prefix: &str, after: Option<&str>, limit: usize) -> Vec<String> {
    let after = after.map(path);
    let found = store.list(prefix, after.as_ref(), limit).await.unwrap();
    found.into_iter().map(|(path, _)| path.as_str().to_owned()).collect()
}

pub fn is_conflict(result: Result<Revision, StorageError>, at: &str) -> bool {
    matches!(result, Err(StorageError::Conflict(found)) if found.as_str() == at)
}

/// The next commit that changed something below the prefix; `None` when the stream ends.
pub async fn next_change(watch: &mut Watch) -> Option<(Revision, Vec<Change>)> {
    loop {
        match watch.next().await? {
            WatchEvent::Commit(_, changes) if changes.is_empty() => {}
            WatchEvent::Commit(revision, changes) => return Some((revision, changes)),
            WatchEvent::Resync => panic!("the watch has a gap"),
        }
    }
}
