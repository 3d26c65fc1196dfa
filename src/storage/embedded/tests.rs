//! A disk that fills up, and stores that must not be opened.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::Path as FsPath,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use futures_util::StreamExt;

use super::{Embedded, OpenError, OpenMode, StoreKind};
use crate::storage::{Batch, Change, MAX_VALUE_BYTES, Path, Storage, StorageError, WatchEvent};

/// What the disk under a store does in a test.
#[derive(Debug)]
pub(super) struct Disk {
    /// No file may become longer than this.
    pub(super) limit: AtomicU64,
    /// Syncs fail while this is not zero, and count it down.
    pub(super) failing_syncs: AtomicU64,
}

impl Default for Disk {
    fn default() -> Self {
        Self { limit: AtomicU64::new(u64::MAX), failing_syncs: AtomicU64::new(0) }
    }
}

impl Disk {
    pub(super) fn allows(&self, len: u64) -> io::Result<()> {
        if len > self.limit.load(Ordering::SeqCst) { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    pub(super) fn syncs(&self) -> io::Result<()> {
        let left = self.failing_syncs.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
        if left.is_ok() { Err(io::Error::other("the disk does not answer")) } else { Ok(()) }
    }
}

const PRODUCTION: OpenMode = OpenMode { kind: StoreKind::Production };

fn put(at: &str, bytes: usize) -> Batch {
    Batch { put: vec![(Path::new(at).unwrap(), Bytes::from(vec![1; bytes]))], ..Batch::default() }
}

async fn has(store: &Embedded, at: &str) -> bool {
    store.get(&Path::new(at).unwrap()).await.unwrap().is_some()
}

fn disk(store: &Embedded) -> &Disk {
    &store.shared.disk
}

fn length(path: &FsPath) -> u64 {
    path.metadata().unwrap().len()
}

#[tokio::test]
async fn a_full_disk_is_named_and_the_store_recovers_by_itself() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    let store = Embedded::open(&path, PRODUCTION).unwrap();
    store.commit(put("before", 10)).await.unwrap();
    let mut watch = store.watch("", store.revision().await.unwrap()).await.unwrap();
    disk(&store).limit.store(length(&path), Ordering::SeqCst);
    let mut taken = 0;
    let error = loop {
        match store.commit(put(&format!("large/{taken}"), MAX_VALUE_BYTES)).await {
            Ok(_) => taken += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(&error, StorageError::Unavailable(what) if what.contains("no space")), "{error}");
    // What was there can be read, and nothing of what was refused.
    assert!(has(&store, "before").await);
    assert!(!has(&store, &format!("large/{taken}")).await);
    disk(&store).limit.store(u64::MAX, Ordering::SeqCst);
    let after = store.commit(put("after", MAX_VALUE_BYTES)).await.unwrap();
    assert!(has(&store, "after").await);
    // Watchers saw what stands, without a gap.
    loop {
        match watch.next().await.unwrap() {
            WatchEvent::Commit(revision, changes) if revision == after => {
                assert!(matches!(&changes[..], [Change::Put(path, _)] if path.as_str() == "after"));
                break;
            }
            WatchEvent::Commit(..) => {}
            WatchEvent::Resync => panic!("there was no gap"),
        }
    }
}

#[tokio::test]
async fn after_a_failed_sync_the_answer_is_what_the_file_holds() {
    let directory = tempfile::tempdir().unwrap();
    let store = Embedded::open(&directory.path().join("store"), PRODUCTION).unwrap();
    let mut taken = Vec::new();
    for round in 0..30 {
        disk(&store).failing_syncs.store(round % 4, Ordering::SeqCst);
        let at = format!("round/{round}");
        match store.commit(put(&at, 100)).await {
            Ok(_) => taken.push(at),
            Err(StorageError::Unavailable(_)) => {
                disk(&store).failing_syncs.store(0, Ordering::SeqCst);
                // The next commit opens the file where that failed as well.
                store.commit(put("next", 1)).await.unwrap();
                assert!(!has(&store, &at).await, "{at} stands although it was refused");
            }
            Err(StorageError::OutcomeUnknown(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
    disk(&store).failing_syncs.store(0, Ordering::SeqCst);
    store.commit(put("last", 1)).await.unwrap();
    for at in taken {
        assert!(has(&store, &at).await, "{at} was answered and is gone");
    }
}

#[tokio::test]
async fn the_file_shrinks_by_itself_when_much_was_deleted() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    let store = Embedded::open(&path, PRODUCTION).unwrap();
    for n in 0..60 {
        store.commit(put(&format!("large/{n}"), MAX_VALUE_BYTES)).await.unwrap();
    }
    let full = length(&path);
    assert!(full > 30 << 20);
    for n in 1..60 {
        let delete = vec![Path::new(format!("large/{n}")).unwrap()];
        store.commit(Batch { delete, ..Batch::default() }).await.unwrap();
    }
    while length(&path) > full / 4 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert!(has(&store, "large/0").await);
    store.commit(put("after", 10)).await.unwrap();
    drop(store);
    assert!(has(&Embedded::open(&path, PRODUCTION).unwrap(), "after").await);
}

#[tokio::test]
async fn commits_in_the_queue_are_applied_before_the_store_is_gone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    let store = Embedded::open(&path, PRODUCTION).unwrap();
    let commits: Vec<_> = (0..100).map(|n| (n, put(&format!("k/{n}"), 10))).collect();
    for (_, batch) in commits {
        let mut commit = store.commit(batch);
        // One poll puts it into the queue; nobody waits for the answer.
        assert!(futures_util::poll!(&mut commit).is_pending());
    }
    drop(store);
    let store = Embedded::open(&path, PRODUCTION).unwrap();
    assert_eq!(store.list("k/", None, 1_000).await.unwrap().len(), 100);
}

fn refused(path: &FsPath) -> OpenError {
    match Embedded::open(path, PRODUCTION) {
        Ok(_) => panic!("it was opened"),
        Err(error) => {
            let text = error.to_string();
            assert!(text.contains('`') && !text.ends_with('.') && !text.contains('\n'), "{text}");
            error
        }
    }
}

#[tokio::test]
async fn a_store_in_use_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    let store = Embedded::open(&path, PRODUCTION).unwrap();
    assert!(matches!(refused(&path), OpenError::Locked(_)));
    drop(store);
    Embedded::open(&path, PRODUCTION).unwrap();
}

#[tokio::test]
async fn a_dev_store_is_refused_by_a_server_and_the_other_way_round() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    drop(Embedded::open(&path, OpenMode { kind: StoreKind::Dev }).unwrap());
    assert!(matches!(refused(&path), OpenError::Kind { found: "dev", asked: "production", .. }));
    let path = directory.path().join("other");
    drop(Embedded::open(&path, PRODUCTION).unwrap());
    let asked = Embedded::open(&path, OpenMode { kind: StoreKind::Dev });
    assert!(matches!(asked, Err(OpenError::Kind { found: "production", asked: "dev", .. })));
}

#[tokio::test]
async fn a_store_of_a_newer_format_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    drop(Embedded::open(&path, PRODUCTION).unwrap());
    let facts: redb::TableDefinition<'_, &str, &[u8]> = redb::TableDefinition::new("keyward.facts");
    let db = redb::Database::open(&path).unwrap();
    let txn = db.begin_write().unwrap();
    txn.open_table(facts).unwrap().insert("format", 9_u64.to_be_bytes().as_slice()).unwrap();
    txn.commit().unwrap();
    drop(db);
    assert!(matches!(refused(&path), OpenError::NewerFormat { found: 9, known: 1, .. }));
}

#[tokio::test]
async fn what_is_not_a_store_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    for content in [b"".as_slice(), b"r", b"[storage]\npath = \"x\"\n", &[0; 10_000]] {
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(matches!(refused(&path), OpenError::NotAStore(_)));
        assert_eq!(fs::read(&path).unwrap(), content);
    }
    fs::remove_file(&path).unwrap();
    // A redb file of somebody else.
    let db = redb::Database::create(&path).unwrap();
    drop(db);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(matches!(refused(&path), OpenError::NotAStore(_)));
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    refused(&path);
}

