//! The id under which a change is asked for once.

use std::{fmt, str::FromStr};

/// Made by the client, kept with the caller for 24 h: a retry with the same id returns what the first try did.
/// 16 to 64 bytes of ASCII letters, digits, `-` and `_`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RequestId(Box<str>);

/// Why a text is not a request id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a request id has 16 to 64 ASCII letters, digits, `-` or `_`; a random UUID serves")]
pub struct RequestIdError;

impl RequestId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RequestId {
    type Err = RequestIdError;
    fn from_str(text: &str) -> Result<Self, RequestIdError> {
        let fits = (16..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        if fits { Ok(Self(text.into())) } else { Err(RequestIdError) }
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
