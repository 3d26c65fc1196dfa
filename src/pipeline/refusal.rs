//! Why a request was not answered.

use tonic::Code;

use crate::{
    audit::{AuditError, Failure},
    engine::EngineError,
    identity::IdentityError,
};

/// One variant a station.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Identity: who it is was not proven.
    #[error(transparent)]
    Identity(IdentityError),
    /// Policy: it may not. Why is in the audit log.
    #[error("permission denied")]
    Denied,
    /// Audit: no sink takes the record; nothing was done.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// Audit: it was done and the outcome is not recorded yet.
    #[error("it was done, and its outcome could not be recorded")]
    OutcomeUnrecorded,
    /// The engine.
    #[error(transparent)]
    Engine(EngineError),
}

/// The code and reason of an engine's error, for the record. The same as on the wire, without the words.
pub(super) fn failure(error: &EngineError) -> Failure {
    let (code, reason) = told(error);
    Failure::new(code as u8, reason)
}

/// The fixed reason alone.
pub(super) fn reason(error: &EngineError) -> &'static str {
    told(error).1
}

fn told(error: &EngineError) -> (Code, &'static str) {
    match error {
        EngineError::Denied | EngineError::RoleDenied(_) => (Code::PermissionDenied, "DENIED"),
        EngineError::Exists { .. } => (Code::AlreadyExists, "EXISTS"),
        EngineError::Internal(_) => (Code::Internal, "INTERNAL"),
        EngineError::Invalid { .. } => (Code::InvalidArgument, "INVALID"),
        EngineError::Limit { .. } => (Code::ResourceExhausted, "LIMIT"),
        EngineError::NotFound { .. } | EngineError::Missing(_) => (Code::NotFound, "NOT_FOUND"),
        EngineError::NotProven { reason, .. } => (Code::Unauthenticated, *reason),
        EngineError::Sealed => (Code::Unavailable, "SEALED"),
        EngineError::State { reason, .. } => (Code::FailedPrecondition, *reason),
        EngineError::Unavailable(_) => (Code::Unavailable, "UNAVAILABLE"),
        EngineError::Undecryptable(_) => (Code::InvalidArgument, "UNDECRYPTABLE"),
        EngineError::Vault(_) => (Code::Unavailable, "STORE"),
        EngineError::VersionMismatch { .. } => (Code::Aborted, "VERSION_MISMATCH"),
    }
}
