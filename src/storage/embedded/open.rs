//! Opens a store, or makes one, and refuses what is not ours to open.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path as FsPath, PathBuf},
};

use redb::{Builder, Database, DatabaseError};

use super::{
    failure::{Failure, describe},
    file::StoreFile,
    layout::{self, FORMAT, Facts, StoreKind, Writer},
};
use crate::storage::Revision;

/// What redb may keep of the file in memory. The system keeps the rest.
const CACHE_BYTES: usize = 8 << 20;
/// Up to this size the whole file is checked when it is opened, beyond it only what a crash may have touched.
const CHECK_BYTES: u64 = 256 << 20;
const REDB_MAGIC: &[u8] = b"redb";

/// How a store is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenMode {
    /// What the store is for. A store of another kind is refused; a new one becomes of this kind.
    pub kind: StoreKind,
}

/// Why a store was not opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Someone has it open.
    #[error("store `{0}` is in use by another process; stop that one first, or choose another path")]
    Locked(PathBuf),
    /// A later version wrote it.
    #[error("store `{path}` has format {found} and this version reads up to {known}; use a newer keyward")]
    NewerFormat {
        /// The store.
        path: PathBuf,
        /// Its format.
        found: u64,
        /// What is known here.
        known: u64,
    },
    /// Made for another purpose.
    #[error("store `{path}` is a {found} store and cannot be opened as a {asked} store; choose another path")]
    Kind {
        /// The store.
        path: PathBuf,
        /// What it is.
        found: &'static str,
        /// What was asked for.
        asked: &'static str,
    },
    /// Something else lies at the path.
    #[error("`{0}` is not a store of keyward; choose another path")]
    NotAStore(PathBuf),
    /// A store, and broken.
    #[error("store `{path}` is damaged: {what}; restore a backup to a new path with `keyward backup restore`")]
    Damaged {
        /// The store.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The system refuses.
    #[error("store `{path}` cannot be opened: {what}")]
    Unreadable {
        /// The store or its directory.
        path: PathBuf,
        /// What the system said.
        what: String,
    },
    /// Others may read or write it.
    #[error("store `{path}` has mode {mode:04o} and must be closed to others; run `chmod {right:o} '{path}'`")]
    WrongMode {
        /// The store or its directory.
        path: PathBuf,
        /// Its mode.
        mode: u32,
        /// What it should be.
        right: u32,
    },
    /// There is something where a new store was to be.
    #[error("`{0}` exists already and is not overwritten; choose another path")]
    Exists(PathBuf),
    /// The thread of the writer could not be started.
    #[error("writer of the store cannot be started: {0}")]
    Thread(String),
}

pub(super) fn open_or_create(
    path: &FsPath,
    mode: OpenMode,
    #[cfg(test)] disk: &std::sync::Arc<super::tests::Disk>,
) -> Result<(Database, Facts), OpenError> {
    match path.symlink_metadata() {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let filled = fresh_file(path, mode.kind, |_| Ok::<_, OpenError>(()));
            // Another process may have made it at the same moment; then both open that one, and one gets the lock.
            if let Err(error) = filled
                && !matches!(error, OpenError::Exists(_))
            {
                return Err(error);
            }
        }
        Err(error) => return Err(unreadable(path, &error)),
    }
    open_existing(
        path,
        mode,
        #[cfg(test)]
        disk,
    )
}

pub(super) fn open_existing(
    path: &FsPath,
    mode: OpenMode,
    #[cfg(test)] disk: &std::sync::Arc<super::tests::Disk>,
) -> Result<(Database, Facts), OpenError> {
    check_directory(path)?;
    let mut file = OpenOptions::new().read(true).write(true).open(path).map_err(|error| unreadable(path, &error))?;
    let metadata = file.metadata().map_err(|error| unreadable(path, &error))?;
    if !metadata.is_file() {
        return Err(OpenError::NotAStore(path.to_owned()));
    }
    let permissions = metadata.permissions().mode() & 0o7777;
    if permissions & 0o077 != 0 {
        return Err(OpenError::WrongMode { path: path.to_owned(), mode: permissions, right: 0o600 });
    }
    let mut magic = [0; REDB_MAGIC.len()];
    if file.read_exact(&mut magic).is_err() || magic != REDB_MAGIC {
        return Err(OpenError::NotAStore(path.to_owned()));
    }
    let file = StoreFile::new(
        file,
        #[cfg(test)]
        std::sync::Arc::clone(disk),
    );
    let db = file
        .and_then(|file| builder().set_check_integrity_on_open(metadata.len() <= CHECK_BYTES).create_with_backend(file))
        .map_err(|error| from_redb(path, error))?;
    let (_, facts) = layout::begin(&db).map_err(|failure| from_failure(path, failure))?;
    let facts = facts.ok_or_else(|| OpenError::NotAStore(path.to_owned()))?;
    if facts.format > FORMAT {
        return Err(OpenError::NewerFormat { path: path.to_owned(), found: facts.format, known: FORMAT });
    }
    match facts.kind {
        Some(kind) if kind == mode.kind => Ok((db, facts)),
        Some(kind) => Err(OpenError::Kind { path: path.to_owned(), found: kind.name(), asked: mode.kind.name() }),
        None => Err(OpenError::Damaged { path: path.to_owned(), what: "its kind is unknown".to_owned() }),
    }
}

