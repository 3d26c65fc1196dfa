//! HMAC-SHA256.

use ring::hmac;

use super::{CryptoError, digest::copied};

/// A key for HMAC-SHA256, its two inner hashes computed once.
pub struct HmacKey(hmac::Key);

/// The bytes of a full tag.
pub type Tag = [u8; 32];

impl HmacKey {
    /// A key of any length; 32 random bytes are right.
    #[must_use]
    pub fn new(key: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// The tag of `data`.
    #[must_use]
    pub fn tag(&self, data: &[u8]) -> Tag {
        copied(hmac::sign(&self.0, data).as_ref())
    }

    /// The tag of the parts one after another. Boundaries are not covered: prefix lengths where they matter.
    #[must_use]
    pub fn tag_parts(&self, parts: &[&[u8]]) -> Tag {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            context.update(part);
        }
        copied(context.sign().as_ref())
    }

    /// Checks a full tag in constant time.
    ///
    /// # Errors
    /// [`CryptoError::Signature`] if it is not the tag of `data`.
    pub fn verify(&self, data: &[u8], tag: &[u8]) -> Result<(), CryptoError> {
        hmac::verify(&self.0, data, tag).map_err(|_| CryptoError::Signature)
    }
}

impl std::fmt::Debug for HmacKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HmacKey(..)")
    }
}
