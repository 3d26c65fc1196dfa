//! Where a value lies in the store.

use std::{borrow::Borrow, fmt, sync::Arc};

/// The most bytes of a path.
const MAX_PATH_BYTES: usize = 1_024;

/// A path in the store: 1 to 1,024 bytes of printable UTF-8 without control characters. Made by our own code from
/// checked names, so the check here is a last line and not a parser of what people type.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(Arc<str>);

impl Path {
    /// Checks and takes a path.
    ///
    /// # Errors
    /// [`PathError`] when it is empty, too long, or has a control character.
    pub fn new(text: impl Into<Arc<str>>) -> Result<Self, PathError> {
        let text = text.into();
        if text.is_empty() || text.len() > MAX_PATH_BYTES {
            return Err(PathError::Length(text.len()));
        }
        if text.chars().any(char::is_control) {
            return Err(PathError::Control);
        }
        Ok(Self(text))
    }

    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

// Ordered and hashed as its text is.
impl Borrow<str> for Path {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is not a path of the store.
#[derive(Debug, thiserror::Error)]
pub enum PathError {
    /// Empty, or longer than allowed.
    #[error("store path has {0} bytes, 1 to {MAX_PATH_BYTES} are allowed")]
    Length(usize),
    /// Has a control character.
    #[error("store path has a control character")]
    Control,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_control_characters_are_held_against_the_limits() {
        for good in ["a", "a/b", "ü", "a b", &"x".repeat(MAX_PATH_BYTES)] {
            assert_eq!(Path::new(good).unwrap().as_str(), good);
        }
        assert!(matches!(Path::new(""), Err(PathError::Length(0))));
        assert!(matches!(Path::new("x".repeat(MAX_PATH_BYTES + 1)), Err(PathError::Length(_))));
        // Counted in bytes, not in characters.
        assert!(Path::new("ü".repeat(MAX_PATH_BYTES / 2 + 1)).is_err());
        for bad in ["a\0b", "\n", "a\u{85}", "\u{7f}"] {
            assert!(matches!(Path::new(bad), Err(PathError::Control)), "{bad:?}");
        }
    }

    #[test]
    fn unicode_forms_are_different_paths() {
        assert_ne!(Path::new("\u{e9}").unwrap(), Path::new("e\u{301}").unwrap());
    }
}
