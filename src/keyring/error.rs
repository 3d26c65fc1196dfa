//! What can go wrong between a value and the store.

use keyward_sdk::envelope::EnvelopeError;

use crate::{
    method::TenantId,
    storage::{PathError, StorageError},
};

/// Why the vault did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// The control state changed between reading it and committing. The pipeline tries again.
    #[error("the control state was changed in the meantime; try again")]
    Conflict,
    /// The control state in the store is older than what is known, or parts of it do not fit together.
    #[error("control state of tenant {tenant} is refused: {what}")]
    Rollback {
        /// Whose.
        tenant: TenantId,
        /// What is older or missing.
        what: String,
    },
    /// A value does not open.
    #[error("value at `{place}` does not open: {error}")]
    Sealed {
        /// Where it lies.
        place: String,
        /// Why.
        error: EnvelopeError,
    },
    /// A value opens and is not what this version of Keyward writes.
    #[error("value at `{place}` cannot be read: {why}")]
    Format {
        /// Where it lies.
        place: String,
        /// Why.
        why: String,
    },
    /// A key version that the keyring does not hold.
    #[error("value at `{place}` is under key version {version}, which this keyring does not hold")]
    UnknownVersion {
        /// Where it lies.
        place: String,
        /// The version.
        version: u32,
    },
    /// No keyring for this tenant.
    #[error("tenant {0} has no keyring here")]
    NoTenant(TenantId),
    /// The broker noticed that it can no longer trust its view of the control state.
    #[error("the control state can no longer be trusted: {0}; restart the broker")]
    Broken(String),
    /// The store.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A place that the store does not take.
    #[error(transparent)]
    Path(#[from] PathError),
}
