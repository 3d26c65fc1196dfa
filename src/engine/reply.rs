//! Replies, and how those of changes are kept for retries.

use keyward_sdk::secret::Secret;
use serde::{Serialize, de::DeserializeOwned};
use zeroize::Zeroizing;

use crate::{
    identity::Principal,
    keyring::{VaultError, decode, encode},
    method::Name,
};

/// What a caller gets from an operation.
pub trait Reply: Send + Sized + 'static {
    /// The form in which it is kept (sealed) for a retry with the same request id; none for what changes nothing.
    ///
    /// # Errors
    /// [`VaultError`] for what cannot be encoded.
    fn keep(&self) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        Ok(None)
    }

    /// Who was proven by the request itself, for the audit record: logins.
    fn proven(&self) -> Option<(&Principal, &Name)> {
        None
    }

    /// The secret values that are given out, by name: the audit record has their keyed hashes.
    fn secrets(&self) -> Vec<(&str, &Secret)> {
        Vec::new()
    }

    /// Reads what [`Self::keep`] wrote; none when it keeps nothing.
    ///
    /// # Errors
    /// [`VaultError`] when it is something else.
    fn recall(_kept: &[u8]) -> Result<Option<Self>, VaultError> {
        Ok(None)
    }
}

/// What a change answers with, where that is kept as it is for a retry.
pub trait Keep: Serialize + DeserializeOwned + Send + 'static {
    /// As [`Reply::proven`].
    fn proven(&self) -> Option<(&Principal, &Name)> {
        None
    }
}

impl Keep for () {}
impl Keep for u32 {}
impl Keep for String {}
impl<T: Keep> Keep for Option<T> {}

/// The reply of a change: kept for retries.
#[derive(Debug)]
pub struct Kept<T>(pub T);

impl<T: Keep> Reply for Kept<T> {
    fn keep(&self) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        encode(&self.0).map(Some)
    }

    fn proven(&self) -> Option<(&Principal, &Name)> {
        self.0.proven()
    }

    fn recall(kept: &[u8]) -> Result<Option<Self>, VaultError> {
        decode(kept, "a kept reply").map(|value| Some(Self(value)))
    }
}
