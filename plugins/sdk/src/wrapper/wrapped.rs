//! What a wrapper gives for safe keeping.

use serde::{Deserialize, Serialize};

use crate::secret::{Secret, SecretError, serde_exposed::Exposed};

/// A wrapped secret and where it came from. Public: worth nothing without the wrapper's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Raw")]
pub struct Wrapped {
    kind: String,
    key: String,
    #[serde(with = "crate::secret::serde_exposed")]
    blob: Blob,
}

/// The parts are no wrapped secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WrappedError {
    /// A part is longer than it may be, or missing.
    #[error("wrapped secret: the {0} is empty or too long")]
    Length(&'static str),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    kind: String,
    key: String,
    #[serde(with = "crate::secret::serde_exposed")]
    blob: Blob,
}

/// Stored as bytes and not as a list of numbers, by the same road as secrets are.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Blob(Vec<u8>);

impl Exposed for Blob {
    fn exposed(&self) -> &[u8] {
        &self.0
    }

    fn from_exposed(bytes: Secret) -> Result<Self, SecretError> {
        Ok(Self(std::mem::take(&mut *bytes.into_exposed())))
    }
}

impl Wrapped {
    /// The longest name of a kind.
    pub const MAX_KIND: usize = 32;
    /// The longest name of a key; cloud resource names stay well below.
    pub const MAX_KEY: usize = 2048;
    /// The longest blob: room for 64 KiB of plaintext and any backend's framing.
    pub const MAX_BLOB: usize = 128 << 10;

    /// A blob made by a backend of `kind` under `key`.
    ///
    /// # Errors
    /// [`WrappedError::Length`] if a part is empty or too long.
    pub fn new(kind: impl Into<String>, key: impl Into<String>, blob: Vec<u8>) -> Result<Self, WrappedError> {
        Raw { kind: kind.into(), key: key.into(), blob: Blob(blob) }.try_into()
    }

    /// The kind of backend that made it.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The backend's key that it is under.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The wrapped bytes.
    #[must_use]
    pub fn blob(&self) -> &[u8] {
        &self.blob.0
    }
}

impl TryFrom<Raw> for Wrapped {
    type Error = WrappedError;

    fn try_from(Raw { kind, key, blob }: Raw) -> Result<Self, WrappedError> {
        for (what, len, max) in [
            ("kind", kind.len(), Self::MAX_KIND),
            ("key", key.len(), Self::MAX_KEY),
            ("blob", blob.0.len(), Self::MAX_BLOB),
        ] {
            if len == 0 || len > max {
                return Err(WrappedError::Length(what));
            }
        }
        Ok(Self { kind, key, blob })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_beyond_their_limits_are_refused_also_when_read() {
        assert!(Wrapped::new("k", "key", vec![0; Wrapped::MAX_BLOB + 1]).is_err());
        assert!(Wrapped::new("", "key", vec![0]).is_err());
        let json = serde_json::to_string(&Wrapped::new("file", "/k", vec![1, 2]).unwrap()).unwrap();
        assert_eq!(serde_json::from_str::<Wrapped>(&json).unwrap().blob(), [1, 2]);
        assert!(serde_json::from_str::<Wrapped>(&json.replace("file", &"f".repeat(33))).is_err());
    }
}
