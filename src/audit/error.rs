//! Why something could not be recorded.

use keyward_kit::audit::{AppendError, NoteError, RecordError, file::OpenError};

/// Why something could not be recorded. Whatever was to be recorded does not happen, or its reply does not leave.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// A checkpoint cannot be signed.
    #[error("audit checkpoint cannot be made: {0}")]
    Checkpoint(#[from] NoteError),
    /// The folder of the log.
    #[error("audit folder `{0}` cannot be used: {1}; it must be on a disk of this machine and belong to one daemon")]
    Folder(String, #[source] std::io::Error),
    /// The log cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The record would be larger than a record may be.
    #[error("request cannot be recorded: {0}; ask for less at once")]
    Record(#[from] RecordError),
    /// The register.
    #[error(transparent)]
    Register(#[from] super::RegisterError),
    /// No sink took the record in time.
    #[error("no audit sink takes the record: {0}")]
    Unavailable(#[from] AppendError),
}
