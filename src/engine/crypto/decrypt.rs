//! Decrypts.

use bytes::Bytes;

use super::{Opened, cipher, with_key};
use crate::{
    engine::offload::offload_if,
    method::{NamePath, rows},
};

/// See the module.
pub struct Decrypt {
    /// With which key.
    pub key: NamePath,
    /// What.
    pub ciphertext: Bytes,
    /// As when it was encrypted.
    pub aad: Bytes,
    /// For RSA; 0: the primary.
    pub version: u32,
}

with_key!(Decrypt = rows::crypto::DECRYPT, Opened, |this, key| {
    let (ciphertext, aad, version) = (this.ciphertext.clone(), this.aad.clone(), this.version);
    offload_if(cipher::is_long(&key, ciphertext.len()), move || cipher::open(&key, version, &aad, &ciphertext))
});
