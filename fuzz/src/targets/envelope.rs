//! Envelopes: what is stored, and what `Decrypt` is given.

use std::sync::LazyLock;

use keyward_sdk::{
    envelope::{Context, EnvelopeKey, Header, OVERHEAD},
    secret::Key32,
};

use crate::support::{altered, changes, hex};

const CONTEXT: Context<'static> = Context { purpose: "kv", tenant: [7; 16], key_id: b"key" };

static KEY: LazyLock<EnvelopeKey> = LazyLock::new(|| EnvelopeKey::new(&Key32::copy_of(&[7; 32])));
static SEALED: LazyLock<Vec<u8>> = LazyLock::new(|| KEY.seal(&CONTEXT, 3, b"place", b"value").unwrap());

pub(super) fn run(bytes: &[u8]) {
    if let Ok(header) = Header::parse(bytes) {
        assert!(bytes.len() >= OVERHEAD);
        assert!(KEY.open(&CONTEXT, header.version, b"place", bytes).is_err(), "an envelope was forged");
    }
    let changed = altered(&SEALED, bytes);
    let opened = KEY.open(&CONTEXT, 3, b"place", &changed);
    assert_eq!(opened.is_ok(), changed == *SEALED, "an altered envelope opens, or a whole one does not");
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let vectors: serde_json::Value = serde_json::from_str(include_str!("../../../tests/vectors/envelope.json")).unwrap();
    let frozen = vectors["open"].as_array().unwrap().iter().map(|row| hex(&row["envelope"]));
    changes().into_iter().chain(frozen.filter(|envelope| envelope.len() < 1_024).take(8)).collect()
}
