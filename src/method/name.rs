//! Names that people give, checked once, compared byte for byte.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

/// The most bytes of a name or of a whole path.
pub const MAX_NAME_BYTES: usize = 512;
/// The most bytes of one segment of a path.
pub const MAX_SEGMENT_BYTES: usize = 128;

/// Why a text is not a name. Says the place, never echoes more than a character.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// A character that is not allowed.
    #[error(
        "character {0:?} at byte {1} is not allowed; use ASCII letters, digits, and any of `.`, `_`, `-`, `@`, `+`, `=`"
    )]
    Character(char, usize),
    /// Nothing, or nothing between two slashes, or a slash at an end.
    #[error("empty segment; write `a/b`, without a slash at an end and without `//`")]
    EmptySegment,
    /// `.` or `..`.
    #[error("segments `.` and `..` are not allowed")]
    Dots,
    /// Past a limit.
    #[error("{0} bytes are too long, at most {1} are allowed")]
    TooLong(usize, usize),
}

fn check_segment(segment: &str, offset: usize) -> Result<(), NameError> {
    if segment.is_empty() {
        return Err(NameError::EmptySegment);
    }
    if segment.len() > MAX_SEGMENT_BYTES {
        return Err(NameError::TooLong(segment.len(), MAX_SEGMENT_BYTES));
    }
    if let Some((at, c)) = segment
        .char_indices()
        .find(|(_, c)| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@' | '+' | '=')))
    {
        return Err(NameError::Character(c, offset + at));
    }
    if matches!(segment, "." | "..") {
        return Err(NameError::Dots);
    }
    Ok(())
}

macro_rules! text_newtype {
    ($name:ident) => {
        impl $name {
            /// The name as it was given.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl TryFrom<String> for $name {
            type Error = NameError;
            fn try_from(text: String) -> Result<Self, NameError> {
                text.parse()
            }
        }
        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.as_str().to_owned()
            }
        }
    };
}

/// A name of one segment, e.g. of a role, a policy, an issuer or a cluster: 1 to 128 bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(Arc<str>);

text_newtype!(Name);

impl FromStr for Name {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.len() > MAX_SEGMENT_BYTES {
            return Err(NameError::TooLong(text.len(), MAX_SEGMENT_BYTES));
        }
        check_segment(text, 0)?;
        Ok(Self(text.into()))
    }
}

/// A path of one or more segments, e.g. of a secret or a named key: `prod/db/main`, 1 to 512 bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NamePath(Arc<str>);

text_newtype!(NamePath);

impl FromStr for NamePath {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.len() > MAX_NAME_BYTES {
            return Err(NameError::TooLong(text.len(), MAX_NAME_BYTES));
        }
        let mut offset = 0;
        for segment in text.split('/') {
            check_segment(segment, offset)?;
            offset += segment.len() + 1;
        }
        Ok(Self(text.into()))
    }
}

impl NamePath {
    /// Every folder above the name, nearest first: `prod/db`, then `prod`.
    pub fn folders(&self) -> impl Iterator<Item = &str> {
        let text = self.as_str();
        text.rmatch_indices('/').filter_map(move |(at, _)| text.get(..at))
    }

    /// Whether the path is `folder` or lies below it.
    #[must_use]
    pub fn is_within(&self, folder: &Self) -> bool {
        self.as_str().strip_prefix(folder.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// A tenant's id: 16 random bytes made with it, never used again. All zero is the installation itself, in which the
/// list of tenants lives.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TenantId(pub [u8; 16]);

impl TenantId {
    /// The installation itself.
    pub const SYSTEM: Self = Self([0; 16]);
    /// No tenant has this id: what a name that nobody has stands for.
    pub const NOBODY: Self = Self([0xff; 16]);

    /// Reads what `Display` writes: 32 lower-case hex digits.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        if text.len() != 32 || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return None;
        }
        u128::from_str_radix(text, 16).ok().map(|id| Self(id.to_be_bytes()))
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TenantId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_be_mistaken_are_refused() {
        for bad in [
            "", "/", "a/", "/a", "a//b", ".", "..", "a/../b", "a/./b", "a b", "a\0", "a\n", "é", "e\u{301}", "a\\b",
            "%2e", "a:b",
        ] {
            assert!(bad.parse::<NamePath>().is_err(), "{bad:?}");
        }
        assert_eq!("x".repeat(10_000).parse::<NamePath>(), Err(NameError::TooLong(10_000, MAX_NAME_BYTES)));
        assert!("a/b".parse::<Name>().is_err());
    }

    #[test]
    fn folders_are_listed_nearest_first() {
        let path: NamePath = "prod/db/main".parse().unwrap();
        assert_eq!(path.folders().collect::<Vec<_>>(), ["prod/db", "prod"]);
        assert!(path.is_within(&"prod/db".parse().unwrap()));
        assert!(!path.is_within(&"prod/d".parse().unwrap()));
    }
}
