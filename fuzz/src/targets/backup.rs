//! Backups: what `restore` and `backup verify` are given.

use keyward::storage::{StoreKind, backup::{Reader, parse}};
use keyward_sdk::crypto::digest::sha256;

use crate::support::NOW;

pub(super) fn run(bytes: &[u8]) {
    check(bytes);
    // With its end mended, to get past the hash.
    let Some((count, body)) = bytes.split_last() else { return };
    let end = [&[3][..], &u64::from(*count).to_be_bytes(), &sha256(body)].concat();
    check(&[body, &end].concat());
}

fn check(bytes: &[u8]) {
    let Ok(summary) = parse(bytes) else { return };
    assert_eq!(summary.bytes, bytes.len() as u64);
    let mut reader = Reader::new(bytes).unwrap();
    let (mut entries, mut last) = (0, None);
    while let Some((path, revision, _)) = reader.next_entry().unwrap() {
        assert!(revision <= summary.revision);
        assert!(last.as_ref().is_none_or(|last| *last < path), "a path comes twice");
        (entries, last) = (entries + 1, Some(path));
    }
    assert_eq!(entries, summary.entries);
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let head = |kind: StoreKind| {
        let mut bytes = b"keyward backup\r\n".to_vec();
        bytes.extend_from_slice(&1_u32.to_be_bytes());
        bytes.push(u8::from(kind == StoreKind::Dev));
        bytes.extend_from_slice(&9_u64.to_be_bytes());
        bytes.extend_from_slice(&NOW.millis().to_be_bytes());
        bytes
    };
    let entry = |path: &str, value: &[u8]| {
        let lengths = [&(path.len() as u16).to_be_bytes()[..], &(value.len() as u32).to_be_bytes()].concat();
        [&[1][..], &5_u64.to_be_bytes(), &lengths, path.as_bytes(), value].concat()
    };
    let mended = |body: Vec<u8>, count: u8| [body, vec![count]].concat();
    let two = [head(StoreKind::Production), entry("a", b"one"), entry("b/c", b"two")].concat();
    let end = [&[3][..], &2_u64.to_be_bytes(), &sha256(&two)].concat();
    let marked = [two.clone(), vec![2], 2_u64.to_be_bytes().to_vec(), sha256(&two).to_vec()].concat();
    vec![mended(head(StoreKind::Dev), 0), mended(two.clone(), 2), mended(marked, 2), [two, end].concat()]
}
