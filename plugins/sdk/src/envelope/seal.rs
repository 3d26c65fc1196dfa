//! Making an envelope.

use super::{Context, EnvelopeError, EnvelopeKey, Format, Header, MAX_PLAINTEXT, OVERHEAD};
use crate::crypto::{
    aead::{AeadKey, TAG_LEN},
    random,
};

impl EnvelopeKey {
    /// Seals `plaintext` with AES-256-GCM. `version` says under which version of the key, and is bound in.
    ///
    /// # Errors
    /// [`EnvelopeError::TooLong`] above [`MAX_PLAINTEXT`], [`EnvelopeError::Context`] for an overlong context.
    pub fn seal(
        &self,
        context: &Context<'_>,
        version: u32,
        aad: &[u8],
        plaintext: &[u8],
    ) -> Result<Vec<u8>, EnvelopeError> {
        self.seal_as(Format::Aes256Gcm, context, version, aad, plaintext)
    }

    /// Seals `plaintext` in the given format.
    ///
    /// # Errors
    /// As [`Self::seal`].
    pub fn seal_as(
        &self,
        format: Format,
        context: &Context<'_>,
        version: u32,
        aad: &[u8],
        plaintext: &[u8],
    ) -> Result<Vec<u8>, EnvelopeError> {
        let header = Header { format, version, salt: random::array() };
        self.seal_with_salt(&header, context, aad, plaintext)
    }

    /// With a given salt, for frozen vectors alone: a salt that serves twice gives plaintexts away.
    pub(super) fn seal_with_salt(
        &self,
        header: &Header,
        context: &Context<'_>,
        aad: &[u8],
        plaintext: &[u8],
    ) -> Result<Vec<u8>, EnvelopeError> {
        if plaintext.len() > MAX_PLAINTEXT {
            return Err(EnvelopeError::TooLong(plaintext.len()));
        }
        let bound = header.bound();
        let message_key = self.derive(context, &bound, &header.salt)?;
        let (key, commitment) = message_key.halves();

        let mut out = Vec::with_capacity(plaintext.len() + OVERHEAD);
        out.extend_from_slice(&bound);
        out.extend_from_slice(&header.salt);
        out.extend_from_slice(commitment);
        let start = out.len();
        out.extend_from_slice(plaintext);
        let body = out.get_mut(start..).unwrap_or_default();
        let sealed = AeadKey::new(header.format.algorithm(), key).and_then(|key| key.seal_in_place([0; 12], aad, body));
        let tag: [u8; TAG_LEN] = match sealed {
            Ok(tag) => tag,
            Err(error) => {
                zeroize::Zeroize::zeroize(&mut out); // it may still hold plaintext
                return Err(error.into());
            }
        };
        out.extend_from_slice(&tag);
        Ok(out)
    }
}