#[tokio::test]
async fn a_damaged_store_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    let store = Embedded::open(&path, PRODUCTION).unwrap();
    for n in 0..200 {
        store.commit(put(&format!("k/{n}"), 2_000)).await.unwrap();
    }
    drop(store);
    let whole = fs::read(&path).unwrap();
    // Cut short.
    fs::write(&path, &whole[..whole.len() / 3]).unwrap();
    assert!(matches!(refused(&path), OpenError::Damaged { .. }));
    // A value changed on the disk.
    let mut changed = whole;
    for page in changed.chunks_mut(4_096).skip(1) {
        if let Some(at) = page.windows(500).position(|window| window.iter().all(|byte| *byte == 1)) {
            page[at + 100] ^= 0xff;
        }
    }
    fs::write(&path, &changed).unwrap();
    assert!(matches!(refused(&path), OpenError::Damaged { .. }));
}

#[tokio::test]
async fn a_store_open_to_others_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    drop(Embedded::open(&path, PRODUCTION).unwrap());
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o7777, 0o600);
    for mode in [0o640, 0o604, 0o660, 0o666] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        assert!(matches!(refused(&path), OpenError::WrongMode { right: 0o600, .. }));
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o777)).unwrap();
    assert!(matches!(refused(&path), OpenError::WrongMode { right: 0o700, .. }));
    assert!(matches!(refused(&directory.path().join("new")), OpenError::WrongMode { .. }));
}

#[tokio::test]
async fn a_missing_directory_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let error = refused(&directory.path().join("missing/store"));
    assert!(error.to_string().contains("missing"), "{error}");
}

#[tokio::test]
async fn of_many_that_make_a_store_at_once_one_gets_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = Arc::new(directory.path().join("store"));
    let openers: Vec<_> = (0..8)
        .map(|_| {
            let path = Arc::clone(&path);
            std::thread::spawn(move || Embedded::open(&path, PRODUCTION))
        })
        .collect();
    let opened: Vec<_> = openers.into_iter().map(|opener| opener.join().unwrap()).collect();
    assert_eq!(opened.iter().filter(|result| result.is_ok()).count(), 1);
    assert!(opened.iter().all(|result| matches!(result, Ok(_) | Err(OpenError::Locked(_)))));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}
