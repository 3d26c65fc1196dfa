//! Encrypts.

use std::sync::Arc;

use bytes::Bytes;
use keyward_sdk::secret::Secret;

use super::{Sealed, cipher, with_key};
use crate::{
    engine::offload::offload_if,
    method::{NamePath, rows},
};

/// See the module.
pub struct Encrypt {
    /// With which key.
    pub key: NamePath,
    /// What.
    pub plaintext: Arc<Secret>,
    /// Bound to it.
    pub aad: Bytes,
}

with_key!(Encrypt = rows::crypto::ENCRYPT, Sealed, secrets | it | vec![("plaintext", &*it.plaintext)], |this, key| {
    let (plaintext, aad) = (this.plaintext.clone(), this.aad.clone());
    offload_if(cipher::is_long(&key, plaintext.len()), move || cipher::seal(&key, &aad, &plaintext))
});
