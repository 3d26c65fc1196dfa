//! Why an operation was not carried out.

use crate::{
    identity::Principal,
    keyring::VaultError,
    method::{Name, ResourceKind},
    storage::{PathError, StorageError},
};

/// A role that was asked for, and by whom.
#[derive(Debug)]
pub struct RoleAsked {
    /// Who.
    pub principal: Principal,
    /// Which.
    pub role: Name,
}

/// One enum for all engines: its variants are what a caller can act on. The caller was authorized before it is made,
/// so it may say whether a thing exists.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// Nothing of that name.
    #[error("no {} called `{name}`", .kind.entity_type().to_lowercase())]
    NotFound {
        /// What was looked for.
        kind: ResourceKind,
        /// Its name.
        name: String,
    },
    /// Nothing of that name inside of something else, in words.
    #[error("{0}")]
    Missing(String),
    /// What the request proves does not allow it, decided by the engine itself: login.
    #[error("permission denied")]
    Denied,
    /// Someone proved who it is and may not act in the role that it asked for.
    #[error("permission denied")]
    RoleDenied(Box<RoleAsked>),
    /// Something of that name is there already.
    #[error("a {} called `{name}` exists already", .kind.entity_type().to_lowercase())]
    Exists {
        /// What was to be made.
        kind: ResourceKind,
        /// Its name.
        name: String,
    },
    /// A field of the request is not usable.
    #[error("{field}: {why}")]
    Invalid {
        /// The field, as in the .proto.
        field: &'static str,
        /// What is wrong and what would be right.
        why: String,
    },
    /// Compare-and-set found another version.
    #[error("`{name}` is at version {found}, not {expected}; read it again and retry")]
    VersionMismatch {
        /// What was to be written.
        name: String,
        /// The version that the caller expected.
        expected: u32,
        /// The version that is there.
        found: u32,
    },
    /// The thing is in a state in which this cannot be done. `reason` is fixed, in capitals.
    #[error("{what}")]
    State {
        /// For programs.
        reason: &'static str,
        /// For people: what is wrong and what to do.
        what: String,
    },
    /// Past a limit.
    #[error("{what} is past the limit of {limit}")]
    Limit {
        /// What has grown too large.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// A ciphertext, signature or wrapped blob that does not open.
    #[error("{0}")]
    Undecryptable(String),
    /// What was proven in the request (a join token, a share, an OIDC token) does not hold. `reason` is fixed.
    #[error("{what}")]
    NotProven {
        /// For programs.
        reason: &'static str,
        /// For people.
        what: String,
    },
    /// The broker is sealed.
    #[error("the broker is sealed; unseal it with `keyward operator unseal`")]
    Sealed,
    /// Something outside did not answer in time.
    #[error("{0}")]
    Unavailable(String),
    /// The vault.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// A bug or a broken platform, never the caller's fault.
    #[error("internal: {0}")]
    Internal(String),
}

impl EngineError {
    /// For `ok_or_else`.
    #[must_use]
    pub fn not_found(kind: ResourceKind, name: impl Into<String>) -> Self {
        Self::NotFound { kind, name: name.into() }
    }

    /// For fields.
    #[must_use]
    pub fn invalid(field: &'static str, why: impl Into<String>) -> Self {
        Self::Invalid { field, why: why.into() }
    }

    /// For states.
    #[must_use]
    pub fn state(reason: &'static str, what: impl Into<String>) -> Self {
        Self::State { reason, what: what.into() }
    }
}

impl From<PathError> for EngineError {
    fn from(error: PathError) -> Self {
        Self::Vault(error.into())
    }
}

impl From<StorageError> for EngineError {
    fn from(error: StorageError) -> Self {
        Self::Vault(error.into())
    }
}
