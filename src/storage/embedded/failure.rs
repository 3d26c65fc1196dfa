//! What redb reports, told apart by what there is to do about it.

use std::io;

use crate::storage::StorageError;

/// Why a call on the file failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The content is not what was written.
    Damaged(String),
    /// The medium failed or is full. Opening the file anew may help.
    Medium(String),
}

impl Failure {
    /// As callers of the store see it.
    pub(super) fn into_storage(self) -> StorageError {
        match self {
            Self::Damaged(what) => StorageError::Damaged(what),
            Self::Medium(what) => StorageError::Unavailable(what),
        }
    }
}

/// Says what the system reported, with what to do where that is plain.
pub(super) fn describe(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            "no space is left for the store file; free some, it goes on by itself".to_owned()
        }
        _ => error.to_string(),
    }
}

impl From<redb::Error> for Failure {
    fn from(error: redb::Error) -> Self {
        match error {
            redb::Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => Self::Damaged(error.to_string()),
            redb::Error::Io(error) => Self::Medium(describe(&error)),
            redb::Error::PreviousIo => Self::Medium("the disk failed a moment ago".to_owned()),
            redb::Error::DatabaseClosed => Self::Medium("the store file was closed".to_owned()),
            redb::Error::Corrupted(what) => Self::Damaged(what),
            other => Self::Damaged(other.to_string()),
        }
    }
}

macro_rules! from_redb {
    ($($error:ty),+) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                redb::Error::from(error).into()
            }
        })+
    };
}

from_redb!(redb::StorageError, redb::TableError, redb::TransactionError, redb::CommitError);
