//! Named contexts, and the session that `keyward login` keeps.
//!
//! Contexts (addresses, no secrets) lie in the configuration folder; sessions (a token and the key that it is bound to)
//! in the runtime directory, mode 0600, so that a reboot ends them.

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use keyward_sdk::secret::SecretString;
use serde::{Deserialize, Serialize};

use super::CliError;

/// One broker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Context {
    /// The address.
    pub addr: String,
    /// The authority's certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_cert: Option<PathBuf>,
    /// The tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// How people log in.
    #[serde(default, skip_serializing_if = "People::is_empty")]
    pub login: People,
}

/// How people log in at a broker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct People {
    /// The OIDC provider, which the broker knows as an issuer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// The id under which the provider knows the command line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// What is asked for besides `openid`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// The certificate of the authority of the provider's certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer_ca_cert: Option<PathBuf>,
    /// The role to act in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

impl People {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// All of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Contexts {
    /// The one that is used when none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<String>,
    /// By name.
    #[serde(default)]
    pub contexts: BTreeMap<String, Context>,
}

impl Contexts {
    /// Reads them; none when there is no file.
    ///
    /// # Errors
    /// When the file cannot be read or is not TOML.
    pub(super) fn load() -> Result<Self, CliError> {
        let Some(file) = file() else { return Ok(Self::default()) };
        match fs::read_to_string(&file) {
            Ok(text) => {
                toml::from_str(&text).map_err(|e| CliError::other(format!("reading {}", file.display()), e.message()))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(CliError::other(format!("reading {}", file.display()), error)),
        }
    }

    /// Writes them.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn save(&self) -> Result<(), CliError> {
        let file = file().ok_or_else(|| CliError::usage("neither XDG_CONFIG_HOME nor HOME is set"))?;
        let text = toml::to_string(self).map_err(|e| CliError::other("writing contexts", e))?;
        write_private(&file, text.as_bytes())
    }
}

fn file() -> Option<PathBuf> {
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config"));
    let base = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).or(home)?;
    Some(base.join("keyward/contexts.toml"))
}

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

    /// The session of a broker, if there is one.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn load(addr: &str) -> Result<Option<Self>, CliError> {
        let file = session_file(addr)?;
        match fs::read(&file) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|_| {
                CliError::other(format!("reading {}", file.display()), "it is not a session; log in again")
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(CliError::other(format!("reading {}", file.display()), error)),
        }
    }

    /// Keeps it, mode 0600, in the runtime directory.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn save(&self, addr: &str) -> Result<(), CliError> {
        let text = serde_json::to_vec(self).map_err(|e| CliError::other("writing the session", e))?;
        write_private(&session_file(addr)?, &text)
    }

    /// Forgets it.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub(super) fn remove(addr: &str) -> Result<(), CliError> {
        let file = session_file(addr)?;
        match fs::remove_file(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(CliError::other(format!("removing {}", file.display()), error))
            }
            _ => Ok(()),
        }
    }
}

fn session_file(addr: &str) -> Result<PathBuf, CliError> {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map_or_else(
        || PathBuf::from(format!("/tmp/keyward-{}", rustix::process::getuid().as_raw())),
        |dir| PathBuf::from(dir).join("keyward"),
    );
    let name = keyward_sdk::crypto::digest::sha256(addr.as_bytes());
    Ok(runtime.join(format!("{}.session", data_encoding::HEXLOWER.encode(name.get(..8).unwrap_or_default()))))
}

/// Writes a file that only its owner can read, whole or not at all.
fn write_private(file: &Path, bytes: &[u8]) -> Result<(), CliError> {
    let fail = |error: std::io::Error| CliError::other(format!("writing {}", file.display()), error);
    if let Some(folder) = file.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(fail)?;
        let owner = rustix::fs::stat(folder).map_err(|e| fail(e.into()))?.st_uid;
        if owner != rustix::process::getuid().as_raw() {
            return Err(CliError::other(format!("writing {}", file.display()), "its folder belongs to another user"));
        }
    }
    let fresh = file.with_extension("new");
    // One that a killed command left behind.
    let _none = fs::remove_file(&fresh);
    let mut out = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh).map_err(fail)?;
    out.write_all(bytes).and_then(|()| out.sync_all()).map_err(fail)?;
    fs::rename(&fresh, file).map_err(fail)
}
