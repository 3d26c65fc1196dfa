//! The only place of our own code that calls aws-lc-rs: what ring lacks (making RSA keys, RSA-OAEP, AES key wrap), and
//! Ed25519 signatures, which it makes in a third of the time.

mod ed25519;
mod keywrap;
mod oaep;

pub use ed25519::Ed25519Key;
pub use keywrap::{kw_unwrap, kw_wrap, kwp_unwrap, kwp_wrap};
pub use oaep::{OaepHash, OaepPrivateKey, OaepPublicKey};

use aws_lc_rs::{
    encoding::AsDer,
    rsa::{KeyPair, KeySize},
};

use super::{CryptoError, asymmetric::KeyKind};
use crate::secret::Secret;

/// Makes an RSA key pair and gives its private key as PKCS#8. Takes from 50 ms to seconds: off the serving thread.
///
/// # Errors
/// [`CryptoError::Scheme`] for a kind that is not RSA, [`CryptoError::Operation`] if the library cannot.
pub fn rsa_generate(kind: KeyKind) -> Result<Secret, CryptoError> {
    let failed = CryptoError::Operation("make RSA key pair");
    let size = match kind {
        KeyKind::Rsa2048 => KeySize::Rsa2048,
        KeyKind::Rsa3072 => KeySize::Rsa3072,
        KeyKind::Rsa4096 => KeySize::Rsa4096,
        KeyKind::EcdsaP256 | KeyKind::EcdsaP384 | KeyKind::Ed25519 => return Err(CryptoError::Scheme),
    };
    let pkcs8 = KeyPair::generate(size).and_then(|pair| pair.as_der()).map_err(|_| failed)?;
    Secret::copy_of(pkcs8.as_ref()).map_err(|_| failed)
}
