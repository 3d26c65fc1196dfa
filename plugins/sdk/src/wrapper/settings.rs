//! How a seal member is set up: its row in the catalog and the settings it is given.

use std::{collections::BTreeMap, future::Future, pin::Pin, sync::Arc};

use super::{Fault, KeyWrapper, WrapError};
use crate::secret::SecretString;

/// The future that opens a wrapper.
pub type Opening<'a> = Pin<Box<dyn Future<Output = Result<Arc<dyn KeyWrapper>, WrapError>> + Send + 'a>>;

/// A kind of wrapper that is built in: its row in the catalog.
pub struct BuiltIn {
    /// What settings call it.
    pub kind: &'static str,
    /// The settings it takes.
    pub keys: &'static [SettingKey],
    /// Makes one from checked settings.
    pub open: for<'a> fn(&'a Settings) -> Opening<'a>,
}

/// One setting of a kind of wrapper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettingKey {
    /// Its name in the settings file.
    pub name: &'static str,
    /// Whether it must be given.
    pub required: bool,
    /// Whether it is a secret, given by reference (`file:`, `env:`, `systemd-credential:`).
    pub secret: bool,
    /// What it is, for help and documentation.
    pub help: &'static str,
}

/// The settings of one member, names checked against [`BuiltIn::keys`] and secret references resolved.
#[derive(Debug, Default)]
pub struct Settings {
    /// The member's name.
    pub member: String,
    values: BTreeMap<String, String>,
    secrets: BTreeMap<String, SecretString>,
}

impl Settings {
    /// No settings yet for the member of this name.
    #[must_use]
    pub fn of(member: impl Into<String>) -> Self {
        Self { member: member.into(), ..Self::default() }
    }

    /// Adds a plain setting.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.values.insert(name.into(), value.into());
        self
    }

    /// Adds a resolved secret.
    #[must_use]
    pub fn with_secret(mut self, name: impl Into<String>, value: SecretString) -> Self {
        self.secrets.insert(name.into(), value);
        self
    }

    /// A setting that may be absent.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// A secret that may be absent.
    #[must_use]
    pub fn secret(&self, name: &str) -> Option<&SecretString> {
        self.secrets.get(name)
    }

    /// A setting that must be there.
    ///
    /// # Errors
    /// [`Fault::Settings`] if it is not.
    pub fn require(&self, backend: &'static str, name: &str) -> Result<&str, WrapError> {
        self.get(name).filter(|value| !value.is_empty()).ok_or_else(|| self.missing(backend, name))
    }

    /// A secret that must be there.
    ///
    /// # Errors
    /// [`Fault::Settings`] if it is not.
    pub fn require_secret(&self, backend: &'static str, name: &str) -> Result<&SecretString, WrapError> {
        self.secret(name).filter(|value| !value.is_empty()).ok_or_else(|| self.missing(backend, name))
    }

    fn missing(&self, backend: &'static str, name: &str) -> WrapError {
        WrapError::new(Fault::Settings, backend, &self.member, format!("the member's setting `{name}` is missing"))
    }
}
