//! Backups of the embedded store: everything it held at one moment, as one stream of bytes.
//!
//! Values stay sealed as they are stored, so a backup is opened by whoever could open the store, and by nobody else.
//! Paths are visible in it. The hashes find what was damaged on the way; against a forger they prove nothing, the seals
//! and the heads of the control state do. See `format` for the bytes.

mod create;
mod format;
mod read;
mod restore;

#[cfg(test)]
mod tests;

use keyward_sdk::time::Timestamp;

use super::{OpenError, Revision, StorageError, StoreKind};

pub use self::{
    create::create,
    read::{Reader, parse, verify},
    restore::restore,
};

/// What a backup holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// What the store is for.
    pub kind: StoreKind,
    /// The revision of the last commit in it.
    pub revision: Revision,
    /// When it was made.
    pub created: Timestamp,
    /// How many entries it has.
    pub entries: u64,
    /// How many bytes it has.
    pub bytes: u64,
}

/// Why a backup was not made, read or restored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// Something else.
    #[error("this is not a backup made by keyward")]
    NotABackup,
    /// A later version made it.
    #[error("backup has format {found} and this version reads up to {known}; use a newer keyward")]
    NewerFormat {
        /// Its format.
        found: u32,
        /// What is known here.
        known: u32,
    },
    /// It ends too early.
    #[error("backup is cut short after {0} bytes; use another copy")]
    Cut(u64),
    /// It was changed.
    #[error("backup is damaged between byte {from} and byte {to}: {what}; use another copy")]
    Damaged {
        /// Everything before this byte was found whole.
        from: u64,
        /// Where the fault was seen.
        to: u64,
        /// What was seen.
        what: &'static str,
    },
    /// Its bytes could not be read or written.
    #[error("backup cannot be read or written: {0}")]
    Io(#[from] std::io::Error),
    /// The store could not be read.
    #[error("backup was not made: {0}")]
    Store(#[from] StorageError),
    /// The new store could not be made.
    #[error("backup was not restored: {0}")]
    Restore(#[from] OpenError),
}
