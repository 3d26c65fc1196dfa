//! Puts a secret into a stored encoding: `#[serde(with = "keyward_sdk::secret::serde_exposed")]`.
//!
//! Only for encodings that are sealed before they leave memory. The attribute is the word a reviewer searches for: no secret
//! type implements `Serialize` by itself.

use std::fmt;

use serde::{Deserializer, Serializer, de};
use zeroize::Zeroizing;

use super::{Key32, Secret, SecretError, SecretString};

/// A secret that may stand in a sealed encoding.
pub trait Exposed: Sized {
    /// Its bytes.
    fn exposed(&self) -> &[u8];

    /// Takes it back from its bytes.
    ///
    /// # Errors
    /// If the bytes are not of this kind.
    fn from_exposed(secret: Secret) -> Result<Self, SecretError>;
}

impl Exposed for Secret {
    fn exposed(&self) -> &[u8] {
        self.expose()
    }

    fn from_exposed(secret: Secret) -> Result<Self, SecretError> {
        Ok(secret)
    }
}

impl Exposed for Key32 {
    fn exposed(&self) -> &[u8] {
        self.expose()
    }

    fn from_exposed(secret: Secret) -> Result<Self, SecretError> {
        Self::from_secret(&secret)
    }
}

impl Exposed for SecretString {
    fn exposed(&self) -> &[u8] {
        self.expose().as_bytes()
    }

    fn from_exposed(secret: Secret) -> Result<Self, SecretError> {
        Self::from_secret(&secret)
    }
}

/// Writes the secret's bytes.
///
/// # Errors
/// Those of the encoding.
pub fn serialize<T: Exposed, S: Serializer>(secret: &T, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_bytes(secret.exposed())
}

/// Reads the secret's bytes.
///
/// # Errors
/// Those of the encoding, and bytes that are not of this kind.
pub fn deserialize<'de, T: Exposed, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    let bytes = from.deserialize_byte_buf(Bytes)?;
    Secret::limited(std::mem::take(&mut *Zeroizing::new(bytes)), Secret::MAX_LEN)
        .and_then(T::from_exposed)
        .map_err(de::Error::custom)
}

struct Bytes;

impl<'de> de::Visitor<'de> for Bytes {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }

    fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
        Ok(bytes)
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<Vec<u8>, A::Error> {
        // Sized once: a vector that grows leaves its old, unwiped buffers behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(items.size_hint().unwrap_or(4096).min(Secret::MAX_LEN)));
        while let Some(byte) = items.next_element()? {
            if bytes.len() >= Secret::MAX_LEN {
                return Err(de::Error::invalid_length(bytes.len(), &"a secret within the limit"));
            }
            bytes.push(byte);
        }
        Ok(std::mem::take(&mut *bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Serialize, serde::Deserialize)]
    struct Stored {
        #[serde(with = "crate::secret::serde_exposed")]
        key: Key32,
        #[serde(with = "crate::secret::serde_exposed")]
        name: SecretString,
    }

    #[test]
    fn a_stored_secret_comes_back() {
        let stored = Stored { key: Key32::random(), name: SecretString::new("x".to_owned()).unwrap() };
        let back: Stored = serde_json::from_str(&serde_json::to_string(&stored).unwrap()).unwrap();
        assert!(back.key.same_as(&stored.key) && back.name.same_as(&stored.name));
    }

    #[test]
    fn a_key_of_another_length_is_refused() {
        assert!(serde_json::from_str::<Stored>(r#"{"key":[1,2],"name":[120]}"#).is_err());
    }
}
