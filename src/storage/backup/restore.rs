//! Makes a store out of a backup.

use std::{io::Read, path::Path as FsPath};

use super::{BackupError, Reader, Summary};
use crate::storage::embedded::fill;

/// Makes the store at `path`, where nothing may lie, out of a backup. The store gets its name when the whole backup was
/// checked and is on the disk; if anything fails, nothing lies at `path`. Revisions are kept. Blocks.
///
/// # Errors
/// [`BackupError`]: what is wrong with the backup or with the path.
pub fn restore(input: impl Read, path: &FsPath) -> Result<Summary, BackupError> {
    let mut reader = Reader::new(input)?;
    let Summary { kind, revision, .. } = reader.summary();
    fill(path, kind, revision, || reader.next_entry())?;
    Ok(reader.summary())
}
