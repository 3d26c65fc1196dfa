//! Tokens that were narrowed: an altered one opens neither as itself nor as the one that it was made from.

use keyward::{
    identity::token::{self, Sealed},
    keyring::{Keyring, KeyVersionId, KeyVersionState, KeyringRecord, VersionRecord},
};
use keyward_sdk::secret::Key32;

use crate::support::{NOW, FrozenToken, altered, changes, frozen_tokens};

/// The narrowed ones among the tokens that shipped, each with the keyring that opens it.
static NARROWED: std::sync::LazyLock<Vec<(FrozenToken, Keyring)>> = std::sync::LazyLock::new(|| {
    let narrowed = frozen_tokens().into_iter().filter(|row| row.ancestors > 0);
    narrowed.map(|row| (keyring(row.seed), row)).map(|(ring, row)| (row, ring)).collect()
});

/// As tests/vectors/token.json says: keys of 32 bytes of (seed + version).
fn keyring(seed: u8) -> Keyring {
    let version = |number: u8| VersionRecord {
        number: number.into(),
        id: KeyVersionId([number; 8]),
        created_at: NOW,
        state: KeyVersionState::Enabled,
        material: Key32::copy_of(&[seed + number; 32]),
    };
    let record = KeyringRecord { versions: vec![version(1), version(2)], primary: 2, audit_hash_key: Key32::copy_of(&[0; 32]) };
    Keyring::new(record).unwrap()
}

pub(super) fn run(bytes: &[u8]) {
    for (row, ring) in &*NARROWED {
        let changed = altered(row.token.as_bytes(), bytes);
        let sealed = std::str::from_utf8(&changed).ok().and_then(Sealed::parse);
        let opened = sealed.and_then(|sealed| token::open(ring, &sealed).ok());
        assert_eq!(opened.is_some(), changed == row.token.as_bytes(), "an altered token opens");
        if let Some(parts) = opened {
            assert_eq!(parts.token.unwrap().ancestors.len(), row.ancestors);
        }
    }
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    changes()
}
