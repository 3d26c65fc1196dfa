//! A keyring: key versions, one of them primary, that seal the values of one owner.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
};

use keyward_sdk::{
    crypto::random,
    envelope::{self, Context, EnvelopeKey},
    secret::{Key32, Secret, serde_exposed},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

use super::VaultError;
use crate::method::TenantId;

/// 8 random bytes made with a version, so that a restored broker can never give one id to two keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct KeyVersionId(pub [u8; 8]);

impl KeyVersionId {
    /// A new one.
    #[must_use]
    pub fn random() -> Self {
        Self(random::array())
    }
}

/// What a key version may still be used for (ARCHITECTURE.md, keys).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyVersionState {
    /// Seals and opens.
    Enabled,
    /// Opens only.
    DecryptOnly,
    /// Does nothing until enabled again.
    Disabled,
}

/// A version as it is stored.
#[derive(Serialize, Deserialize)]
pub struct VersionRecord {
    /// Counts from 1.
    pub number: u32,
    /// Its random id.
    pub id: KeyVersionId,
    /// When it was made.
    pub created_at: Timestamp,
    /// What it may do.
    pub state: KeyVersionState,
    /// The key.
    #[serde(with = "serde_exposed")]
    pub material: Key32,
}

/// A keyring as it is stored.
#[derive(Serialize, Deserialize)]
pub struct KeyringRecord {
    /// Oldest first.
    pub versions: Vec<VersionRecord>,
    /// The number of the version that seals.
    pub primary: u32,
    /// The key under which secret values are hashed into this owner's audit records. Does not rotate with the
    /// versions, so that hashes stay comparable.
    #[serde(with = "serde_exposed")]
    pub audit_hash_key: Key32,
}

impl KeyringRecord {
    /// A keyring with one version.
    #[must_use]
    pub fn generate(now: Timestamp) -> Self {
        let first = VersionRecord {
            number: 1,
            id: KeyVersionId::random(),
            created_at: now,
            state: KeyVersionState::Enabled,
            material: Key32::random(),
        };
        Self { versions: vec![first], primary: 1, audit_hash_key: Key32::random() }
    }

    /// The same keyring with one version more, which becomes primary; the others open only.
    #[must_use]
    pub fn rotated(&self, now: Timestamp) -> Self {
        let number = self.versions.iter().map(|v| v.number).max().unwrap_or(0).saturating_add(1);
        let mut versions: Vec<_> = self
            .versions
            .iter()
            .map(|v| {
                let state = if v.state == KeyVersionState::Enabled { KeyVersionState::DecryptOnly } else { v.state };
                VersionRecord { state, ..v.copy() }
            })
            .collect();
        versions.push(VersionRecord {
            number,
            id: KeyVersionId::random(),
            created_at: now,
            state: KeyVersionState::Enabled,
            material: Key32::random(),
        });
        Self { versions, primary: number, audit_hash_key: Key32::copy_of(self.audit_hash_key.expose()) }
    }
}

impl KeyringRecord {
    /// The same keyring with its primary version alone. For one under whose other versions nothing lies any more.
    #[must_use]
    pub fn without_older(&self) -> Self {
        let primary = self.versions.iter().filter(|version| version.number == self.primary);
        let versions = primary.map(VersionRecord::copy).collect();
        Self { versions, primary: self.primary, audit_hash_key: Key32::copy_of(self.audit_hash_key.expose()) }
    }
}

impl VersionRecord {
    fn copy(&self) -> Self {
        Self {
            number: self.number,
            id: self.id,
            created_at: self.created_at,
            state: self.state,
            material: Key32::copy_of(self.material.expose()),
        }
    }
}

/// A keyring in use.
pub struct Keyring {
    record: KeyringRecord,
    keys: BTreeMap<u32, EnvelopeKey>,
    /// Values sealed since it was counted last.
    seals: AtomicU64,
}

/// What a sealed value is for; keeps values of one use from being taken for another's.
pub(super) const VALUE: &str = "keyward/value";

impl Keyring {
    /// Puts a stored keyring to use.
    ///
    /// # Errors
    /// [`VaultError::Format`] when it has no primary version.
    pub fn new(record: KeyringRecord) -> Result<Self, VaultError> {
        if !record.versions.iter().any(|v| v.number == record.primary && v.state == KeyVersionState::Enabled) {
            return Err(VaultError::Format {
                place: "keyring".to_owned(),
                why: "no enabled primary version".to_owned(),
            });
        }
        let keys = record
            .versions
            .iter()
            .filter(|v| v.state != KeyVersionState::Disabled)
            .map(|v| (v.number, EnvelopeKey::new(&v.material)))
            .collect();
        Ok(Self { record, keys, seals: AtomicU64::new(0) })
    }

    /// As it is stored.
    #[must_use]
    pub fn record(&self) -> &KeyringRecord {
        &self.record
    }

    /// The version that seals.
    #[must_use]
    pub fn primary(&self) -> u32 {
        self.record.primary
    }

    /// How many values were sealed since they were counted last.
    #[must_use]
    pub fn seals(&self) -> u64 {
        self.seals.load(Ordering::Relaxed)
    }

    /// Counts them.
    #[must_use]
    pub fn take_seals(&self) -> u64 {
        self.seals.swap(0, Ordering::Relaxed)
    }

    /// The key of a version, for the one other use of it: tokens.
    #[must_use]
    pub fn key(&self, version: u32) -> Option<&EnvelopeKey> {
        self.keys.get(&version)
    }

    /// The key for keyed hashes in audit records.
    #[must_use]
    pub fn audit_hash_key(&self) -> &Key32 {
        &self.record.audit_hash_key
    }

    pub(super) fn seal(&self, owner: TenantId, aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, VaultError> {
        let key = self.keys.get(&self.record.primary).ok_or(VaultError::NoTenant(owner))?;
        self.seals.fetch_add(1, Ordering::Relaxed);
        let context = Context { purpose: VALUE, tenant: owner.0, key_id: b"keyring" };
        key.seal(&context, self.record.primary, aad, plaintext)
            .map_err(|error| VaultError::Sealed { place: "a value to be sealed".to_owned(), error })
    }

    pub(super) fn open(&self, owner: TenantId, place: &str, aad: &[u8], sealed: &[u8]) -> Result<Secret, VaultError> {
        let fail = |error| VaultError::Sealed { place: place.to_owned(), error };
        let version = envelope::Header::parse(sealed).map_err(fail)?.version;
        let key =
            self.keys.get(&version).ok_or_else(|| VaultError::UnknownVersion { place: place.to_owned(), version })?;
        let context = Context { purpose: VALUE, tenant: owner.0, key_id: b"keyring" };
        key.open(&context, version, aad, sealed).map_err(fail)
    }
}
