//! Opening an envelope.

use super::{Context, EnvelopeError, EnvelopeKey, header::Parts};
use crate::{
    crypto::aead::AeadKey,
    secret::{Secret, same},
};

impl EnvelopeKey {
    /// Opens an envelope that was sealed under this version of this key, for this context and associated data.
    ///
    /// # Errors
    /// [`EnvelopeError::Version`] if the envelope names another version (callers find the key by
    /// [`Header::parse`](super::Header::parse)); [`EnvelopeError::Integrity`] if anything at all is not as it was sealed.
    pub fn open(
        &self,
        context: &Context<'_>,
        version: u32,
        aad: &[u8],
        envelope: &[u8],
    ) -> Result<Secret, EnvelopeError> {
        let Parts { header, commitment, sealed } = Parts::parse(envelope)?;
        if header.version != version {
            return Err(EnvelopeError::Version(header.version));
        }
        let message_key = self.derive(context, &header.bound(), &header.salt)?;
        let (key, expected) = message_key.halves();
        if !same(expected, commitment) {
            return Err(EnvelopeError::Integrity);
        }
        let key = AeadKey::new(header.format.algorithm(), key)?;
        key.open([0; 12], aad, sealed).map_err(|_| EnvelopeError::Integrity)
    }
}
