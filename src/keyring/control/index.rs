//! Which counter each entry must have.

use std::collections::BTreeMap;

use keyward_sdk::crypto::digest::sha256;
use serde::{Deserialize, Serialize};

use crate::keyring::{VaultError, codec};

/// Buckets a tenant. A write re-writes one bucket, so this bounds what a write costs with many entries.
pub(in crate::keyring) const BUCKETS: usize = 16;

/// One bucket: entry key to counter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(in crate::keyring) struct Bucket(pub BTreeMap<String, u64>);

impl Bucket {
    /// Over its content; all zero when empty.
    pub(in crate::keyring) fn digest(&self) -> Result<[u8; 32], VaultError> {
        if self.0.is_empty() { Ok([0; 32]) } else { Ok(sha256(&codec::encode(self)?)) }
    }
}

/// The bucket of an entry.
pub(in crate::keyring) fn bucket_of(key: &str) -> usize {
    usize::from(sha256(key.as_bytes())[0]) % BUCKETS
}

/// What a head holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::keyring) struct HeadRecord {
    pub(in crate::keyring) counter: u64,
    pub(in crate::keyring) buckets: Vec<[u8; 32]>,
}

impl HeadRecord {
    /// One digest over counter and buckets.
    pub(in crate::keyring) fn digest(&self) -> [u8; 32] {
        let mut all = Vec::with_capacity(8 + 32 * BUCKETS);
        all.extend_from_slice(&self.counter.to_be_bytes());
        self.buckets.iter().for_each(|b| all.extend_from_slice(b));
        sha256(&all)
    }
}
