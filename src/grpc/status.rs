//! The one table from refusals to gRPC codes and reasons (`google.rpc.ErrorInfo`, domain `keyward`).
//!
//! No `_` arm over our own enums: a new variant does not compile without its row. What a caller reads is the text of the
//! refusal where the caller may know it, and fixed words where not; the whole chain goes to the log.

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};
use tracing::error;

use crate::{engine::EngineError, keyring::VaultError, pipeline::Refusal, storage::StorageError};

/// The domain of every reason.
pub const DOMAIN: &str = "keyward";

/// A status with a reason.
#[must_use]
pub fn refusal(code: Code, reason: &'static str, text: &str) -> Status {
    let details = ErrorDetails::with_error_info(reason, DOMAIN, std::collections::HashMap::new());
    Status::with_error_details(code, text, details)
}

/// The status of a refusal.
#[must_use]
pub fn of(error: &Refusal) -> Status {
    let status = worded(error);
    if matches!(status.code(), Code::Internal | Code::DataLoss) || is_fault(error) {
        error!(error = %Chain(error), code = ?status.code(), "Request failed for a fault of the broker");
    }
    status
}

/// Faults whose cause is not told to callers.
fn is_fault(error: &Refusal) -> bool {
    match error {
        Refusal::Audit(_) | Refusal::OutcomeUnrecorded => true,
        Refusal::Engine(EngineError::Vault(error)) => matches!(
            error,
            VaultError::Rollback { .. }
                | VaultError::Broken(_)
                | VaultError::Storage(StorageError::Unavailable(_) | StorageError::OutcomeUnknown(_))
        ),
        Refusal::Engine(_) | Refusal::Identity(_) | Refusal::Denied => false,
    }
}

/// An error with all its causes.
struct Chain<'a>(&'a dyn std::error::Error);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(next) = cause {
            write!(f, ": {next}")?;
            cause = next.source();
        }
        Ok(())
    }
}

fn worded(error: &Refusal) -> Status {
    match error {
        Refusal::Identity(error) => refusal(Code::Unauthenticated, error.reason(), &error.to_string()),
        Refusal::Denied => refusal(Code::PermissionDenied, "DENIED", "permission denied"),
        Refusal::Audit(_) => {
            refusal(Code::Unavailable, "AUDIT_UNAVAILABLE", "no audit sink takes the record; nothing was done")
        }
        Refusal::OutcomeUnrecorded => refusal(
            Code::Unavailable,
            "OUTCOME_UNRECORDED",
            "it was done, and its outcome could not be recorded; retry with the same request id to get the answer",
        ),
        Refusal::Engine(error) => engine(error),
    }
}

fn engine(error: &EngineError) -> Status {
    let text = error.to_string();
    match error {
        EngineError::NotFound { .. } | EngineError::Missing(_) => refusal(Code::NotFound, "NOT_FOUND", &text),
        EngineError::Denied | EngineError::RoleDenied(_) => {
            refusal(Code::PermissionDenied, "DENIED", "permission denied")
        }
        EngineError::Exists { .. } => refusal(Code::AlreadyExists, "EXISTS", &text),
        EngineError::Invalid { field, why } => invalid(field, why),
        EngineError::VersionMismatch { .. } => refusal(Code::Aborted, "VERSION_MISMATCH", &text),
        EngineError::State { reason, .. } => refusal(Code::FailedPrecondition, reason, &text),
        EngineError::Limit { .. } => refusal(Code::ResourceExhausted, "LIMIT", &text),
        EngineError::Undecryptable(_) => refusal(Code::InvalidArgument, "UNDECRYPTABLE", &text),
        EngineError::NotProven { reason, .. } => refusal(Code::Unauthenticated, reason, &text),
        EngineError::Sealed => refusal(Code::Unavailable, "SEALED", &text),
        EngineError::Unavailable(_) => refusal(Code::Unavailable, "UNAVAILABLE", &text),
        EngineError::Vault(error) => vault(error),
        EngineError::Internal(_) => {
            refusal(Code::Internal, "INTERNAL", "internal error; the broker's log has the details")
        }
    }
}

fn vault(error: &VaultError) -> Status {
    let broken = "the store is not as it was left; see the log and `keyward status`";
    match error {
        VaultError::Conflict => refusal(Code::Aborted, "CONFLICT", "changed by others at the same moment; try again"),
        VaultError::Rollback { .. } | VaultError::Broken(_) => {
            refusal(Code::Unavailable, "CONTROL_STATE_REFUSED", broken)
        }
        VaultError::Sealed { .. } | VaultError::Format { .. } | VaultError::UnknownVersion { .. } => {
            refusal(Code::DataLoss, "STORED_VALUE_DAMAGED", broken)
        }
        VaultError::NoTenant(_) => refusal(Code::PermissionDenied, "DENIED", "permission denied"),
        VaultError::Storage(error) => storage(error),
        VaultError::Path(_) => refusal(Code::InvalidArgument, "INVALID", "a name is too long for the store"),
    }
}

fn storage(error: &StorageError) -> Status {
    match error {
        StorageError::Conflict(_) => {
            refusal(Code::Aborted, "CONFLICT", "changed by others at the same moment; try again")
        }
        StorageError::OutcomeUnknown(_) => refusal(
            Code::Unavailable,
            "OUTCOME_UNKNOWN",
            "the store was cut off and the change may or may not stand; retry with the same request id",
        ),
        StorageError::Malformed(_) => {
            refusal(Code::Internal, "INTERNAL", "internal error; the broker's log has the details")
        }
        StorageError::TooLarge { .. } => refusal(Code::ResourceExhausted, "LIMIT", &error.to_string()),
        StorageError::Unavailable(_) => {
            refusal(Code::Unavailable, "STORE_UNAVAILABLE", "the store does not answer; try again")
        }
        StorageError::Damaged(_) => refusal(Code::DataLoss, "STORE_DAMAGED", "the store is damaged; see the log"),
    }
}

fn invalid(field: &'static str, why: &str) -> Status {
    let mut details = ErrorDetails::with_error_info("INVALID", DOMAIN, std::collections::HashMap::new());
    details.add_bad_request_violation(field, why);
    Status::with_error_details(Code::InvalidArgument, format!("{field}: {why}"), details)
}
