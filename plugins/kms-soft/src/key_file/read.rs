//! Reading a key file, and refusing one that others could read or could have written.

use std::{
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use keyward_sdk::secret::Key32;
use rustix::{
    fs::{FileType, Mode, OFlags, fstat},
    io::Errno,
    process::geteuid,
};

/// Why a key file is not used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// A file of that name is there.
    #[error("key file `{0}` exists already and is not overwritten: choose another name, or move it away")]
    Exists(PathBuf),
    /// The system refused.
    #[error("{doing} key file `{path}`: {why}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: io::Error,
    },
    /// Not 32 bytes.
    #[error("key file `{0}` does not hold exactly 32 bytes: restore it from its copy, or make a new one")]
    Length(PathBuf),
    /// Others may read or write it.
    #[error("key file `{path}` has mode {mode:04o}, which lets others at the key: run `chmod 0600` on it")]
    Mode {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A folder, a device, a pipe.
    #[error("key file `{0}` is not a regular file")]
    NotFile(PathBuf),
    /// It belongs to another user.
    #[error(
        "key file `{path}` belongs to user {owner}, and this process runs as user {user}: run `chown {user}` on it"
    )]
    Owner {
        /// The file.
        path: PathBuf,
        /// Who owns it.
        owner: u32,
        /// Who we are.
        user: u32,
    },
    /// The name is a symbolic link.
    #[error("key file `{0}` is a symbolic link, which is not followed: give the name of the file itself")]
    Symlink(PathBuf),
}

/// Reads the key. Everything is checked on the open file, so nothing can change in between. The checks hold for root too:
/// what root may read is not the question, but who else can.
pub(super) fn read(path: &Path) -> Result<Key32, KeyFileError> {
    let failed = |doing, why: Errno| KeyFileError::Io { doing, path: path.to_owned(), why: why.into() };
    // NONBLOCK, so that a pipe in the file's place is refused and not waited for.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, Mode::empty()).map_err(|errno| match errno {
        Errno::LOOP if path.is_symlink() => KeyFileError::Symlink(path.to_owned()),
        errno => failed("opening", errno),
    })?;
    let stat = fstat(&file).map_err(|errno| failed("looking at", errno))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(KeyFileError::NotFile(path.to_owned()));
    }
    let user = geteuid().as_raw();
    if stat.st_uid != user {
        return Err(KeyFileError::Owner { path: path.to_owned(), owner: stat.st_uid, user });
    }
    let mode = stat.st_mode & 0o7777;
    if mode & !0o600 != 0 {
        return Err(KeyFileError::Mode { path: path.to_owned(), mode });
    }
    if stat.st_size != 32 {
        return Err(KeyFileError::Length(path.to_owned()));
    }
    let mut file = std::fs::File::from(file);
    Key32::init(|key| file.read_exact(key)).map_err(|why| KeyFileError::Io {
        doing: "reading",
        path: path.to_owned(),
        why,
    })
}
