//! One daemon a folder: two would overwrite each other's keyset.

use std::{fs, os::unix::fs::OpenOptionsExt as _, path::Path};

use rustix::fs::{FlockOperation, flock};

use super::AppError;

/// The lock on a node's folder, held as long as it lives. The kernel lets go of it when the process ends in any way.
#[derive(Debug)]
pub struct Lock {
    _file: fs::File,
}

impl Lock {
    /// Takes it.
    ///
    /// # Errors
    /// [`AppError::Locked`] when another process has it.
    pub fn take(folder: &Path) -> Result<Self, AppError> {
        let path = folder.join("lock");
        let file = fs::OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
        let file = file.map_err(|error| AppError::Io(path, error))?;
        flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|_| AppError::Locked(folder.to_owned()))?;
        Ok(Self { _file: file })
    }
}