/// Makes a store that `fill` fills, and gives it its name only when it is whole and on the disk. Never overwrites.
pub(super) fn fresh_file<E: From<OpenError>>(
    path: &FsPath,
    kind: StoreKind,
    fill: impl FnOnce(&Database) -> Result<(), E>,
) -> Result<(), E> {
    let directory = check_directory(path)?;
    if path.symlink_metadata().is_ok() {
        return Err(OpenError::Exists(path.to_owned()).into());
    }
    let Some(name) = path.file_name() else { return Err(OpenError::NotAStore(path.to_owned()).into()) };
    // Made with mode 0600 and a name of its own, and removed again if anything fails. A kill leaves it behind, with a
    // name that says what it was to be.
    let temporary = tempfile::Builder::new()
        .prefix(&format!(".{}.unfinished-", name.display()))
        .tempfile_in(&directory)
        .map_err(|error| unreadable(&directory, &error))?;
    let file = temporary.reopen().map_err(|error| unreadable(path, &error))?;
    let file = StoreFile::new(
        file,
        #[cfg(test)]
        std::sync::Arc::default(),
    );
    let db = file.and_then(|file| builder().create_with_backend(file)).map_err(|error| from_redb(path, error))?;
    create_with(&db, Revision(0), 0, |writer| writer.mark(kind)).map_err(|failure| from_failure(path, failure))?;
    fill(&db)?;
    db.close().map_err(|error| from_redb(path, error))?;
    temporary.persist_noclobber(path).map_err(|error| match error.error.kind() {
        io::ErrorKind::AlreadyExists => OpenError::Exists(path.to_owned()),
        _ => unreadable(path, &error.error),
    })?;
    File::open(&directory).and_then(|directory| directory.sync_all()).map_err(|error| unreadable(path, &error))?;
    Ok(())
}

/// One durable transaction on a store that is being made.
pub(super) fn create_with(
    db: &Database,
    revision: Revision,
    live: u64,
    fill: impl FnOnce(&mut Writer<'_>) -> Result<(), Failure>,
) -> Result<u64, Failure> {
    let txn = db.begin_write()?;
    let mut writer = Writer::open(&txn, revision, live)?;
    fill(&mut writer)?;
    let (_, live) = writer.finish()?;
    txn.commit()?;
    Ok(live)
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE_BYTES);
    builder
}

/// The directory of the store. One in which anyone may replace files is refused.
fn check_directory(path: &FsPath) -> Result<PathBuf, OpenError> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => FsPath::new("."),
    };
    let metadata = fs::metadata(directory).map_err(|error| unreadable(directory, &error))?;
    let mode = metadata.permissions().mode() & 0o7777;
    // With the sticky bit, as on /tmp, only the owner of a file can replace it.
    if mode & 0o002 != 0 && mode & 0o1000 == 0 {
        return Err(OpenError::WrongMode { path: directory.to_owned(), mode, right: 0o700 });
    }
    Ok(directory.to_owned())
}

fn unreadable(path: &FsPath, error: &io::Error) -> OpenError {
    OpenError::Unreadable { path: path.to_owned(), what: describe(error) }
}

pub(super) fn from_failure(path: &FsPath, failure: Failure) -> OpenError {
    let path = path.to_owned();
    match failure {
        Failure::Damaged(what) => OpenError::Damaged { path, what },
        Failure::Medium(what) => OpenError::Unreadable { path, what },
    }
}

fn from_redb(path: &FsPath, error: DatabaseError) -> OpenError {
    match error {
        DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => OpenError::Locked(path.to_owned()),
        DatabaseError::Storage(redb::StorageError::Io(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
            OpenError::Damaged { path: path.to_owned(), what: "the file is cut short".to_owned() }
        }
        DatabaseError::Storage(error) => from_failure(path, error.into()),
        other => OpenError::Damaged { path: path.to_owned(), what: other.to_string() },
    }
}
