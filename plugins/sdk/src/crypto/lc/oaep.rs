//! RSA-OAEP, MGF1 with the same hash. SHA-1 is here because Azure's import format asks for it; OAEP does not lean on its
//! collision resistance.

use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepAlgorithm, OaepPrivateDecryptingKey, OaepPublicEncryptingKey,
    PrivateDecryptingKey, PublicEncryptingKey,
};

use crate::{
    crypto::CryptoError,
    secret::{Secret, SecretError},
};

/// The hash of OAEP and of its mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OaepHash {
    /// SHA-1, for formats that fix it.
    Sha1,
    /// SHA-256.
    Sha256,
}

impl OaepHash {
    fn algorithm(self) -> &'static OaepAlgorithm {
        match self {
            Self::Sha1 => &OAEP_SHA1_MGF1SHA1,
            Self::Sha256 => &OAEP_SHA256_MGF1SHA256,
        }
    }
}

/// An RSA public key that encrypts.
pub struct OaepPublicKey(OaepPublicEncryptingKey);

impl OaepPublicKey {
    /// Reads a SubjectPublicKeyInfo of 2048 to 8192 bits.
    ///
    /// # Errors
    /// [`CryptoError::Key`] if it is not one.
    pub fn from_spki(der: &[u8]) -> Result<Self, CryptoError> {
        let key = PublicEncryptingKey::from_der(der).map_err(|_| CryptoError::Key("RSA public"))?;
        OaepPublicEncryptingKey::new(key).map(Self).map_err(|_| CryptoError::Key("RSA public"))
    }

    /// The longest plaintext for this key and hash.
    #[must_use]
    pub fn max_plaintext(&self, hash: OaepHash) -> usize {
        self.0.max_plaintext_size(hash.algorithm())
    }

    /// Encrypts `plaintext`; `label` must be the same when decrypting.
    ///
    /// # Errors
    /// [`CryptoError::Length`] above [`Self::max_plaintext`].
    pub fn encrypt(&self, hash: OaepHash, plaintext: &Secret, label: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let mut out = vec![0; self.0.ciphertext_size()];
        let label = Some(label).filter(|label| !label.is_empty());
        let sealed = self.0.encrypt(hash.algorithm(), plaintext.expose(), &mut out, label);
        let len = sealed.map_err(|_| CryptoError::Length { what: "RSA-OAEP", got: plaintext.len() })?.len();
        out.truncate(len);
        Ok(out)
    }
}

/// An RSA private key that decrypts.
pub struct OaepPrivateKey(OaepPrivateDecryptingKey);

impl OaepPrivateKey {
    /// Reads PKCS#8 of 2048 to 8192 bits.
    ///
    /// # Errors
    /// [`CryptoError::Key`] if it is not one.
    pub fn from_pkcs8(pkcs8: &Secret) -> Result<Self, CryptoError> {
        let key = PrivateDecryptingKey::from_pkcs8(pkcs8.expose()).map_err(|_| CryptoError::Key("RSA private"))?;
        OaepPrivateDecryptingKey::new(key).map(Self).map_err(|_| CryptoError::Key("RSA private"))
    }

    /// Bytes of the modulus, and of every ciphertext.
    #[must_use]
    pub fn modulus_len(&self) -> usize {
        self.0.key_size_bytes()
    }

    /// Decrypts what the public key encrypted with the same hash and label.
    ///
    /// # Errors
    /// [`CryptoError::Authentication`], whatever was wrong.
    pub fn decrypt(&self, hash: OaepHash, ciphertext: &[u8], label: &[u8]) -> Result<Secret, CryptoError> {
        let label = Some(label).filter(|label| !label.is_empty());
        Secret::init_with(self.0.min_output_size(), |out| {
            self.0.decrypt(hash.algorithm(), ciphertext, out, label).map(|plain| plain.len()).map_err(|_| Failed)
        })
        .map_err(|Failed| CryptoError::Authentication)
    }
}

impl std::fmt::Debug for OaepPublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OaepPublicKey")
    }
}

impl std::fmt::Debug for OaepPrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OaepPrivateKey(..)")
    }
}

struct Failed;

impl From<SecretError> for Failed {
    fn from(_: SecretError) -> Self {
        Self
    }
}
