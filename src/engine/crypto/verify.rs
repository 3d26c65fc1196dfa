//! Checks a signature.

use bytes::Bytes;
use keyward_sdk::crypto::{CryptoError, asymmetric::Scheme};

use super::{MAX_PAYLOAD, cipher, sign::fitting, with_key, within};
use crate::{
    engine::{
        EngineError, Reply,
        key::{HotKey, Prepared, Use},
        offload::offload_if,
    },
    method::{NamePath, rows},
};

/// See the module.
pub struct Verify {
    /// With which key.
    pub key: NamePath,
    /// What was signed.
    pub message: Bytes,
    /// The signature.
    pub signature: Bytes,
    /// How it was signed; none: as is usual for the key's type.
    pub scheme: Option<Scheme>,
    /// By which version; 0: the primary.
    pub version: u32,
}

/// Whether it holds. That it does not is an answer and no error.
#[derive(Debug, PartialEq, Eq)]
pub struct Verified {
    /// Whether.
    pub valid: bool,
    /// Checked with which version.
    pub version: u32,
}

impl Reply for Verified {}

with_key!(Verify = rows::crypto::VERIFY, Verified, |this, key| {
    let (message, signature) = (this.message.clone(), this.signature.clone());
    let (scheme, version) = (this.scheme, this.version);
    offload_if(cipher::is_long(&key, message.len()), move || verify(&key, scheme, version, &message, &signature))
});

pub(super) fn verify(
    key: &HotKey,
    scheme: Option<Scheme>,
    version: u32,
    message: &[u8],
    signature: &[u8],
) -> Result<Verified, EngineError> {
    within("the message in bytes", message.len(), MAX_PAYLOAD)?;
    let version = key.version_for(Use::Verify, version)?;
    let Prepared::Signing(_, public) = key.prepared(version)? else {
        return Err(EngineError::Internal(format!("key `{}` cannot verify", key.info().path)));
    };
    match public.verify(fitting(public.kind(), scheme)?, message, signature) {
        Ok(()) => Ok(Verified { valid: true, version: version.number }),
        Err(CryptoError::Signature) => Ok(Verified { valid: false, version: version.number }),
        Err(error) => Err(EngineError::Internal(error.to_string())),
    }
}
