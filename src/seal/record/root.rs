//! What is derived from the root and what wraps it.

use std::{fmt, str::FromStr};

use data_encoding::HEXLOWER;
use keyward_sdk::{
    crypto::{CryptoError, hkdf::Prk, hmac::HmacKey},
    envelope::{Context, EnvelopeError, EnvelopeKey, OVERHEAD},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{InstallationId, PathRecord, RootLabel, octets};
use crate::{keyring::RootKey, seal::PathKey};

/// How long a wrapped root is.
pub(super) const WRAPPED_ROOT: usize = 32 + OVERHEAD;

/// The root's public fingerprint: derived from it one way, 64 hex digits. Pinned in the settings, it makes a wholly replaced
/// store show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RootFingerprint([u8; 32]);

/// The text is no fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a fingerprint of a root key: 64 hex digits are expected, as `keyward seal status` shows them")]
pub struct FingerprintError;

impl RootFingerprint {
    /// The fingerprint of a root.
    ///
    /// # Errors
    /// None but the cryptographic library's own refusal.
    pub fn of(root: &RootKey) -> Result<Self, CryptoError> {
        let mut bytes = [0; 32];
        extracted(root).expand(&[b"fingerprint"], &mut bytes)?;
        Ok(Self(bytes))
    }
}

fn extracted(root: &RootKey) -> Prk {
    Prk::extract(b"keyward/seal/root/1", root.expose())
}

/// The key that signs records.
pub(super) fn mac_key(root: &RootKey) -> Result<HmacKey, CryptoError> {
    Ok(HmacKey::new(extracted(root).expand_key(&[b"record mac"])?.expose()))
}

/// Wraps the root for one path.
pub(in crate::seal) fn wrap_root(
    installation: InstallationId,
    path: &PathRecord,
    key: &PathKey,
    label: &RootLabel,
    root: &RootKey,
) -> Result<Vec<u8>, EnvelopeError> {
    EnvelopeKey::new(key.key()).seal(&context(installation, path), path.epoch, &aad(label), root.expose())
}

/// Opens the root that one path wraps. Fails unless the key is the path's.
pub(in crate::seal) fn open_root(
    installation: InstallationId,
    path: &PathRecord,
    key: &PathKey,
    label: &RootLabel,
) -> Result<RootKey, EnvelopeError> {
    let opened = EnvelopeKey::new(key.key()).open(&context(installation, path), path.epoch, &aad(label), &path.root)?;
    RootKey::from_secret(&opened).map_err(|_| EnvelopeError::Integrity)
}

fn context(installation: InstallationId, path: &PathRecord) -> Context<'_> {
    Context { purpose: "keyward/seal/root", tenant: *installation.as_bytes(), key_id: path.name.as_str().as_bytes() }
}

fn aad(label: &RootLabel) -> Vec<u8> {
    [label.version.as_slice(), &label.fingerprint.0].concat()
}

impl fmt::Display for RootFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl FromStr for RootFingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| FingerprintError)?;
        bytes.try_into().map(Self).map_err(|_| FingerprintError)
    }
}

impl Serialize for RootFingerprint {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        octets::serialize(&self.0, to)
    }
}

impl<'de> Deserialize<'de> for RootFingerprint {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        octets::deserialize(from).map(Self)
    }
}
