//! Keys of 32 bytes, one type per use, held in locked memory where the machine allows it.

use std::fmt;

use zeroize::Zeroizing;

use super::{Secret, SecretError};
use crate::{crypto::random, harden::arena::Slot};

/// A key of 32 bytes. Give each use a type of its own with [`secret_key!`](crate::secret_key).
pub struct Key32(Slot);

impl Key32 {
    /// Bytes in a key.
    pub const LEN: usize = 32;

    /// A new random key, straight from the kernel.
    #[must_use]
    pub fn random() -> Self {
        let mut slot = Slot::take();
        random::fill_fresh(slot.bytes_mut());
        Self(slot)
    }

    /// Builds the key where it will live. If `init` fails, the half-made key is wiped.
    ///
    /// # Errors
    /// Whatever `init` returns.
    pub fn init<E>(init: impl FnOnce(&mut [u8; 32]) -> Result<(), E>) -> Result<Self, E> {
        let mut slot = Slot::take();
        init(slot.bytes_mut())?;
        Ok(Self(slot))
    }

    /// Copies `bytes`; wiping the original is the caller's.
    #[must_use]
    pub fn copy_of(bytes: &[u8; 32]) -> Self {
        let mut slot = Slot::take();
        slot.bytes_mut().copy_from_slice(bytes);
        Self(slot)
    }

    /// Takes the key from bytes that were opened or read.
    ///
    /// # Errors
    /// [`SecretError::Length`] unless there are exactly 32.
    pub fn from_secret(secret: &Secret) -> Result<Self, SecretError> {
        Self::from_slice(secret.expose())
    }

    /// As [`Self::from_secret`], from bytes that the caller wipes.
    ///
    /// # Errors
    /// [`SecretError::Length`] unless there are exactly 32.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, SecretError> {
        let bytes: &[u8; 32] =
            bytes.try_into().map_err(|_| SecretError::Length { got: bytes.len(), want: Self::LEN })?;
        Ok(Self::copy_of(bytes))
    }

    /// The key's bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        self.0.bytes()
    }

    /// The same bytes as a [`Secret`], for what wraps or stores them.
    #[must_use]
    pub fn to_secret(&self) -> Secret {
        Secret::from_zeroizing(Zeroizing::new(self.expose().to_vec()))
    }

    /// Compares in constant time.
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        super::same(self.expose(), other.expose())
    }
}

impl fmt::Debug for Key32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key32(..)")
    }
}

/// Makes a newtype for one kind of 32-byte key, so that a key of one use cannot be passed for another.
///
/// ```
/// keyward_sdk::secret_key! {
///     /// Opens the system keyring.
///     pub RootKey
/// }
/// let root = RootKey::random();
/// assert_eq!(format!("{root:?}"), "RootKey(..)");
/// ```
/// ```compile_fail
/// keyward_sdk::secret_key! { pub RootKey }
/// keyward_sdk::secret_key! { pub PathKey }
/// let path: PathKey = RootKey::random(); // one use, one type
/// ```
#[macro_export]
macro_rules! secret_key {
    ($(#[$meta:meta])* $vis:vis $name:ident) => {
        $(#[$meta])*
        $vis struct $name($crate::secret::Key32);

        #[allow(dead_code, reason = "a kind of key need not use every way to make one")]
        impl $name {
            /// A new random key.
            #[must_use]
            $vis fn random() -> Self {
                Self($crate::secret::Key32::random())
            }

            /// Names the use of a key that was made by derivation or opened.
            #[must_use]
            $vis fn new(key: $crate::secret::Key32) -> Self {
                Self(key)
            }

            /// Takes the key from bytes that were opened or read.
            ///
            /// # Errors
            /// Unless there are exactly 32.
            $vis fn from_secret(secret: &$crate::secret::Secret) -> Result<Self, $crate::secret::SecretError> {
                $crate::secret::Key32::from_secret(secret).map(Self)
            }

            /// Builds the key where it will live.
            ///
            /// # Errors
            /// Whatever `init` returns.
            $vis fn init<E>(init: impl FnOnce(&mut [u8; 32]) -> Result<(), E>) -> Result<Self, E> {
                $crate::secret::Key32::init(init).map(Self)
            }

            /// The key's bytes.
            #[must_use]
            $vis fn expose(&self) -> &[u8; 32] {
                self.0.expose()
            }

            /// The key without its use, for what derives or wraps.
            #[must_use]
            $vis fn key(&self) -> &$crate::secret::Key32 {
                &self.0
            }

            /// Compares in constant time.
            #[must_use]
            $vis fn same_as(&self, other: &Self) -> bool {
                self.0.same_as(&other.0)
            }
        }

        impl ::core::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }

        impl $crate::secret::serde_exposed::Exposed for $name {
            fn exposed(&self) -> &[u8] {
                self.0.expose()
            }

            fn from_exposed(secret: $crate::secret::Secret) -> Result<Self, $crate::secret::SecretError> {
                Self::from_secret(&secret)
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    crate::secret_key! { pub(crate) TestKey }

    #[test]
    fn debug_names_the_kind_and_nothing_else() {
        assert_eq!(format!("{:?} {:?}", TestKey::random(), Key32::random()), "TestKey(..) Key32(..)");
    }

    #[test]
    fn only_32_bytes_make_a_key() {
        assert_eq!(Key32::from_slice(&[0; 31]).unwrap_err(), SecretError::Length { got: 31, want: 32 });
        let key = Key32::copy_of(&[7; 32]);
        assert!(Key32::from_secret(&key.to_secret()).unwrap().same_as(&key));
        assert!(TestKey::init(|_| Err("refused")).is_err());
    }

    #[test]
    fn random_keys_differ() {
        assert!(!TestKey::random().same_as(&TestKey::random()));
    }
}
