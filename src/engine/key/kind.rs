//! What keys there are, and what each can do.

use std::{collections::BTreeSet, fmt};

use keyward_sdk::crypto::asymmetric::KeyKind;
use serde::{Deserialize, Serialize};

use crate::engine::EngineError;

/// The type of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum KeyType {
    /// AES-256-GCM, in Keyward's envelope.
    #[serde(rename = "aes256-gcm")]
    Aes256Gcm,
    /// ChaCha20-Poly1305, in Keyward's envelope.
    #[serde(rename = "chacha20-poly1305")]
    Chacha20Poly1305,
    /// HMAC-SHA256.
    #[serde(rename = "hmac-sha256")]
    HmacSha256,
    /// Ed25519.
    #[serde(rename = "ed25519")]
    Ed25519,
    /// ECDSA on P-256.
    #[serde(rename = "ecdsa-p256")]
    EcdsaP256,
    /// ECDSA on P-384.
    #[serde(rename = "ecdsa-p384")]
    EcdsaP384,
    /// RSA of 2048 bits.
    #[serde(rename = "rsa-2048")]
    Rsa2048,
    /// RSA of 3072 bits.
    #[serde(rename = "rsa-3072")]
    Rsa3072,
    /// RSA of 4096 bits.
    #[serde(rename = "rsa-4096")]
    Rsa4096,
}

/// Where the material comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Made here.
    Generated,
    /// Made elsewhere and taken in wrapped.
    Imported,
}

/// What a key may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Use {
    /// Encrypt.
    Encrypt,
    /// Decrypt.
    Decrypt,
    /// Sign.
    Sign,
    /// Check signatures.
    Verify,
    /// Make authentication codes.
    Mac,
    /// Check authentication codes.
    VerifyMac,
}

impl KeyType {
    /// Every type.
    pub const ALL: [Self; 9] = [
        Self::Aes256Gcm,
        Self::Chacha20Poly1305,
        Self::HmacSha256,
        Self::Ed25519,
        Self::EcdsaP256,
        Self::EcdsaP384,
        Self::Rsa2048,
        Self::Rsa3072,
        Self::Rsa4096,
    ];

    /// The name that users and policies see.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Aes256Gcm => "aes256-gcm",
            Self::Chacha20Poly1305 => "chacha20-poly1305",
            Self::HmacSha256 => "hmac-sha256",
            Self::Ed25519 => "ed25519",
            Self::EcdsaP256 => "ecdsa-p256",
            Self::EcdsaP384 => "ecdsa-p384",
            Self::Rsa2048 => "rsa-2048",
            Self::Rsa3072 => "rsa-3072",
            Self::Rsa4096 => "rsa-4096",
        }
    }

    /// The kind of key pair; none for symmetric keys.
    #[must_use]
    pub fn pair(self) -> Option<KeyKind> {
        Some(match self {
            Self::Aes256Gcm | Self::Chacha20Poly1305 | Self::HmacSha256 => return None,
            Self::Ed25519 => KeyKind::Ed25519,
            Self::EcdsaP256 => KeyKind::EcdsaP256,
            Self::EcdsaP384 => KeyKind::EcdsaP384,
            Self::Rsa2048 => KeyKind::Rsa2048,
            Self::Rsa3072 => KeyKind::Rsa3072,
            Self::Rsa4096 => KeyKind::Rsa4096,
        })
    }

    /// Whether it costs more than a serving thread should spend.
    #[must_use]
    pub fn is_rsa(self) -> bool {
        self.pair().is_some_and(KeyKind::is_rsa)
    }

    /// Everything that a key of this type could do.
    fn possible(self) -> &'static [Use] {
        match self {
            Self::Aes256Gcm | Self::Chacha20Poly1305 => &[Use::Encrypt, Use::Decrypt],
            Self::HmacSha256 => &[Use::Mac, Use::VerifyMac],
            Self::Ed25519 | Self::EcdsaP256 | Self::EcdsaP384 => &[Use::Sign, Use::Verify],
            Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096 => &[Use::Sign, Use::Verify, Use::Encrypt, Use::Decrypt],
        }
    }

    /// What a new key may be used for.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] for what the type cannot do, and for an RSA key that would sign and decrypt: one use
    /// could be made to serve the other.
    pub fn uses(self, asked: &BTreeSet<Use>) -> Result<BTreeSet<Use>, EngineError> {
        let possible = self.possible();
        if asked.is_empty() {
            return Ok(possible.iter().take(2).copied().collect());
        }
        if let Some(wrong) = asked.iter().find(|asked| !possible.contains(asked)) {
            return Err(EngineError::invalid("operations", format!("a key of type {self} cannot be used to {wrong}")));
        }
        let signs = asked.contains(&Use::Sign) || asked.contains(&Use::Verify);
        if signs && (asked.contains(&Use::Encrypt) || asked.contains(&Use::Decrypt)) {
            return Err(EngineError::invalid("operations", "a key signs or decrypts, never both; make two keys"));
        }
        Ok(asked.clone())
    }
}

impl fmt::Display for KeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Origin {
    /// The name that policies see.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Generated => "generated",
            Self::Imported => "imported",
        }
    }
}

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Encrypt => "encrypt",
            Self::Decrypt => "decrypt",
            Self::Sign => "sign",
            Self::Verify => "verify",
            Self::Mac => "make authentication codes",
            Self::VerifyMac => "check authentication codes",
        })
    }
}
