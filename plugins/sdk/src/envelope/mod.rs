//! The one format for stored values and for `Encrypt`:
//!
//! ```text
//! format u8 | key version u32 big-endian | salt 32 | commitment 32 | ciphertext and tag 16
//! prk = HKDF-Extract(empty salt, key)                                                       once a key version
//! okm = HKDF-Expand(prk, purpose, tenant, key id, format and version, salt; each after its length as u32, 64 bytes)
//!     = 32 bytes of key for this one message, 32 bytes of commitment
//! ```
//!
//! The nonce is zero, because the key serves one message: no limit of 2^32 messages, no nonce to repeat. The commitment is
//! compared in constant time before anything is opened, so a ciphertext opens under one key only. What the envelope cannot
//! tell is whether it is the newest one: against old data put back there are the sealed heads of storage.

mod header;
mod open;
mod seal;
#[cfg(test)]
mod tests;

pub use header::{Format, Header};

use zeroize::Zeroizing;

use crate::{
    crypto::{CryptoError, aead::TAG_LEN, hkdf::Prk},
    secret::{Key32, Secret},
};

/// What an envelope adds to its plaintext.
pub const OVERHEAD: usize = Header::LEN + 32 + TAG_LEN;

/// The longest plaintext of one envelope.
pub const MAX_PLAINTEXT: usize = Secret::MAX_LEN;

const MAX_PURPOSE: usize = 64;
const MAX_KEY_ID: usize = 256;

/// Why an envelope was not made or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// The purpose or key id is longer than the format allows; a mistake of the program.
    #[error("envelope context is too long: purpose up to 64 bytes, key id up to 256")]
    Context,
    /// The cryptographic library refused.
    #[error("envelope: {0}")]
    Crypto(CryptoError),
    /// The first byte names no format that this version reads.
    #[error("envelope has the unknown format {0:#04x}; it may be of a newer version of Keyward")]
    Format(u8),
    /// Not these bytes, this key, this tenant, this purpose and this associated data together.
    #[error("envelope does not open: it was changed, or sealed for another key, place or associated data")]
    Integrity,
    /// More bytes than an envelope may have.
    #[error("plaintext or envelope of {0} bytes is longer than an envelope may be")]
    TooLong(usize),
    /// Fewer bytes than an envelope has.
    #[error("envelope of {0} bytes is too short to be one")]
    TooShort(usize),
    /// The envelope is of another version of the key than this one.
    #[error("envelope is of key version {0}, not of the one it was given to")]
    Version(u32),
}

impl From<CryptoError> for EnvelopeError {
    fn from(error: CryptoError) -> Self {
        Self::Crypto(error)
    }
}

/// What a message key is bound to, beside the caller's associated data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context<'a> {
    /// What the envelope is for, such as `kv` or `transit`: up to 64 bytes, and never the same for two uses.
    pub purpose: &'a str,
    /// The tenant it belongs to; all zero for what belongs to the installation.
    pub tenant: [u8; 16],
    /// The key it is under: up to 256 bytes.
    pub key_id: &'a [u8],
}

/// One version of a key, ready to seal and open. Keeps only what is derived from the key.
pub struct EnvelopeKey {
    prk: Prk,
}

impl EnvelopeKey {
    /// Derives what sealing and opening need.
    #[must_use]
    pub fn new(key: &Key32) -> Self {
        Self { prk: Prk::extract(&[], key.expose()) }
    }

    fn derive(&self, context: &Context<'_>, header: &[u8], salt: &[u8; 32]) -> Result<MessageKey, EnvelopeError> {
        if context.purpose.len() > MAX_PURPOSE || context.key_id.len() > MAX_KEY_ID {
            return Err(EnvelopeError::Context);
        }
        let purpose = context.purpose.as_bytes();
        let lengths = [purpose.len(), context.tenant.len(), context.key_id.len(), header.len(), salt.len()];
        let [l0, l1, l2, l3, l4] = lengths.map(|len| (len as u32).to_be_bytes()); // all at most 256
        let info: [&[u8]; 10] = [&l0, purpose, &l1, &context.tenant, &l2, context.key_id, &l3, header, &l4, salt];
        let mut okm = Zeroizing::new([0; 64]);
        self.prk.expand(&info, okm.as_mut())?;
        Ok(MessageKey(okm))
    }
}

impl std::fmt::Debug for EnvelopeKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EnvelopeKey(..)")
    }
}

/// Key and commitment of one message.
struct MessageKey(Zeroizing<[u8; 64]>);

impl MessageKey {
    fn halves(&self) -> (&[u8; 32], &[u8; 32]) {
        // Both halves exist, 64 being twice 32; the fallback is unreachable and would open nothing.
        let (halves, _) = self.0.as_chunks::<32>();
        match halves {
            [key, commitment] => (key, commitment),
            _ => (&[0; 32], &[0; 32]),
        }
    }
}
