//! Secret bytes of any length.

use std::fmt;

use zeroize::{Zeroize, Zeroizing};

use crate::crypto::random;

/// Why bytes were not taken as a secret.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SecretError {
    /// The bytes are not of the length that this kind of secret has.
    #[error("secret has {got} bytes instead of {want}")]
    Length {
        /// How many bytes were given.
        got: usize,
        /// How many this kind has.
        want: usize,
    },
    /// The text is not UTF-8.
    #[error("secret is not valid UTF-8 text")]
    NotText,
    /// More bytes than the caller allows.
    #[error("secret has {got} bytes, at most {max} are allowed")]
    TooLong {
        /// How many bytes were given.
        got: usize,
        /// How many are allowed.
        max: usize,
    },
}

/// Secret bytes: on the heap, in one place, wiped on drop (spare capacity included).
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// No secret is longer; values and messages have tighter limits of their own.
    pub const MAX_LEN: usize = 8 << 20;

    /// Takes over `bytes` without copying them; they are wiped also when they are refused.
    ///
    /// # Errors
    /// [`SecretError::TooLong`] above [`Self::MAX_LEN`].
    pub fn new(bytes: Vec<u8>) -> Result<Self, SecretError> {
        Self::limited(bytes, Self::MAX_LEN)
    }

    /// Takes over `bytes` if there are at most `max` of them.
    ///
    /// # Errors
    /// [`SecretError::TooLong`] above `max` or [`Self::MAX_LEN`].
    pub fn limited(bytes: Vec<u8>, max: usize) -> Result<Self, SecretError> {
        let bytes = Zeroizing::new(bytes);
        let max = max.min(Self::MAX_LEN);
        if bytes.len() > max {
            return Err(SecretError::TooLong { got: bytes.len(), max });
        }
        Ok(Self(bytes))
    }

    /// Copies `bytes`; wiping the original is the caller's.
    ///
    /// # Errors
    /// [`SecretError::TooLong`] above [`Self::MAX_LEN`].
    pub fn copy_of(bytes: &[u8]) -> Result<Self, SecretError> {
        if bytes.len() > Self::MAX_LEN {
            return Err(SecretError::TooLong { got: bytes.len(), max: Self::MAX_LEN });
        }
        Ok(Self(Zeroizing::new(bytes.to_vec())))
    }

    /// `len` random bytes (at most [`Self::MAX_LEN`]; more is cut to it).
    #[must_use]
    pub fn random(len: usize) -> Self {
        let mut bytes = Zeroizing::new(vec![0; len.min(Self::MAX_LEN)]);
        random::fill_fresh(&mut bytes);
        Self(bytes)
    }

    /// Builds the secret where it will live. `init` gets `len` zero bytes and says how many of them it used; if it fails,
    /// the half-made secret is wiped.
    ///
    /// # Errors
    /// Whatever `init` returns.
    pub fn init_with<E: From<SecretError>>(
        len: usize,
        init: impl FnOnce(&mut [u8]) -> Result<usize, E>,
    ) -> Result<Self, E> {
        if len > Self::MAX_LEN {
            return Err(SecretError::TooLong { got: len, max: Self::MAX_LEN }.into());
        }
        let mut bytes = Zeroizing::new(vec![0; len]);
        let used = init(&mut bytes)?;
        if used > len {
            return Err(SecretError::Length { got: used, want: len }.into());
        }
        if let Some(unused) = bytes.get_mut(used..) {
            unused.zeroize();
        }
        bytes.truncate(used);
        Ok(Self(bytes))
    }

    /// For this crate, where the length was checked or is bounded by what made the bytes.
    pub(crate) fn from_zeroizing(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Gives the bytes away, for a message or a file that has to own them; they are still wiped on drop.
    #[must_use]
    pub fn into_exposed(self) -> Zeroizing<Vec<u8>> {
        self.0
    }

    /// How many bytes there are. The length is not secret.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Compares in constant time.
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        super::same(self.expose(), other.expose())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_the_bytes() {
        let secret = Secret::new(b"hunter2".to_vec()).unwrap();
        assert_eq!(format!("{secret:?} {:?}", Some(&secret)), "Secret(..) Some(Secret(..))");
    }

    #[test]
    fn too_many_bytes_are_refused() {
        assert_eq!(Secret::limited(vec![1; 5], 4).unwrap_err(), SecretError::TooLong { got: 5, max: 4 });
        assert_eq!(Secret::limited(vec![1; 4], 4).unwrap().len(), 4);
        assert!(Secret::copy_of(&vec![0; Secret::MAX_LEN + 1]).is_err());
    }

    #[test]
    fn init_keeps_only_what_was_used() {
        let made = Secret::init_with(8, |bytes| {
            bytes[..3].copy_from_slice(b"abc");
            Ok::<_, SecretError>(3)
        });
        assert_eq!(made.unwrap().expose(), b"abc");
        assert!(Secret::init_with(2, |_| Ok::<_, SecretError>(3)).is_err());
    }

    #[test]
    fn comparison_is_by_value() {
        let [a, b, c] = [&b"one"[..], b"one", b"two"].map(|bytes| Secret::copy_of(bytes).unwrap());
        assert!(a.same_as(&b) && !a.same_as(&c));
        assert!(!Secret::random(16).same_as(&Secret::random(16)));
    }
}
