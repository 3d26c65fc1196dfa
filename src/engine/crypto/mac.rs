//! Makes and checks message authentication codes.

use bytes::Bytes;
use keyward_sdk::crypto::hmac::{HmacKey, Tag};

use super::{MAX_PAYLOAD, Verified, cipher, with_key, within};
use crate::{
    engine::{
        EngineError, Reply,
        key::{HotKey, HotVersion, Prepared, Use},
        offload::offload_if,
    },
    method::{NamePath, rows},
};

/// Makes one.
pub struct Mac {
    /// With which key.
    pub key: NamePath,
    /// Of what.
    pub message: Bytes,
}

/// Checks one.
pub struct VerifyMac {
    /// With which key.
    pub key: NamePath,
    /// Of what.
    pub message: Bytes,
    /// The code.
    pub mac: Bytes,
    /// By which version; 0: the primary.
    pub version: u32,
}

/// A code, and the version that made it.
#[derive(Debug)]
pub struct MacOf {
    /// The code.
    pub mac: Tag,
    /// The version.
    pub version: u32,
}

impl Reply for MacOf {}

with_key!(Mac = rows::crypto::MAC, MacOf, |this, key| {
    let message = this.message.clone();
    offload_if(cipher::is_long(&key, message.len()), move || mac(&key, &message))
});

with_key!(VerifyMac = rows::crypto::VERIFY_MAC, Verified, |this, key| {
    let (message, mac, version) = (this.message.clone(), this.mac.clone(), this.version);
    offload_if(cipher::is_long(&key, message.len()), move || verify_mac(&key, version, &message, &mac))
});

pub(super) fn mac(key: &HotKey, message: &[u8]) -> Result<MacOf, EngineError> {
    within("the message in bytes", message.len(), MAX_PAYLOAD)?;
    let version = key.version_for(Use::Mac, 0)?;
    Ok(MacOf { mac: prepared(key, version)?.tag(message), version: version.number })
}

pub(super) fn verify_mac(key: &HotKey, version: u32, message: &[u8], mac: &[u8]) -> Result<Verified, EngineError> {
    within("the message in bytes", message.len(), MAX_PAYLOAD)?;
    let version = key.version_for(Use::VerifyMac, version)?;
    let valid = prepared(key, version)?.verify(message, mac).is_ok();
    Ok(Verified { valid, version: version.number })
}

fn prepared<'k>(key: &'k HotKey, version: &'k HotVersion) -> Result<&'k HmacKey, EngineError> {
    match key.prepared(version)? {
        Prepared::Mac(key) => Ok(key),
        Prepared::Envelope(..) | Prepared::Signing(..) | Prepared::Oaep(_) => {
            Err(EngineError::Internal(format!("key `{}` makes no authentication codes", key.info().path)))
        }
    }
}
