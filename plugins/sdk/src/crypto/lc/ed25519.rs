//! Ed25519 signing.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};

use crate::{crypto::CryptoError, secret::Secret};

/// An Ed25519 private key ready to sign.
pub struct Ed25519Key(Ed25519KeyPair);

impl Ed25519Key {
    /// Reads PKCS#8, version 1 (OpenSSL's) or 2.
    ///
    /// # Errors
    /// [`CryptoError::Key`] if it is not an Ed25519 key, or its public half does not fit.
    pub fn from_pkcs8(pkcs8: &Secret) -> Result<Self, CryptoError> {
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8.expose());
        pair.map(Self).map_err(|_| CryptoError::Key("ed25519"))
    }

    /// The 32 bytes of the public key.
    #[must_use]
    pub fn public_key(&self) -> &[u8] {
        self.0.public_key().as_ref()
    }

    /// Signs `message`.
    ///
    /// # Errors
    /// [`CryptoError::Operation`] if the library cannot.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.0.try_sign(message).map(|s| s.as_ref().to_vec()).map_err(|_| CryptoError::Operation("sign"))
    }
}

impl std::fmt::Debug for Ed25519Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ed25519Key(..)")
    }
}
