//! The secret of one version.

use keyward_sdk::{
    crypto::{
        asymmetric::{self, KeyKind, PrivateKey},
        lc::OaepPrivateKey,
    },
    secret::{Key32, Secret},
};
use serde::{Deserialize, Serialize};

use super::KeyType;
use crate::engine::EngineError;

/// 32 bytes for encryption, 32 to 64 for HMAC, PKCS#8 for key pairs.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub struct Material(#[serde(with = "keyward_sdk::secret::serde_exposed")] Secret);

impl Material {
    /// New material. RSA takes from 50 ms to seconds: not on a serving thread.
    ///
    /// # Errors
    /// [`EngineError::Internal`] when the library cannot.
    pub fn generate(kind: KeyType) -> Result<Self, EngineError> {
        match kind.pair() {
            None => Ok(Self(Secret::random(Key32::LEN))),
            Some(pair) => {
                asymmetric::generate(pair).map(Self).map_err(|error| EngineError::Internal(error.to_string()))
            }
        }
    }

    /// Material that was made elsewhere, if it is a key of this type.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] when it is not.
    pub fn imported(kind: KeyType, material: Secret) -> Result<Self, EngineError> {
        let wrong = |why: String| Err(EngineError::invalid("wrapped_key", why));
        match (kind, kind.pair()) {
            (KeyType::HmacSha256, _) if !(32..=64).contains(&material.len()) => {
                wrong(format!("an HMAC key has 32 to 64 bytes, the unwrapped one has {}", material.len()))
            }
            (_, None) if kind != KeyType::HmacSha256 && material.len() != Key32::LEN => {
                wrong(format!("a key of type {kind} has 32 bytes, the unwrapped one has {}", material.len()))
            }
            (_, Some(pair)) if !fits(pair, &material) => {
                wrong(format!("what was unwrapped is no private key of type {kind} in PKCS#8 (DER)"))
            }
            _ => Ok(Self(material)),
        }
    }

    pub(super) fn secret(&self) -> &Secret {
        &self.0
    }
}

fn fits(pair: KeyKind, material: &Secret) -> bool {
    PrivateKey::from_pkcs8(pair, material).is_ok() && (!pair.is_rsa() || OaepPrivateKey::from_pkcs8(material).is_ok())
}

impl std::fmt::Debug for Material {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Material(..)")
    }
}
