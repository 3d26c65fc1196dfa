//! The frozen vectors (made by another implementation, tests/vectors/make_envelope.py) and what must hold for all inputs.

use proptest::prelude::*;
use serde::Deserialize;

use super::{Context, EnvelopeError, EnvelopeKey, Format, Header, MAX_PLAINTEXT, OVERHEAD, header::Parts};
use crate::{crypto::random, secret::Key32};

#[derive(Deserialize)]
struct Vectors {
    open: Vec<Row>,
    refuse: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    name: String,
    format: u8,
    version: u32,
    key: String,
    purpose: String,
    tenant: String,
    key_id: String,
    salt: String,
    aad: String,
    plaintext: String,
    envelope: String,
    why: Option<String>,
}

fn hex(text: &str) -> Vec<u8> {
    data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap()
}

impl Row {
    fn with<T>(&self, then: impl FnOnce(EnvelopeKey, Context<'_>) -> T) -> T {
        let key = EnvelopeKey::new(&Key32::from_slice(&hex(&self.key)).unwrap());
        let (tenant, key_id) = (hex(&self.tenant).try_into().unwrap(), hex(&self.key_id));
        then(key, Context { purpose: &self.purpose, tenant, key_id: &key_id })
    }
}

fn vectors() -> Vectors {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/envelope.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn frozen_envelopes_open_and_are_made_again_byte_for_byte() {
    let rows = vectors().open;
    assert!(rows.len() >= 10);
    for row in rows {
        let (plaintext, aad, envelope) = (hex(&row.plaintext), hex(&row.aad), hex(&row.envelope));
        row.with(|key, context| {
            let opened = key.open(&context, row.version, &aad, &envelope).expect(&row.name);
            assert_eq!(opened.expose(), plaintext, "{}", row.name);
            let format = Format::try_from(row.format).unwrap();
            let header = Header { format, version: row.version, salt: hex(&row.salt).try_into().unwrap() };
            assert_eq!(Header::parse(&envelope), Ok(header), "{}", row.name);
            assert_eq!(key.seal_with_salt(&header, &context, &aad, &plaintext).unwrap(), envelope, "{}", row.name);
        });
    }
}

#[test]
fn frozen_envelopes_that_must_not_open_do_not() {
    let rows = vectors().refuse;
    assert!(rows.len() >= 20);
    for row in rows {
        let refused = row.with(|key, context| key.open(&context, row.version, &hex(&row.aad), &hex(&row.envelope)));
        let why = match refused.expect_err(&row.name) {
            EnvelopeError::TooShort(_) => "too short",
            EnvelopeError::Format(_) => "format",
            EnvelopeError::Version(_) => "version",
            EnvelopeError::Integrity => "integrity",
            other => panic!("{}: {other}", row.name),
        };
        assert_eq!(Some(why), row.why.as_deref(), "{}", row.name);
    }
}

const CONTEXT: Context<'static> = Context { purpose: "test", tenant: [7; 16], key_id: b"key" };

fn format() -> impl Strategy<Value = Format> {
    prop_oneof![Just(Format::Aes256Gcm), Just(Format::Chacha20Poly1305)]
}

proptest! {
    #[test]
    fn what_is_sealed_opens(
        format in format(), version: u32, tenant: [u8; 16], purpose in "[a-z]{0,64}",
        key_id in prop::collection::vec(any::<u8>(), 0..256), aad in prop::collection::vec(any::<u8>(), 0..200),
        plaintext in prop::collection::vec(any::<u8>(), 0..2000),
    ) {
        let key = EnvelopeKey::new(&Key32::random());
        let context = Context { purpose: &purpose, tenant, key_id: &key_id };
        let envelope = key.seal_as(format, &context, version, &aad, &plaintext).unwrap();
        prop_assert_eq!(envelope.len(), plaintext.len() + OVERHEAD);
        let opened = key.open(&context, version, &aad, &envelope).unwrap();
        prop_assert_eq!(opened.expose(), plaintext.as_slice());
    }

    #[test]
    fn a_flipped_bit_is_refused(format in format(), len in 0usize..100, at: prop::sample::Index, bit in 0u8..8) {
        let key = EnvelopeKey::new(&Key32::random());
        let mut envelope = key.seal_as(format, &CONTEXT, 3, b"aad", &vec![9; len]).unwrap();
        let at = at.index(envelope.len());
        envelope[at] ^= 1 << bit;
        prop_assert!(key.open(&CONTEXT, 3, b"aad", &envelope).is_err());
    }

    #[test]
    fn any_bytes_are_parsed_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let parsed = Parts::parse(&bytes);
        prop_assert_eq!(parsed.is_ok(), bytes.len() >= OVERHEAD && matches!(bytes[0], 1 | 2));
        prop_assert!(EnvelopeKey::new(&Key32::copy_of(&[1; 32])).open(&CONTEXT, 1, b"", &bytes).is_err());
    }
}

#[test]
fn every_message_has_its_own_salt_and_key() {
    let key = EnvelopeKey::new(&Key32::random());
    let [a, b] = [(); 2].map(|()| key.seal(&CONTEXT, 1, b"", b"the same").unwrap());
    for part in [5..37, 37..69, 69..77] {
        assert_ne!(a[part.clone()], b[part]);
    }
}

#[test]
fn limits_hold() {
    let key = EnvelopeKey::new(&Key32::random());
    let long = vec![0; MAX_PLAINTEXT + 1];
    assert_eq!(key.seal(&CONTEXT, 1, b"", &long), Err(EnvelopeError::TooLong(MAX_PLAINTEXT + 1)));
    let too_long = vec![1; MAX_PLAINTEXT + OVERHEAD + 1];
    assert_eq!(Header::parse(&too_long), Err(EnvelopeError::TooLong(too_long.len())));
    let (purpose, key_id) = ("p".repeat(65), [0; 257]);
    for context in [Context { purpose: &purpose, ..CONTEXT }, Context { key_id: &key_id, ..CONTEXT }] {
        assert_eq!(key.seal(&context, 1, b"", b""), Err(EnvelopeError::Context));
    }
}

/// AES-GCM alone lets one ciphertext open under two keys that an attacker chose; the commitment does not.
#[test]
fn a_ciphertext_without_its_keys_commitment_is_refused_before_it_is_opened() {
    let (ours, theirs) = (EnvelopeKey::new(&Key32::random()), EnvelopeKey::new(&Key32::random()));
    let header = Header { format: Format::Aes256Gcm, version: 1, salt: random::array() };
    let ours = ours.seal_with_salt(&header, &CONTEXT, b"", b"text").unwrap();
    let mut mixed = theirs.seal_with_salt(&header, &CONTEXT, b"", b"text").unwrap();
    mixed[37..69].copy_from_slice(&ours[37..69]);
    assert_eq!(theirs.open(&CONTEXT, 1, b"", &mixed).unwrap_err(), EnvelopeError::Integrity);
}
