//! Named contexts: addresses and what goes with them, no secrets. They lie in the configuration folder.

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

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

/// Writes a file that only its owner can read, whole or not at all.
pub(super) fn write_private(file: &Path, bytes: &[u8]) -> Result<(), CliError> {
    let fail = |error: std::io::Error| CliError::other(format!("writing {}", file.display()), error);
    if let Some(folder) = file.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(fail)?;
        let owner = rustix::fs::stat(folder).map_err(|e| fail(e.into()))?.st_uid;
        if owner != rustix::process::getuid().as_raw() {
            return Err(CliError::other(
                format!("writing {}", file.display()),
                "its folder belongs to another user; set XDG_RUNTIME_DIR and XDG_CONFIG_HOME to folders of your own",
            ));
        }
    }
    let fresh = file.with_extension("new");
    // One that a killed command left behind.
    let _none = fs::remove_file(&fresh);
    let mut out = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh).map_err(fail)?;
    out.write_all(bytes).and_then(|()| out.sync_all()).map_err(fail)?;
    fs::rename(&fresh, file).map_err(fail)
}
