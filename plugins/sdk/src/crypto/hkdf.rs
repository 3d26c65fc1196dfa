//! HKDF-SHA256 (RFC 5869).

use ring::hkdf;

use super::CryptoError;
use crate::secret::Key32;

/// The extracted key, from which any number of keys are expanded.
pub struct Prk(hkdf::Prk);

struct Len(usize);

impl hkdf::KeyType for Len {
    fn len(&self) -> usize {
        self.0
    }
}

impl Prk {
    /// HKDF-Extract.
    #[must_use]
    pub fn extract(salt: &[u8], key: &[u8]) -> Self {
        Self(hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(key))
    }

    /// HKDF-Expand into `out`. The parts of `info` are joined as they are: prefix lengths where boundaries matter.
    ///
    /// # Errors
    /// [`CryptoError::Length`] above 8,160 bytes.
    pub fn expand(&self, info: &[&[u8]], out: &mut [u8]) -> Result<(), CryptoError> {
        let len = out.len();
        let too_long = CryptoError::Length { what: "key derivation", got: len };
        self.0.expand(info, Len(len)).and_then(|okm| okm.fill(out)).map_err(|_| too_long)
    }

    /// HKDF-Expand to a key of 32 bytes, built where it will live.
    ///
    /// # Errors
    /// None with this length; the library's own refusal.
    pub fn expand_key(&self, info: &[&[u8]]) -> Result<Key32, CryptoError> {
        Key32::init(|key| self.expand(info, key))
    }
}

impl std::fmt::Debug for Prk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Prk(..)")
    }
}
