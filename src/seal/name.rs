//! Names of seal paths and members.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The name of a path or member: up to 40 of `a` to `z`, `0` to `9` and `-`, beginning with a letter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Name(String);

/// The text is no such name. It is not shown: it may be anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a name for a seal path or member: up to 40 of a to z, 0 to 9 and `-`, beginning with a letter")]
pub struct NameError;

impl Name {
    /// The longest name, in bytes.
    pub const MAX: usize = 40;

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Name {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let begins = text.bytes().next().is_some_and(|first| first.is_ascii_lowercase());
        if begins && text.len() <= Self::MAX && text.bytes().all(known) { Ok(Self(text)) } else { Err(NameError) }
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.len() > Self::MAX { Err(NameError) } else { text.to_owned().try_into() }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_are_names() {
        for good in ["a", "clouds", "eu-west-1", &"a".repeat(40)] {
            assert!(good.parse::<Name>().is_ok(), "{good}");
        }
        for bad in ["", "-a", "1a", "A", "ä", "a b", "a/b", "..", "a\n", &"a".repeat(41), &"a".repeat(10_000)] {
            assert!(bad.parse::<Name>().is_err(), "{bad}");
        }
    }
}
