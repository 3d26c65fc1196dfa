//! Secrets in settings are named, never written: `file:PATH`, `env:NAME`, `systemd-credential:NAME`.

use std::{
    fmt, fs, io,
    io::Read as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use keyward_sdk::secret::{Secret, SecretError, SecretString};
use serde::{Deserialize, Deserializer, de};

/// No secret of the settings is larger.
const MAX_SECRET: usize = 64 << 10;

/// Where a secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretRef {
    /// In an environment variable.
    Env(String),
    /// In a file that only its owner and group can read.
    File(PathBuf),
    /// Among the credentials that systemd hands to the service.
    SystemdCredential(String),
}

/// Why a secret could not be had.
#[derive(Debug, thiserror::Error)]
pub enum SecretRefError {
    /// It is not text.
    #[error("{0} holds no usable text: {1}")]
    NotText(SecretRef, SecretError),
    /// Others could read or change the file.
    #[error("`{path}` has mode {mode:04o}, so others could read or change it; run `chmod 0600 {path}`")]
    Open {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// There is no such variable.
    #[error("environment variable `{0}` is not set")]
    Unset(String),
    /// Not started with credentials by systemd.
    #[error("no credentials were handed over; set `LoadCredential={0}:..` in the unit")]
    NoCredentials(String),
    /// The file cannot be read.
    #[error("`{0}` cannot be read: {1}")]
    Unreadable(PathBuf, io::Error),
}

impl SecretRef {
    /// Fetches the secret. White space around it is not part of it.
    ///
    /// # Errors
    /// [`SecretRefError`] when it is not there or lies open.
    pub fn resolve(&self) -> Result<SecretString, SecretRefError> {
        let bytes = match self {
            Self::Env(name) => {
                let value = std::env::var_os(name).ok_or_else(|| SecretRefError::Unset(name.clone()))?;
                Secret::limited(value.into_encoded_bytes(), MAX_SECRET)
                    .map_err(|error| SecretRefError::NotText(self.clone(), error))?
            }
            Self::File(path) => read_private(path)?,
            Self::SystemdCredential(name) => {
                let folder = std::env::var_os("CREDENTIALS_DIRECTORY")
                    .ok_or_else(|| SecretRefError::NoCredentials(name.clone()))?;
                read_private(&Path::new(&folder).join(name))?
            }
        };
        SecretString::from_secret(&bytes)
            .map(SecretString::trimmed)
            .map_err(|error| SecretRefError::NotText(self.clone(), error))
    }
}

/// Reads a file that must not be open to others: no access for others, and the group may at most read.
///
/// # Errors
/// [`SecretRefError`] when it lies open, is larger than 64 KiB, or cannot be read.
pub fn read_private(path: &Path) -> Result<Secret, SecretRefError> {
    let unreadable = |error| SecretRefError::Unreadable(path.to_owned(), error);
    let mut file = fs::File::open(path).map_err(unreadable)?;
    let facts = file.metadata().map_err(unreadable)?;
    let mode = facts.permissions().mode() & 0o7777;
    if mode & 0o037 != 0 {
        return Err(SecretRefError::Open { path: path.to_owned(), mode });
    }
    if facts.len() > MAX_SECRET as u64 {
        return Err(unreadable(io::Error::other("it is larger than 64 KiB")));
    }
    Secret::init_with(MAX_SECRET, |bytes| {
        let mut used = 0;
        while let Some(room) = bytes.get_mut(used..).filter(|room| !room.is_empty()) {
            match file.read(room) {
                Ok(0) => break,
                Ok(n) => used += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(unreadable(error)),
            }
        }
        Ok(used)
    })
}

impl From<SecretError> for SecretRefError {
    fn from(error: SecretError) -> Self {
        Self::Unreadable(PathBuf::new(), io::Error::other(error))
    }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "`env:{name}`"),
            Self::File(path) => write!(f, "`file:{}`", path.display()),
            Self::SystemdCredential(name) => write!(f, "`systemd-credential:{name}`"),
        }
    }
}

struct Text;

impl de::Visitor<'_> for Text {
    type Value = SecretRef;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a reference to a secret: \"file:PATH\", \"env:NAME\" or \"systemd-credential:NAME\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<SecretRef, E> {
        match text.split_once(':') {
            Some(("file", path)) if !path.is_empty() => Ok(SecretRef::File(path.into())),
            Some(("env", name)) if !name.is_empty() => Ok(SecretRef::Env(name.to_owned())),
            Some(("systemd-credential", name)) if !name.is_empty() && !name.contains(['/', '\0']) && name != ".." => {
                Ok(SecretRef::SystemdCredential(name.to_owned()))
            }
            // The text is not shown: it may be the secret itself.
            _ => Err(E::custom(
                "is not a reference; write `file:PATH`, `env:NAME` or `systemd-credential:NAME`, never the secret itself",
            )),
        }
    }
}

impl<'de> Deserialize<'de> for SecretRef {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(mode: u32) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pin");
        fs::write(&path, " 1234\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        (folder, path)
    }

    #[test]
    fn a_secret_is_read_from_a_private_file() {
        let (_folder, path) = file(0o600);
        assert_eq!(SecretRef::File(path).resolve().unwrap().expose(), "1234");
    }

    #[test]
    fn a_file_open_to_others_is_refused() {
        for mode in [0o644, 0o604, 0o660, 0o601, 0o777] {
            let (_folder, path) = file(mode);
            assert!(matches!(SecretRef::File(path).resolve(), Err(SecretRefError::Open { .. })), "{mode:o}");
        }
        let (_folder, path) = file(0o640);
        assert!(SecretRef::File(path).resolve().is_ok());
    }
}
