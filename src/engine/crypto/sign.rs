//! Signs.

use bytes::Bytes;
use keyward_sdk::crypto::asymmetric::{KeyKind, Scheme};

use super::{MAX_PAYLOAD, cipher, with_key, within};
use crate::{
    engine::{
        EngineError, Reply,
        key::{HotKey, Prepared, Use},
        offload::offload_if,
    },
    method::{NamePath, rows},
};

/// See the module.
pub struct Sign {
    /// With which key.
    pub key: NamePath,
    /// What; it is hashed here.
    pub message: Bytes,
    /// How; none: as is usual for the key's type.
    pub scheme: Option<Scheme>,
}

/// A signature, and the version that made it.
#[derive(Debug)]
pub struct Signature {
    /// The signature.
    pub bytes: Vec<u8>,
    /// The version.
    pub version: u32,
}

impl Reply for Signature {}

with_key!(Sign = rows::crypto::SIGN, Signature, |this, key| {
    let (message, scheme) = (this.message.clone(), this.scheme);
    offload_if(cipher::is_long(&key, message.len()), move || sign(&key, scheme, &message))
});

pub(super) fn sign(key: &HotKey, scheme: Option<Scheme>, message: &[u8]) -> Result<Signature, EngineError> {
    within("the message in bytes", message.len(), MAX_PAYLOAD)?;
    let version = key.version_for(Use::Sign, 0)?;
    let Prepared::Signing(private, _) = key.prepared(version)? else {
        return Err(EngineError::Internal(format!("key `{}` cannot sign", key.info().path)));
    };
    let scheme = fitting(private.kind(), scheme)?;
    let bytes = private.sign(scheme, message).map_err(|error| EngineError::Internal(error.to_string()))?;
    Ok(Signature { bytes, version: version.number })
}

/// The scheme that was asked for, if it goes with the kind of key, or the usual one.
pub(super) fn fitting(kind: KeyKind, asked: Option<Scheme>) -> Result<Scheme, EngineError> {
    let usual = match kind {
        KeyKind::Ed25519 => Scheme::Ed25519,
        KeyKind::EcdsaP256 | KeyKind::EcdsaP384 => Scheme::EcdsaDer,
        KeyKind::Rsa2048 | KeyKind::Rsa3072 | KeyKind::Rsa4096 => Scheme::RsaPssSha256,
    };
    let Some(asked) = asked else { return Ok(usual) };
    let fits = match asked {
        Scheme::Ed25519 => kind == KeyKind::Ed25519,
        Scheme::EcdsaDer | Scheme::EcdsaFixed => matches!(kind, KeyKind::EcdsaP256 | KeyKind::EcdsaP384),
        Scheme::RsaPkcs1Sha256
        | Scheme::RsaPkcs1Sha384
        | Scheme::RsaPkcs1Sha512
        | Scheme::RsaPssSha256
        | Scheme::RsaPssSha384
        | Scheme::RsaPssSha512 => kind.is_rsa(),
    };
    if fits {
        return Ok(asked);
    }
    Err(EngineError::invalid("algorithm", format!("a key of type {} does not sign in that way", kind.name())))
}
