//! The only place of our own code that calls ring; [`lc`] is the only one that calls aws-lc-rs, for what ring lacks.
//!
//! Nothing here keeps state but keys, and no type of either library leaves it. What nothing here can do: wipe the key
//! schedules that the libraries hold (THREATS.md).

pub mod aead;
pub mod asymmetric;
pub mod digest;
pub mod hkdf;
pub mod hmac;
pub mod lc;
#[cfg(test)]
mod published;
pub mod random;
pub mod spki;
#[cfg(test)]
mod tests;

/// Why an operation did not succeed. The libraries give no reasons, and callers outside must not learn any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CryptoError {
    /// Wrong key, wrong nonce, wrong associated data, or changed bytes.
    #[error("data does not open: wrong key or associated data, or changed bytes")]
    Authentication,
    /// The bytes are no key of this kind.
    #[error("key material is not a {0} key in the expected encoding")]
    Key(&'static str),
    /// The input is empty, too long, or of a length that the operation cannot take.
    #[error("input of {got} bytes does not fit {what}")]
    Length {
        /// What it does not fit.
        what: &'static str,
        /// How long it is.
        got: usize,
    },
    /// The library refused to compute; does not happen with keys that it took.
    #[error("cryptographic operation failed: {0}")]
    Operation(&'static str),
    /// The scheme does not go with the kind of key.
    #[error("signature scheme does not fit the kind of key")]
    Scheme,
    /// The signature or tag is not valid for the message.
    #[error("signature or authentication code is not valid")]
    Signature,
}
