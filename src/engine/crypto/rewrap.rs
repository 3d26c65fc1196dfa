//! Encrypts again under the primary version, without showing the plaintext.

use bytes::Bytes;

use super::{Sealed, cipher, with_key};
use crate::{
    engine::{EngineError, Reply, key::HotKey, offload::offload_if},
    method::{NamePath, rows},
};

/// See the module.
pub struct Rewrap {
    /// With which key.
    pub key: NamePath,
    /// What.
    pub ciphertext: Bytes,
    /// As when it was encrypted, and as it is bound again.
    pub aad: Bytes,
    /// For RSA; 0: the primary.
    pub version: u32,
}

/// The new ciphertext. There is no field for a plaintext.
#[derive(Debug)]
pub struct Rewrapped(pub Sealed);

impl Reply for Rewrapped {}

with_key!(Rewrap = rows::crypto::REWRAP, Rewrapped, |this, key| {
    let (ciphertext, aad, version) = (this.ciphertext.clone(), this.aad.clone(), this.version);
    offload_if(cipher::is_long(&key, ciphertext.len()), move || rewrap(&key, version, &aad, &ciphertext))
});

pub(super) fn rewrap(key: &HotKey, version: u32, aad: &[u8], ciphertext: &[u8]) -> Result<Rewrapped, EngineError> {
    let opened = cipher::open(key, version, aad, ciphertext)?; // wiped when this function ends
    cipher::seal(key, aad, &opened.plaintext).map(Rewrapped)
}
