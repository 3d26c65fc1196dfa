//! The clear part of an envelope.

use super::{EnvelopeError, MAX_PLAINTEXT, OVERHEAD};
use crate::crypto::aead::Algorithm;

/// The formats that exist. Added to, never changed: readers keep reading every format that ever shipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Format {
    /// AES-256-GCM.
    Aes256Gcm = 0x01,
    /// ChaCha20-Poly1305.
    Chacha20Poly1305 = 0x02,
}

impl Format {
    pub(super) fn algorithm(self) -> Algorithm {
        match self {
            Self::Aes256Gcm => Algorithm::Aes256Gcm,
            Self::Chacha20Poly1305 => Algorithm::Chacha20Poly1305,
        }
    }
}

impl TryFrom<u8> for Format {
    type Error = EnvelopeError;

    fn try_from(byte: u8) -> Result<Self, EnvelopeError> {
        match byte {
            0x01 => Ok(Self::Aes256Gcm),
            0x02 => Ok(Self::Chacha20Poly1305),
            _ => Err(EnvelopeError::Format(byte)),
        }
    }
}

/// What an envelope says about itself before anything is opened. Not to be trusted until it opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// How it is sealed.
    pub format: Format,
    /// Under which version of the key.
    pub version: u32,
    pub(super) salt: [u8; 32],
}

/// An envelope taken apart.
pub(super) struct Parts<'a> {
    pub(super) header: Header,
    pub(super) commitment: &'a [u8; 32],
    pub(super) sealed: &'a [u8],
}

impl Header {
    /// Bytes of format, version and salt.
    pub(super) const LEN: usize = 1 + 4 + 32;

    /// Reads the header of an envelope, to find the key that opens it.
    ///
    /// # Errors
    /// If the bytes cannot be an envelope.
    pub fn parse(envelope: &[u8]) -> Result<Self, EnvelopeError> {
        Parts::parse(envelope).map(|parts| parts.header)
    }

    /// Format and version: the part that is bound into the message key by name (the salt has a place of its own there).
    pub(super) fn bound(&self) -> [u8; 5] {
        let [a, b, c, d] = self.version.to_be_bytes();
        [self.format as u8, a, b, c, d]
    }
}

impl<'a> Parts<'a> {
    pub(super) fn parse(envelope: &'a [u8]) -> Result<Self, EnvelopeError> {
        let len = envelope.len();
        if len > MAX_PLAINTEXT + OVERHEAD {
            return Err(EnvelopeError::TooLong(len));
        }
        let short = EnvelopeError::TooShort(len);
        let (format, rest) = envelope.split_first().ok_or(short)?;
        let format = Format::try_from(*format)?;
        if len < OVERHEAD {
            return Err(short);
        }
        let (version, rest) = rest.split_first_chunk::<4>().ok_or(short)?;
        let (salt, rest) = rest.split_first_chunk::<32>().ok_or(short)?;
        let (commitment, sealed) = rest.split_first_chunk::<32>().ok_or(short)?;
        let header = Header { format, version: u32::from_be_bytes(*version), salt: *salt };
        Ok(Self { header, commitment, sealed })
    }
}
