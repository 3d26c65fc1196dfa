//! AES key wrap with a 256-bit key: plain (RFC 3394) and padded (RFC 5649).

use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrap, KeyWrapPadded};

use crate::{
    crypto::CryptoError,
    secret::{Key32, Secret, SecretError},
};

/// Keys that are wrapped are short; an RSA-4096 private key is 2.4 kB.
const MAX: usize = 16 << 10;

/// Wraps key material whose length is a multiple of 8 and at least 16.
///
/// # Errors
/// [`CryptoError::Length`] otherwise.
pub fn kw_wrap(kek: &Key32, key: &Secret) -> Result<Vec<u8>, CryptoError> {
    let mut out = vec![0; output_len(key.len(), "AES key wrap")? + 8];
    let len = self::kek(kek)?.wrap(key.expose(), &mut out).map_err(|_| length("AES key wrap", key.len()))?.len();
    out.truncate(len);
    Ok(out)
}

/// Unwraps what [`kw_wrap`] wrapped.
///
/// # Errors
/// [`CryptoError::Authentication`] if anything is not as it was wrapped.
pub fn kw_unwrap(kek: &Key32, wrapped: &[u8]) -> Result<Secret, CryptoError> {
    let kek = self::kek(kek)?;
    unwrapped(wrapped, |out| kek.unwrap(wrapped, out).map(|key| key.len()))
}

/// Wraps key material of any length from 1 byte.
///
/// # Errors
/// [`CryptoError::Length`] if it is empty or too long.
pub fn kwp_wrap(kek: &Key32, key: &Secret) -> Result<Vec<u8>, CryptoError> {
    const WHAT: &str = "padded AES key wrap";
    let mut out = vec![0; output_len(key.len(), WHAT)? + 15];
    let wrapped = self::kek(kek)?.wrap_with_padding(key.expose(), &mut out);
    let len = wrapped.map_err(|_| length(WHAT, key.len()))?.len();
    out.truncate(len);
    Ok(out)
}

/// Unwraps what [`kwp_wrap`] wrapped.
///
/// # Errors
/// [`CryptoError::Authentication`] if anything is not as it was wrapped.
pub fn kwp_unwrap(kek: &Key32, wrapped: &[u8]) -> Result<Secret, CryptoError> {
    let kek = self::kek(kek)?;
    unwrapped(wrapped, |out| kek.unwrap_with_padding(wrapped, out).map(|key| key.len()))
}

fn kek(key: &Key32) -> Result<AesKek, CryptoError> {
    AesKek::new(&AES_256, key.expose()).map_err(|_| CryptoError::Operation("prepare key"))
}

fn output_len(len: usize, what: &'static str) -> Result<usize, CryptoError> {
    if len == 0 || len > MAX { Err(length(what, len)) } else { Ok(len) }
}

fn length(what: &'static str, got: usize) -> CryptoError {
    CryptoError::Length { what, got }
}

fn unwrapped<E>(wrapped: &[u8], unwrap: impl FnOnce(&mut [u8]) -> Result<usize, E>) -> Result<Secret, CryptoError> {
    output_len(wrapped.len(), "AES key wrap")?;
    Secret::init_with(wrapped.len(), |out| unwrap(out).map_err(|_| Failed))
        .map_err(|Failed| CryptoError::Authentication)
}

struct Failed;

impl From<SecretError> for Failed {
    fn from(_: SecretError) -> Self {
        Self
    }
}
