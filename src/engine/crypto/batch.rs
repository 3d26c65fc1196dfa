//! Many items under one key. One that fails does not hold up the others.

use std::sync::Arc;

use bytes::Bytes;
use keyward_sdk::secret::Secret;

use super::{MAX_ITEMS, Opened, Sealed, cipher, with_key};
use crate::{
    engine::{EngineError, Reply, key::HotKey, offload::offload_if},
    method::{NamePath, rows},
};

/// Encrypts many.
pub struct BatchEncrypt {
    /// With which key.
    pub key: NamePath,
    /// What.
    pub items: Arc<[ToEncrypt]>,
}

/// Decrypts many.
pub struct BatchDecrypt {
    /// With which key.
    pub key: NamePath,
    /// What.
    pub items: Arc<[ToDecrypt]>,
}

/// One item of [`BatchEncrypt`].
pub struct ToEncrypt {
    /// What.
    pub plaintext: Secret,
    /// Bound to it.
    pub aad: Bytes,
}

/// One item of [`BatchDecrypt`].
pub struct ToDecrypt {
    /// What.
    pub ciphertext: Bytes,
    /// As when it was encrypted.
    pub aad: Bytes,
    /// For RSA; 0: the primary.
    pub version: u32,
}

/// As many results as items, in their order.
#[derive(Debug)]
pub struct BatchOf<T>(pub Vec<Result<T, EngineError>>);

impl Reply for BatchOf<Sealed> {}

impl Reply for BatchOf<Opened> {
    fn secrets(&self) -> Vec<(&str, &Secret)> {
        plaintexts(self.0.iter().flatten().map(|opened| &opened.plaintext))
    }
}

/// So many short items take as long as one payload that leaves the serving thread.
const FEW: usize = 50;

/// The plaintexts, by name for the record.
fn plaintexts<'a>(all: impl Iterator<Item = &'a Secret>) -> Vec<(&'a str, &'a Secret)> {
    all.take(keyward_kit::audit::record::MAX_ITEMS).map(|plaintext| ("plaintext", plaintext)).collect()
}

with_key!(
    BatchEncrypt = rows::crypto::BATCH_ENCRYPT,
    BatchOf<Sealed>,
    secrets | it | plaintexts(it.items.iter().map(|item| &item.plaintext)),
    |this, key| {
        let items = this.items.clone();
        let bytes = items.iter().map(|item| item.plaintext.len()).sum();
        let long = items.len() > FEW || cipher::is_long(&key, bytes);
        offload_if(long, move || encrypt(&key, &items))
    }
);

with_key!(BatchDecrypt = rows::crypto::BATCH_DECRYPT, BatchOf<Opened>, |this, key| {
    let items = this.items.clone();
    let bytes = items.iter().map(|item| item.ciphertext.len()).sum();
    let long = items.len() > FEW || cipher::is_long(&key, bytes);
    offload_if(long, move || decrypt(&key, &items))
});

pub(super) fn encrypt(key: &HotKey, items: &[ToEncrypt]) -> Result<BatchOf<Sealed>, EngineError> {
    check(items.len())?;
    Ok(BatchOf(items.iter().map(|item| cipher::seal(key, &item.aad, &item.plaintext)).collect()))
}

pub(super) fn decrypt(key: &HotKey, items: &[ToDecrypt]) -> Result<BatchOf<Opened>, EngineError> {
    check(items.len())?;
    Ok(BatchOf(items.iter().map(|item| cipher::open(key, item.version, &item.aad, &item.ciphertext)).collect()))
}

fn check(items: usize) -> Result<(), EngineError> {
    match items {
        0 => Err(EngineError::invalid("items", "a batch has at least one item")),
        1..=MAX_ITEMS => Ok(()),
        _ => Err(EngineError::Limit { what: "the number of items", limit: MAX_ITEMS as u64 }),
    }
}
