//! Random ids: 128 bits, shown as 26 lower-case base32 characters, never used twice.
//!
//! An id is public and proves nothing; ids are compared byte for byte.

use std::{fmt, str::FromStr, sync::LazyLock};

use data_encoding::{Encoding, Specification};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::crypto::random;

/// The text is not an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id: 26 characters of a to z and 2 to 7 are expected")]
pub struct IdError;

/// A random id of 16 bytes. Give each kind of thing a type of its own with [`random_id!`](crate::random_id).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id16([u8; 16]);

static BASE32: LazyLock<Encoding> = LazyLock::new(|| {
    let mut spec = Specification::new();
    spec.symbols.push_str("abcdefghijklmnopqrstuvwxyz234567");
    // A wrong alphabet would be seen by the first test; the library's own lower-case form is not there to take.
    spec.encoding().unwrap_or(data_encoding::BASE32_NOPAD)
});

impl Id16 {
    /// The id of nothing: all zero. Stands for the installation itself where a tenant is asked for.
    pub const ZERO: Self = Self([0; 16]);

    /// A new id.
    #[must_use]
    pub fn random() -> Self {
        Self(random::array())
    }

    /// An id from its bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The id's bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for Id16 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE32.encode(&self.0))
    }
}

impl fmt::Debug for Id16 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Id16 {
    type Err = IdError;

    /// Takes exactly what `Display` writes: no capitals, no padding, no stray bits, so that one id has one spelling.
    fn from_str(text: &str) -> Result<Self, IdError> {
        if text.len() != 26 {
            return Err(IdError);
        }
        let bytes = BASE32.decode(text.as_bytes()).map_err(|_| IdError)?;
        bytes.try_into().map(Self).map_err(|_| IdError)
    }
}

impl Serialize for Id16 {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if to.is_human_readable() { to.collect_str(self) } else { to.serialize_bytes(&self.0) }
    }
}

impl<'de> Deserialize<'de> for Id16 {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        if from.is_human_readable() { from.deserialize_str(Visitor) } else { from.deserialize_bytes(Visitor) }
    }
}

struct Visitor;

impl de::Visitor<'_> for Visitor {
    type Value = Id16;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id of 16 bytes")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Id16, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Id16, E> {
        bytes.try_into().map(Id16).map_err(|_| E::invalid_length(bytes.len(), &self))
    }
}

/// Makes a newtype for the ids of one kind of thing, so that an id of one kind cannot be passed for another.
///
/// ```
/// keyward_sdk::random_id! {
///     /// Names a tenant for ever.
///     pub TenantId
/// }
/// let id = TenantId::random();
/// assert_eq!(id.to_string().parse::<TenantId>().unwrap(), id);
/// ```
#[macro_export]
macro_rules! random_id {
    ($(#[$meta:meta])* $vis:vis $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $vis struct $name($crate::id::Id16);

        #[allow(dead_code, reason = "a kind of id need not use every way to make one")]
        impl $name {
            /// A new id.
            #[must_use]
            $vis fn random() -> Self {
                Self($crate::id::Id16::random())
            }

            /// An id from its bytes.
            #[must_use]
            $vis const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self($crate::id::Id16::from_bytes(bytes))
            }

            /// The id's bytes.
            #[must_use]
            $vis const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl ::core::fmt::Display for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::core::fmt::Display::fmt(&self.0, f)
            }
        }

        impl ::core::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::core::fmt::Display::fmt(&self.0, f)
            }
        }

        impl $crate::id::serde::Serialize for $name {
            fn serialize<S: $crate::id::serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                $crate::id::serde::Serialize::serialize(&self.0, to)
            }
        }

        impl<'de> $crate::id::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::id::serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                $crate::id::serde::Deserialize::deserialize(from).map(Self)
            }
        }

        impl ::core::str::FromStr for $name {
            type Err = $crate::id::IdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

pub use crate::random_id;
#[doc(hidden)]
pub use serde;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_id_reads_back_as_it_was_shown(bytes: [u8; 16]) {
            let id = Id16::from_bytes(bytes);
            prop_assert_eq!(id.to_string().parse(), Ok(id));
            prop_assert_eq!(serde_json::from_str::<Id16>(&serde_json::to_string(&id).unwrap()).unwrap(), id);
        }

        #[test]
        fn one_id_has_one_spelling(text in "[a-z2-7]{26}") {
            if let Ok(id) = text.parse::<Id16>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }

    #[test]
    fn what_is_no_id_is_refused() {
        let id = Id16::random().to_string();
        for text in ["", "main", &id[..25], &format!("{id}a"), &id.to_uppercase(), &id.replace(&id[25..], "b")] {
            assert_eq!(text.parse::<Id16>(), Err(IdError), "{text}");
        }
    }
}
