//! The outer form of a token.

use data_encoding::BASE64URL_NOPAD;
use keyward_sdk::{envelope, secret::SecretString};

use super::{MAX_TEXT_BYTES, MintError};
use crate::method::TenantId;

/// What every token begins with.
pub const PREFIX: &str = "kw1.";
/// The one format so far.
pub(super) const FORMAT: u8 = 1;
/// Format and tenant: bound in as associated data.
pub(super) const CLEAR: usize = 17;

/// A token as it was shown: its clear part read, nothing believed.
#[derive(Debug)]
pub struct Sealed {
    /// The tenant that it claims.
    pub tenant: TenantId,
    /// The version of the tenant's key that it claims.
    pub key_version: u32,
    pub(super) bytes: Vec<u8>,
}

impl Sealed {
    /// Reads the clear part of a token's text; `None` when it is no token at all.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_TEXT_BYTES {
            return None;
        }
        let bytes = BASE64URL_NOPAD.decode(text.strip_prefix(PREFIX)?.as_bytes()).ok()?;
        let (format, rest) = bytes.split_first()?;
        let (tenant, sealed) = rest.split_first_chunk::<16>()?;
        if *format != FORMAT {
            return None;
        }
        let key_version = envelope::Header::parse(sealed).ok()?.version;
        Some(Self { tenant: TenantId(*tenant), key_version, bytes })
    }

    pub(super) fn halves(&self) -> Option<(&[u8], &[u8])> {
        self.bytes.split_at_checked(CLEAR)
    }
}

pub(super) fn clear(tenant: TenantId) -> Vec<u8> {
    let mut clear = Vec::with_capacity(CLEAR);
    clear.push(FORMAT);
    clear.extend_from_slice(&tenant.0);
    clear
}

pub(super) fn write(clear: &[u8], sealed: &[u8]) -> Result<SecretString, MintError> {
    let bytes = [clear, sealed].concat();
    let len = PREFIX.len() + BASE64URL_NOPAD.encode_len(bytes.len());
    if len > MAX_TEXT_BYTES {
        return Err(MintError::TooLarge);
    }
    // Room ahead, so that growing leaves no half of it behind.
    let mut text = String::with_capacity(len);
    text.push_str(PREFIX);
    BASE64URL_NOPAD.encode_append(&bytes, &mut text);
    SecretString::new(text).map_err(|_| MintError::TooLarge)
}
