//! A version ready for use: everything that can be computed once is.

use keyward_sdk::{
    crypto::{
        CryptoError,
        asymmetric::{PrivateKey, PublicKey},
        hmac::HmacKey,
        lc::{OaepPrivateKey, OaepPublicKey},
    },
    envelope::{EnvelopeKey, Format},
    secret::Key32,
};

use super::{KeyInfo, KeyType, Material, Use};

/// One variant a way of working.
pub enum Prepared {
    /// Encrypts and decrypts envelopes.
    Envelope(EnvelopeKey, Format),
    /// Makes and checks authentication codes.
    Mac(HmacKey),
    /// Signs and verifies.
    Signing(Box<PrivateKey>, PublicKey),
    /// Encrypts and decrypts with RSA-OAEP.
    Oaep(Box<OaepPair>),
}

/// Both halves of an RSA key that decrypts.
pub struct OaepPair {
    pub(in crate::engine) private: OaepPrivateKey,
    pub(in crate::engine) public: OaepPublicKey,
    shown: PublicKey,
}

impl Prepared {
    /// Prepares a version of a key.
    pub(super) fn new(info: &KeyInfo, material: &Material) -> Result<Self, CryptoError> {
        let secret = material.secret();
        let envelope = |format| {
            let key = Key32::from_secret(secret).map_err(|_| CryptoError::Key(info.kind.name()))?;
            Ok(Self::Envelope(EnvelopeKey::new(&key), format))
        };
        match (info.kind, info.kind.pair()) {
            (KeyType::Aes256Gcm, _) => envelope(Format::Aes256Gcm),
            (KeyType::Chacha20Poly1305, _) => envelope(Format::Chacha20Poly1305),
            (_, None) => Ok(Self::Mac(HmacKey::new(secret.expose()))),
            (_, Some(pair)) => {
                let private = PrivateKey::from_pkcs8(pair, secret)?;
                let shown = private.public_key();
                if !info.uses.contains(&Use::Encrypt) && !info.uses.contains(&Use::Decrypt) {
                    return Ok(Self::Signing(Box::new(private), shown));
                }
                let public = OaepPublicKey::from_spki(&shown.to_spki())?;
                Ok(Self::Oaep(Box::new(OaepPair { private: OaepPrivateKey::from_pkcs8(secret)?, public, shown })))
            }
        }
    }

    /// The public key; none for symmetric keys.
    #[must_use]
    pub fn public_key(&self) -> Option<&PublicKey> {
        match self {
            Self::Envelope(..) | Self::Mac(_) => None,
            Self::Signing(_, public) => Some(public),
            Self::Oaep(pair) => Some(&pair.shown),
        }
    }
}
