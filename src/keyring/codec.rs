//! How values are written before they are sealed: CBOR (RFC 8949).

use serde::{Serialize, de::DeserializeOwned};
use zeroize::Zeroizing;

use super::VaultError;

/// The most levels of nesting that are read.
const DEPTH: usize = 64;

/// Encodes a value into a buffer that is wiped on drop.
///
/// # Errors
/// [`VaultError::Format`] for what CBOR cannot hold.
pub fn encode<T: Serialize>(value: &T) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    // Room ahead, so that growing leaves no copies of key material behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(1_024));
    ciborium::into_writer(value, &mut *bytes)
        .map_err(|error| VaultError::Format { place: "a value to be sealed".to_owned(), why: error.to_string() })?;
    Ok(bytes)
}

/// Reads what [`encode`] wrote. `place` is for the error.
///
/// # Errors
/// [`VaultError::Format`] when it is something else.
pub fn decode<T: DeserializeOwned>(bytes: &[u8], place: &str) -> Result<T, VaultError> {
    ciborium::de::from_reader_with_recursion_limit(bytes, DEPTH)
        .map_err(|error| VaultError::Format { place: place.to_owned(), why: error.to_string() })
}
