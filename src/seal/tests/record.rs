use proptest::prelude::*;

use super::*;
use crate::{
    keyring::RootKey,
    seal::{MAX_RECORD, OpenError, RecordError},
};

fn made() -> (Vec<u8>, RootKey) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let (_, made) = runtime.block_on(both());
    (made.record.encode().unwrap(), made.root)
}

/// Whether bytes are taken for a record that the root wrote.
fn accepted(bytes: &[u8], root: &RootKey) -> bool {
    SealRecord::parse(bytes).is_ok_and(|record| record.verify(root).is_ok())
}

#[test]
fn a_record_reads_back_as_it_was_written() {
    let (bytes, root) = made();
    let record = SealRecord::parse(&bytes).unwrap();
    assert_eq!(record.encode().unwrap(), bytes);
    assert_eq!(record.verify(&root), Ok(()));
    assert_eq!(record.verify(&RootKey::random()), Err(OpenError::Changed { odd: Vec::new() }));
}

#[test]
fn every_single_flipped_bit_is_refused() {
    let (bytes, root) = made();
    assert!(accepted(&bytes, &root));
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        assert!(!accepted(&changed, &root), "byte {at}");
    }
}

#[test]
fn a_cut_or_lengthened_record_is_refused() {
    let (bytes, root) = made();
    for len in 0..bytes.len() {
        assert!(SealRecord::parse(&bytes[..len]).is_err(), "{len} bytes");
    }
    assert!(!accepted(&[bytes.as_slice(), &[0]].concat(), &root));
    assert_eq!(SealRecord::parse(&vec![0; MAX_RECORD + 1]), Err(RecordError::TooLong(MAX_RECORD + 1)));
}

#[test]
fn deep_nesting_is_refused_without_harm() {
    for byte in [0x81, 0xa1, 0xc0, 0x9f, 0xbf, 0x5f] {
        assert!(SealRecord::parse(&vec![byte; MAX_RECORD]).is_err());
    }
}

#[test]
fn a_record_of_a_newer_version_is_named_as_such() {
    let (bytes, _) = made();
    let at = bytes.windows(6).position(|text| text == b"format").unwrap() + 6;
    let mut newer = bytes;
    newer[at] = 2;
    let error = SealRecord::parse(&newer).unwrap_err();
    assert_eq!(error, RecordError::Format(2));
    assert!(error.to_string().contains("start the version that wrote it"));
}

#[test]
fn a_record_with_impossible_parts_is_refused() {
    let (bytes, _) = made();
    let record = SealRecord::parse(&bytes).unwrap();
    let refused =
        |record: SealRecord| matches!(SealRecord::parse(&record.encode().unwrap()), Err(RecordError::Content(_)));
    assert!(refused(record.tampered(|body| body.paths.clear())));
    assert!(refused(record.tampered(|body| body.paths[0].k = 0)));
    assert!(refused(record.tampered(|body| body.paths[0].k = 4)));
    assert!(refused(record.tampered(|body| body.paths[0].epoch = 9)));
    assert!(refused(record.tampered(|body| body.paths[0].members.swap(0, 1))));
    assert!(refused(record.tampered(|body| body.paths[0].root.truncate(40))));
    assert!(refused(record.tampered(|body| body.paths[1] = body.paths[0].clone())));
    assert!(refused(record.tampered(|body| body.paths[0].members[1].name = name("aws"))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn mutated_records_never_panic_and_are_never_accepted(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..3), 1..8),
    ) {
        static MADE: std::sync::LazyLock<(Vec<u8>, RootKey)> = std::sync::LazyLock::new(made);
        let (bytes, root) = &*MADE;
        let mut changed = bytes.clone();
        for (at, byte, how) in changes {
            if changed.is_empty() {
                break;
            }
            let at = at.index(changed.len());
            match how {
                0 => changed[at] = byte,
                1 => changed.insert(at, byte),
                _ => drop(changed.remove(at)),
            }
        }
        prop_assert_eq!(accepted(&changed, root), changed == *bytes);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(SealRecord::parse(&bytes).is_err());
    }
}
