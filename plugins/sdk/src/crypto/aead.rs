//! AES-256-GCM and ChaCha20-Poly1305.
//!
//! A nonce must never serve twice under one key. Where that is hard to promise use [`crate::envelope`], which makes a key
//! for each message.

use ring::aead::{self, Aad, LessSafeKey, UnboundKey};
use zeroize::Zeroizing;

use super::CryptoError;
use crate::secret::Secret;

/// Bytes that sealing adds.
pub const TAG_LEN: usize = 16;

/// A nonce of 12 bytes.
pub type Nonce = [u8; 12];

/// Which cipher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// AES-256-GCM.
    Aes256Gcm,
    /// ChaCha20-Poly1305 (RFC 8439).
    Chacha20Poly1305,
}

/// A key of 32 bytes, its schedule computed once.
pub struct AeadKey(LessSafeKey);

impl AeadKey {
    /// Prepares the key.
    ///
    /// # Errors
    /// None with a key of this length; the library's own refusal.
    pub fn new(algorithm: Algorithm, key: &[u8; 32]) -> Result<Self, CryptoError> {
        let algorithm = match algorithm {
            Algorithm::Aes256Gcm => &aead::AES_256_GCM,
            Algorithm::Chacha20Poly1305 => &aead::CHACHA20_POLY1305,
        };
        let key = UnboundKey::new(algorithm, key).map_err(|_| CryptoError::Operation("prepare key"))?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// Encrypts `data` in place and gives the tag.
    ///
    /// # Errors
    /// [`CryptoError::Length`] beyond the cipher's 64 GiB.
    pub fn seal_in_place(&self, nonce: Nonce, aad: &[u8], data: &mut [u8]) -> Result<[u8; TAG_LEN], CryptoError> {
        let too_long = CryptoError::Length { what: "one sealed message", got: data.len() };
        let nonce = aead::Nonce::assume_unique_for_key(nonce);
        let tag = self.0.seal_in_place_separate_tag(nonce, Aad::from(aad), data).map_err(|_| too_long)?;
        tag.as_ref().try_into().map_err(|_| CryptoError::Operation("seal"))
    }

    /// Encrypts `plaintext` into ciphertext and tag.
    ///
    /// # Errors
    /// As [`Self::seal_in_place`].
    pub fn seal(&self, nonce: Nonce, aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let mut sealed = Vec::with_capacity(plaintext.len() + TAG_LEN);
        sealed.extend_from_slice(plaintext);
        let tag = self.seal_in_place(nonce, aad, &mut sealed)?;
        sealed.extend_from_slice(&tag);
        Ok(sealed)
    }

    /// Decrypts ciphertext and tag in place and gives the plaintext.
    ///
    /// # Errors
    /// [`CryptoError::Authentication`] if anything is not as it was sealed; `data` is then of no use.
    pub fn open_in_place<'d>(&self, nonce: Nonce, aad: &[u8], data: &'d mut [u8]) -> Result<&'d mut [u8], CryptoError> {
        let nonce = aead::Nonce::assume_unique_for_key(nonce);
        self.0.open_in_place(nonce, Aad::from(aad), data).map_err(|_| CryptoError::Authentication)
    }

    /// Decrypts ciphertext and tag.
    ///
    /// # Errors
    /// [`CryptoError::Authentication`] if anything is not as it was sealed.
    pub fn open(&self, nonce: Nonce, aad: &[u8], sealed: &[u8]) -> Result<Secret, CryptoError> {
        if sealed.len() > Secret::MAX_LEN + TAG_LEN {
            return Err(CryptoError::Length { what: "one secret", got: sealed.len() });
        }
        let mut data = Zeroizing::new(sealed.to_vec());
        let len = self.open_in_place(nonce, aad, &mut data)?.len();
        data.truncate(len);
        Ok(Secret::from_zeroizing(data))
    }
}

impl std::fmt::Debug for AeadKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AeadKey(..)")
    }
}
