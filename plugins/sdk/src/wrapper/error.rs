//! What goes wrong at a seal member, sorted by what someone can do about it.

/// The kind of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// No credentials, or the backend does not take them.
    Credentials,
    /// The blob was made by another kind of backend or under another key.
    ForeignBlob,
    /// The input does not fit: too long, or empty where that cannot be.
    Input,
    /// The blob or the associated data is not what was wrapped.
    Integrity,
    /// The key exists but cannot be used: disabled, pending, deleted; or a key file of a wrong mode or owner.
    KeyState,
    /// The backend cannot be reached.
    Network,
    /// The credentials are good but may not do this.
    Permission,
    /// The settings of this member cannot work.
    Settings,
    /// The backend asks to be called less often.
    Throttled,
    /// No answer in time.
    Timeout,
}

impl Fault {
    /// Whether the same call may succeed a little later without anyone doing anything.
    #[must_use]
    pub fn is_transient(self) -> bool {
        match self {
            Self::Network | Self::Throttled | Self::Timeout => true,
            Self::Credentials
            | Self::ForeignBlob
            | Self::Input
            | Self::Integrity
            | Self::KeyState
            | Self::Permission
            | Self::Settings => false,
        }
    }

    /// A fixed word for logs and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Credentials => "credentials",
            Self::ForeignBlob => "foreign_blob",
            Self::Input => "input",
            Self::Integrity => "integrity",
            Self::KeyState => "key_state",
            Self::Network => "network",
            Self::Permission => "permission",
            Self::Settings => "settings",
            Self::Throttled => "throttled",
            Self::Timeout => "timeout",
        }
    }

    fn says(self) -> &'static str {
        match self {
            Self::Credentials => "credentials missing or refused",
            Self::ForeignBlob => "wrapped by another backend or key",
            Self::Input => "input does not fit",
            Self::Integrity => "does not unwrap: changed, or bound to another place",
            Self::KeyState => "key cannot be used",
            Self::Network => "cannot be reached",
            Self::Permission => "not permitted",
            Self::Settings => "settings cannot work",
            Self::Throttled => "asks to be called less often",
            Self::Timeout => "no answer in time",
        }
    }
}

/// A failed call, with the backend and the key it was about.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{backend} key `{key}`: {}: {detail}", fault.says())]
pub struct WrapError {
    /// What kind of failure.
    pub fault: Fault,
    /// The kind of backend.
    pub backend: &'static str,
    /// The key in the backend.
    pub key: String,
    /// What was being done, what is wrong, what to do. Never a secret.
    pub detail: String,
}

impl WrapError {
    /// A failure of `backend` at `key`.
    #[must_use]
    pub fn new(fault: Fault, backend: &'static str, key: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { fault, backend, key: key.into(), detail: detail.into() }
    }
}
