//! The session that a login keeps: a token and the key that it is bound to, in the runtime directory, mode 0600, so that a
//! reboot ends it.

use std::{
    fs,
    io::Read,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::PathBuf,
};

use keyward_sdk::secret::SecretString;
use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{CliError, context::write_private};

/// The most bytes of a session that are read.
const MAX_BYTES: u64 = 64 << 10;
/// The tenant when none is named.
pub(super) const MAIN: &str = "main";
/// A link in place of a session is not followed, and a pipe is not waited for.
const FLAGS: i32 = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).bits().cast_signed();

/// What a login left.
#[derive(Serialize, Deserialize)]
pub(super) struct Session {
    /// The token.
    #[serde(with = "keyward_sdk::secret::serde_exposed")]
    pub token: SecretString,
    /// The client certificate, PEM.
    pub certificate: String,
    /// Its key, PEM: the token is bound to it.
    #[serde(with = "keyward_sdk::secret::serde_exposed")]
    pub key: SecretString,
    /// RFC 3339.
    pub expires_at: String,
}

impl Session {
    /// What a login gave.
    ///
    /// # Errors
    /// When a part is longer than a secret may be.
    pub(super) fn of(
        token: String,
        certificate: String,
        key: String,
        expires_at: &serde_json::Value,
    ) -> Result<Self, CliError> {
        let secret = |text| SecretString::new(text).map_err(|e| CliError::other("keeping the session", e));
        let expires_at = expires_at.as_str().unwrap_or_default().to_owned();
        Ok(Self { token: secret(token)?, certificate, key: secret(key)?, expires_at })
    }

    /// The session at a broker in a tenant, if there is one.
    ///
    /// # Errors
    /// When the file cannot be read, or is not this user's own.
    pub(super) fn load(at: Place<'_>) -> Result<Option<Self>, CliError> {
        let file = at.file();
        let fail = |why: &str| {
            let what = format!("{why}; remove it, or set XDG_RUNTIME_DIR to a folder of your own, and log in again");
            CliError::other(format!("reading {}", file.display()), what)
        };
        let opened = fs::OpenOptions::new().read(true).custom_flags(FLAGS).open(&file);
        let opened = match opened {
            Ok(opened) => opened,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(fail(&error.to_string())),
        };
        let facts = opened.metadata().map_err(|error| fail(&error.to_string()))?;
        // Anyone can make the folder in /tmp first, and so choose as whom this user's commands would act.
        if !facts.is_file() || facts.uid() != rustix::process::getuid().as_raw() || facts.mode() & 0o077 != 0 {
            return Err(fail("it belongs to another user, is open to others, or is no file"));
        }
        let mut bytes = Zeroizing::new(Vec::new());
        opened.take(MAX_BYTES).read_to_end(&mut bytes).map_err(|error| fail(&error.to_string()))?;
        serde_json::from_slice(&bytes).map(Some).map_err(|_| fail("it is not a session"))
    }

    /// Keeps it, mode 0600, in the runtime directory.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn save(&self, at: Place<'_>) -> Result<(), CliError> {
        let text = serde_json::to_vec(self).map_err(|e| CliError::other("writing the session", e))?;
        write_private(&at.file(), &Zeroizing::new(text))
    }

    /// Forgets it.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub(super) fn remove(at: Place<'_>) -> Result<(), CliError> {
        let file = at.file();
        match fs::remove_file(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(CliError::other(format!("removing {}", file.display()), error))
            }
            _ => Ok(()),
        }
    }
}

/// What a session is for: each tenant of each broker has its own, so that none is used for another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    /// The broker's address.
    pub addr: &'a str,
    /// The tenant, where one is named.
    pub tenant: Option<&'a str>,
}

impl Place<'_> {
    fn file(self) -> PathBuf {
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").map_or_else(
            || PathBuf::from(format!("/tmp/keyward-{}", rustix::process::getuid().as_raw())),
            |dir| PathBuf::from(dir).join("keyward"),
        );
        // Neither a name nor an address has a line break.
        let place = format!("{}\n{}", self.tenant.unwrap_or(MAIN), self.addr);
        let name = keyward_sdk::crypto::digest::sha256(place.as_bytes());
        runtime.join(format!("{}.session", data_encoding::HEXLOWER.encode(name.get(..8).unwrap_or_default())))
    }
}
