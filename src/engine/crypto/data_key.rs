//! Makes keys for others: encrypted under a named key, and in clear only for who asks for that.

use bytes::Bytes;
use keyward_sdk::secret::Secret;

use super::{Sealed, cipher, with_key};
use crate::{
    engine::{EngineError, Reply, key::HotKey, offload::offload_if},
    method::{NamePath, rows},
};

/// Makes a data key and gives it in both forms.
pub struct GenerateDataKey {
    /// Under which key.
    pub key: NamePath,
    /// How long; 0: 32.
    pub bytes: usize,
    /// Bound to it.
    pub aad: Bytes,
}

/// Makes a data key and gives it encrypted only.
pub struct GenerateHiddenDataKey {
    /// Under which key.
    pub key: NamePath,
    /// How long; 0: 32.
    pub bytes: usize,
    /// Bound to it.
    pub aad: Bytes,
}

/// A data key in both forms.
#[derive(Debug)]
pub struct DataKey {
    /// In clear.
    pub plaintext: Secret,
    /// Encrypted.
    pub sealed: Sealed,
}

impl Reply for DataKey {
    fn secrets(&self) -> Vec<(&str, &Secret)> {
        vec![("plaintext", &self.plaintext)]
    }
}

with_key!(GenerateDataKey = rows::crypto::DATA_KEY, DataKey, |this, key| {
    let (aad, bytes) = (this.aad.clone(), this.bytes);
    offload_if(cipher::is_long(&key, 0), move || make(&key, bytes, &aad))
});

with_key!(GenerateHiddenDataKey = rows::crypto::HIDDEN_DATA_KEY, Sealed, |this, key| {
    let (aad, bytes) = (this.aad.clone(), this.bytes);
    offload_if(cipher::is_long(&key, 0), move || make(&key, bytes, &aad).map(|made| made.sealed))
});

pub(super) fn make(key: &HotKey, bytes: usize, aad: &[u8]) -> Result<DataKey, EngineError> {
    let bytes = if bytes == 0 { 32 } else { bytes };
    if !(16..=64).contains(&bytes) {
        return Err(EngineError::invalid("bytes", "a data key has 16 to 64 bytes"));
    }
    let plaintext = Secret::random(bytes);
    let sealed = cipher::seal(key, aad, &plaintext)?;
    Ok(DataKey { plaintext, sealed })
}
