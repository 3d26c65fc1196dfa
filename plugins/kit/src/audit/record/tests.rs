use proptest::prelude::*;

use super::*;

fn full() -> Record<'static> {
    Record {
        sequence: 7,
        time: Timestamp::from_millis(1_795_382_203_123),
        phase: Phase::Outcome,
        decision: Decision::Allowed,
        tenant: [1; 16],
        trace_id: [2; 16],
        token: [3; 16],
        intent: 7,
        request_id: "0123456789abcdef",
        method: "keyward.v1.SecretService/PutSecret",
        principal: Principal { issuer_kind: "oidc", issuer_name: "gitlab", subject: "project:7" },
        role: "deploy",
        peer: "10.0.0.7:4711",
        resource_kind: "Secret",
        resource: "prod/db",
        outcome: Some(Outcome { code: 9, reason: "CONFLICT" }),
        policies: vec!["pipelines", "base"],
        hashes: vec![("password", [4; 32])],
        details: vec![("version", "3")],
    }
}

fn encoded(record: &Record<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    record.encode(&mut out).unwrap();
    out
}

#[test]
fn the_frozen_vectors_still_read_and_write_the_same() {
    let text = include_str!("../../../../../tests/vectors/audit.json");
    let vectors: Vec<serde_json::Value> = serde_json::from_str(text).unwrap();
    assert!(vectors.len() >= 2, "vectors are added to, never removed");
    for vector in vectors {
        let bytes = data_encoding::HEXLOWER.decode(vector["hex"].as_str().unwrap().as_bytes()).unwrap();
        let record = Record::parse(&bytes).unwrap();
        assert_eq!(record.to_json(), vector["json"], "{}", vector["name"]);
        assert_eq!(encoded(&record), bytes, "{}", vector["name"]);
    }
}

#[test]
fn a_record_reads_as_it_was_written() {
    for record in [full(), Record::default()] {
        let bytes = encoded(&record);
        assert_eq!(Record::parse(&bytes).unwrap(), record);
        assert_eq!(sequence_of(&bytes), Some(record.sequence));
    }
}

#[test]
fn every_cut_of_a_record_is_refused() {
    let bytes = encoded(&full());
    for len in 0..bytes.len() {
        assert!(Record::parse(&bytes[..len]).is_err(), "{len}");
    }
    assert_eq!(Record::parse(&[bytes.as_slice(), &[0]].concat()), Err(RecordError::Trailing));
}

#[test]
fn what_is_too_large_is_not_written() {
    let long = "x".repeat(MAX_RECORD_BYTES);
    let mut out = vec![1, 2, 3];
    assert_eq!(Record { resource: &long, ..full() }.encode(&mut out), Err(RecordError::TooLarge("record")));
    assert_eq!(
        Record { policies: vec!["p"; MAX_ITEMS + 1], ..full() }.encode(&mut out),
        Err(RecordError::TooLarge("policies"))
    );
    assert_eq!(out, [1, 2, 3]);
}

#[test]
fn a_newer_version_is_named() {
    let mut bytes = encoded(&full());
    bytes[0] = 2;
    assert_eq!(Record::parse(&bytes), Err(RecordError::Version(2)));
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let mut with_version = vec![VERSION];
        with_version.extend(&bytes);
        let _ = Record::parse(&bytes);
        let _ = Record::parse(&with_version);
    }

    #[test]
    fn a_changed_byte_gives_an_error_or_another_record(at in 0usize..300, flip in 1u8..) {
        let bytes = encoded(&full());
        let mut changed = bytes.clone();
        let at = at % changed.len();
        changed[at] ^= flip;
        if let Ok(record) = Record::parse(&changed) {
            prop_assert_ne!(&record, &full());
            prop_assert_eq!(encoded(&record), changed);
        }
    }

    #[test]
    fn texts_of_any_kind_survive(method in ".{0,80}", subject in ".{0,80}", name in ".{0,80}", hash: [u8; 32]) {
        let record = Record {
            method: &method,
            principal: Principal { subject: &subject, ..Principal::default() },
            hashes: vec![(&name, hash)],
            ..full()
        };
        let bytes = encoded(&record);
        prop_assert_eq!(Record::parse(&bytes).unwrap(), record);
    }
}
