//! What comes back, and what is refused.

use bytes::Bytes;
use keyward_sdk::time::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::storage::{Batch, Embedded, OpenMode, Path, Storage};

const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);
const MODE: OpenMode = OpenMode { kind: StoreKind::Production };

fn path(text: &str) -> Path {
    Path::new(text).unwrap()
}

async fn everything(store: &Embedded) -> Vec<(Path, crate::storage::Entry)> {
    store.list("", None, 1_000).await.unwrap()
}

/// A store with 300 entries, some large, some written over, some removed.
async fn filled(directory: &std::path::Path) -> Embedded {
    let store = Embedded::open(&directory.join("store"), MODE).unwrap();
    for n in 0..300_usize {
        let value = Bytes::from(vec![n as u8; if n % 50 == 0 { 400_000 } else { n }]);
        let put = vec![(path(&format!("k/{n:03}")), value), (path("k/shared"), n.to_string().into())];
        store.commit(Batch { put, ..Batch::default() }).await.unwrap();
    }
    store.commit(Batch { delete: vec![path("k/007")], ..Batch::default() }).await.unwrap();
    store
}

fn backup(store: &Embedded) -> (Summary, Vec<u8>) {
    let mut bytes = Vec::new();
    let summary = create(&store.snapshot().unwrap(), NOW, &mut bytes).unwrap();
    (summary, bytes)
}

#[tokio::test]
async fn a_restored_store_holds_what_the_backup_held() {
    let directory = tempfile::tempdir().unwrap();
    let store = filled(directory.path()).await;
    let before = everything(&store).await;
    let revision = store.revision().await.unwrap();
    let (made, bytes) = backup(&store);
    assert_eq!((made.entries, made.revision, made.created), (300, revision, NOW));
    assert_eq!((made.bytes, parse(&bytes).unwrap()), (bytes.len() as u64, made));

    let target = directory.path().join("restored");
    assert_eq!(restore(bytes.as_slice(), &target).unwrap(), made);
    let restored = Embedded::open(&target, MODE).unwrap();
    assert_eq!(everything(&restored).await, before);
    assert_eq!(restored.revision().await.unwrap(), revision);
    let next = Batch { put: vec![(path("new"), Bytes::new())], ..Batch::default() };
    assert!(restored.commit(next).await.unwrap() > revision);
    // The backup of a restored store is the same, byte for byte, but for what came after.
    assert_eq!(everything(&store).await, before);
}

#[tokio::test]
async fn a_backup_shows_one_moment_while_the_store_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let store = filled(directory.path()).await;
    let snapshot = store.snapshot().unwrap();
    let before = everything(&store).await;
    let all = before.iter().map(|(path, _)| path.clone()).take(100).collect();
    store.commit(Batch { delete: all, ..Batch::default() }).await.unwrap();
    let mut bytes = Vec::new();
    create(&snapshot, NOW, &mut bytes).unwrap();
    let mut reader = Reader::new(bytes.as_slice()).unwrap();
    for (path, entry) in before {
        assert_eq!(reader.next_entry().unwrap().unwrap(), (path, entry.revision, entry.value));
    }
    assert!(reader.next_entry().unwrap().is_none());
}

#[tokio::test]
async fn a_restore_overwrites_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let store = filled(directory.path()).await;
    let (_, bytes) = backup(&store);
    let target = directory.path().join("store");
    assert!(matches!(restore(bytes.as_slice(), &target), Err(BackupError::Restore(OpenError::Exists(_)))));
    assert_eq!(everything(&store).await.len(), 300);
}

#[tokio::test]
async fn every_cut_is_seen_and_leaves_no_store() {
    let directory = tempfile::tempdir().unwrap();
    let store = filled(directory.path()).await;
    let (_, bytes) = backup(&store);
    for len in (0..bytes.len()).step_by(bytes.len() / 97).chain([1, 15, 16, 20, 36, 37, bytes.len() - 1]) {
        assert!(parse(&bytes[..len]).is_err(), "{len}");
    }
    let target = directory.path().join("restored");
    assert!(matches!(restore(&bytes[..bytes.len() - 1], &target), Err(BackupError::Cut(_))));
    assert!(!target.exists());
    let left = std::fs::read_dir(directory.path()).unwrap().count();
    assert_eq!(left, 1, "a temporary file was left");
}

#[tokio::test]
async fn every_changed_byte_is_seen_and_placed() {
    let directory = tempfile::tempdir().unwrap();
    let store = filled(directory.path()).await;
    let (_, mut bytes) = backup(&store);
    let places: Vec<_> = (0..bytes.len()).step_by(bytes.len() / 211).chain(0..64).collect();
    for at in places {
        bytes[at] ^= 0x20;
        match parse(&bytes) {
            Err(BackupError::Damaged { from, to, .. }) => {
                assert!(from <= at as u64 && at as u64 <= to + 1, "byte {at} is not between {from} and {to}");
            }
            Err(_) => {}
            Ok(_) => panic!("byte {at} was changed and nobody saw it"),
        }
        bytes[at] ^= 0x20;
    }
    bytes.push(0);
    assert!(matches!(parse(&bytes), Err(BackupError::Damaged { what: "something follows the end", .. })));
}

#[tokio::test]
async fn a_newer_backup_and_a_foreign_file_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let (_, mut bytes) = backup(&filled(directory.path()).await);
    bytes[19] = 2;
    assert!(matches!(parse(&bytes), Err(BackupError::NewerFormat { found: 2, known: 1 })));
    for foreign in [b"".as_slice(), b"redb", b"keyward backup\n\n\n\n", &[0; 4_096]] {
        assert!(matches!(parse(foreign), Err(BackupError::NotABackup)));
    }
}

fn header() -> Vec<u8> {
    let mut bytes = format::MAGIC.to_vec();
    bytes.extend_from_slice(&format::VERSION.to_be_bytes());
    bytes.push(0);
    bytes.extend_from_slice(&100_u64.to_be_bytes());
    bytes.extend_from_slice(&NOW.millis().to_be_bytes());
    bytes
}

proptest! {
    #[test]
    fn any_bytes_are_refused_without_a_panic(rest in proptest::collection::vec(any::<u8>(), 0..400), head in any::<bool>()) {
        let bytes = if head { [header(), rest].concat() } else { rest };
        prop_assert!(parse(&bytes).is_err());
    }

    #[test]
    fn records_of_any_lengths_are_refused_without_a_panic(
        tag in 0_u8..5, revision in 0_u64..200, path_len in any::<u16>(), value_len in any::<u32>(),
        rest in proptest::collection::vec(any::<u8>(), 0..100),
    ) {
        let mut bytes = header();
        bytes.push(tag);
        bytes.extend_from_slice(&revision.to_be_bytes());
        bytes.extend_from_slice(&path_len.to_be_bytes());
        bytes.extend_from_slice(&value_len.to_be_bytes());
        bytes.extend_from_slice(&rest);
        prop_assert!(parse(&bytes).is_err());
    }
}
