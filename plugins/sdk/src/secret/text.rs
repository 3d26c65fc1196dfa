//! Secret text: tokens, passphrases, passwords.

use std::fmt;

use zeroize::Zeroizing;

use super::{Secret, SecretError};

/// Secret UTF-8 text: never cloned or printed, wiped on drop.
pub struct SecretString(Zeroizing<String>);

impl SecretString {
    /// Takes over `text` without copying it.
    ///
    /// # Errors
    /// [`SecretError::TooLong`] above [`Secret::MAX_LEN`].
    pub fn new(text: String) -> Result<Self, SecretError> {
        let text = Zeroizing::new(text);
        if text.len() > Secret::MAX_LEN {
            return Err(SecretError::TooLong { got: text.len(), max: Secret::MAX_LEN });
        }
        Ok(Self(text))
    }

    /// Reads the bytes of a secret as text.
    ///
    /// # Errors
    /// [`SecretError::NotText`] unless they are UTF-8.
    pub fn from_secret(secret: &Secret) -> Result<Self, SecretError> {
        let text = std::str::from_utf8(secret.expose()).map_err(|_| SecretError::NotText)?;
        Ok(Self(Zeroizing::new(text.to_owned())))
    }

    /// For this crate, where the text is bounded by what made it.
    pub(crate) fn from_zeroizing(text: Zeroizing<String>) -> Self {
        Self(text)
    }

    /// The text.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The text without white space around it, as files and terminals add it.
    #[must_use]
    pub fn trimmed(self) -> Self {
        Self(Zeroizing::new(self.0.trim().to_owned()))
    }

    /// The text as bytes.
    #[must_use]
    pub fn to_secret(&self) -> Secret {
        Secret::from_zeroizing(Zeroizing::new(self.0.as_bytes().to_vec()))
    }

    /// How many bytes the text has. The length is not secret.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no text.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Compares in constant time.
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        super::same(self.0.as_bytes(), other.0.as_bytes())
    }
}

impl fmt::Debug for SecretString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretString(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_trimmed_and_never_shown() {
        let text = SecretString::new(" pass phrase\n".to_owned()).unwrap();
        assert_eq!(format!("{text:?}"), "SecretString(..)");
        assert_eq!(text.trimmed().expose(), "pass phrase");
    }

    #[test]
    fn bytes_that_are_not_text_are_refused() {
        let bytes = Secret::new(vec![0xff, 0xfe]).unwrap();
        assert_eq!(SecretString::from_secret(&bytes).unwrap_err(), SecretError::NotText);
    }
}
