//! The unix socket: mode 0600 from its first moment, put in place in one step, a stale one taken over only when no one
//! serves it.

use std::{
    fs, io,
    os::{
        linux::net::SocketAddrExt as _,
        unix::{
            fs::{FileTypeExt as _, PermissionsExt as _},
            net::{SocketAddr, UnixListener as StdListener, UnixStream as StdStream},
        },
    },
    path::{Path, PathBuf},
    task::{Context, Poll, ready},
};

use rustix::{
    fs::{Gid, Uid},
    process::geteuid,
};
use tokio::net::{UnixListener, UnixStream};

/// The kernel's limit for a path, its end included.
const MAX_PATH: usize = 107;

/// Where a socket is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SocketAt {
    /// Abstract, without a file: `@name`. For API servers before 1.29; anyone on the host can connect, so uids count.
    Abstract(String),
    /// A file.
    File(PathBuf),
}

/// How a socket is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketSettings {
    /// Where.
    pub at: SocketAt,
    /// The owner of the file, if not ourselves.
    pub owner: Option<u32>,
    /// The group of the file; with one, the mode is 0660.
    pub group: Option<u32>,
    /// The users that may connect. Empty: root, ourselves and the owner.
    pub allowed_uids: Vec<u32>,
}

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Someone serves there.
    #[error("socket `{0}` is served by another process; stop that one or choose another path")]
    InUse(PathBuf),
    /// The system refused.
    #[error("socket `{0}` cannot be made: {1}")]
    Io(PathBuf, #[source] io::Error),
    /// Something else is there.
    #[error("`{0}` is no socket; move it away or choose another path")]
    NotASocket(PathBuf),
    /// Longer than the kernel takes.
    #[error("socket path `{0}` has {1} bytes, at most {MAX_PATH} are possible")]
    TooLong(PathBuf, usize),
}

/// A bound socket. Its file is removed when it is dropped, if it is still ours.
#[derive(Debug)]
pub struct Listener {
    listener: UnixListener,
    allowed: Vec<u32>,
    file: Option<(PathBuf, u64)>,
}

fn inode(path: &Path) -> Option<u64> {
    use std::os::unix::fs::MetadataExt as _;
    fs::symlink_metadata(path).ok().map(|facts| facts.ino())
}

impl SocketSettings {
    /// Binds.
    ///
    /// # Errors
    /// [`SocketError`] says what is in the way.
    pub fn bind(&self) -> Result<Listener, SocketError> {
        let mut allowed = self.allowed_uids.clone();
        if allowed.is_empty() {
            allowed = [Some(0), Some(geteuid().as_raw()), self.owner].into_iter().flatten().collect();
        }
        let (std, path) = match &self.at {
            SocketAt::Abstract(name) => (bind_abstract(name)?, None),
            SocketAt::File(path) => (self.bind_file(path)?, Some(path.clone())),
        };
        let io = |error| SocketError::Io(path.clone().unwrap_or_default(), error);
        std.set_nonblocking(true).map_err(io)?;
        let listener = UnixListener::from_std(std).map_err(io)?;
        let file = path.and_then(|path| inode(&path).map(|inode| (path, inode)));
        Ok(Listener { listener, allowed, file })
    }

    /// Looks whether it could be bound, and changes nothing.
    ///
    /// # Errors
    /// [`SocketError`] says what is in the way.
    pub fn look(&self) -> Result<(), SocketError> {
        let SocketAt::File(path) = &self.at else { return Ok(()) };
        room(path)?;
        let folder = path.parent().unwrap_or(Path::new("/"));
        fs::metadata(folder).map_err(|error| SocketError::Io(folder.to_owned(), error))?;
        Ok(())
    }

    fn bind_file(&self, path: &Path) -> Result<StdListener, SocketError> {
        room(path)?;
        let io = |error| SocketError::Io(path.to_owned(), error);
        let folder = path.parent().unwrap_or(Path::new("/"));
        // Made beside, given its mode and owner, then moved into place: no one ever meets it with another mode, and a
        // stale one is replaced without a moment in which there is none.
        let beside = folder.join(format!(".{}", std::process::id()));
        let _ = fs::remove_file(&beside); // left by a crashed process of the same number, or not there
        let listener = StdListener::bind(&beside).map_err(io)?;
        let mode = if self.group.is_some() { 0o660 } else { 0o600 };
        let placed = fs::set_permissions(&beside, fs::Permissions::from_mode(mode))
            .and_then(|()| {
                let (owner, group) = (self.owner.map(Uid::from_raw), self.group.map(Gid::from_raw));
                if owner.is_some() || group.is_some() {
                    rustix::fs::chown(&beside, owner, group)?;
                }
                Ok(())
            })
            .and_then(|()| fs::rename(&beside, path));
        if let Err(error) = placed {
            let _ = fs::remove_file(&beside); // the error that counts is the first
            return Err(io(error));
        }
        Ok(listener)
    }
}

/// Whether there is room for our socket: nothing, or a socket that no one serves.
fn room(path: &Path) -> Result<(), SocketError> {
    let len = path.as_os_str().len();
    if len > MAX_PATH {
        return Err(SocketError::TooLong(path.to_owned(), len));
    }
    let facts = match fs::symlink_metadata(path) {
        Ok(facts) => facts,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(SocketError::Io(path.to_owned(), error)),
    };
    if !facts.file_type().is_socket() {
        return Err(SocketError::NotASocket(path.to_owned()));
    }
    match StdStream::connect(path) {
        Ok(_) => Err(SocketError::InUse(path.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        Err(error) => Err(SocketError::Io(path.to_owned(), error)),
    }
}

fn bind_abstract(name: &str) -> Result<StdListener, SocketError> {
    let shown = PathBuf::from(format!("@{name}"));
    let address = SocketAddr::from_abstract_name(name).map_err(|error| SocketError::Io(shown.clone(), error))?;
    StdListener::bind_addr(&address).map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => SocketError::InUse(shown),
        _ => SocketError::Io(shown, error),
    })
}

impl Listener {
    pub(super) fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<UnixStream>> {
        Poll::Ready(ready!(self.listener.poll_accept(cx)).map(|(stream, _)| stream))
    }

    pub(super) fn allows(&self, uid: u32) -> bool {
        self.allowed.contains(&uid)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some((path, ours)) = &self.file
            && inode(path) == Some(*ours)
        {
            let _ = fs::remove_file(path); // a stale file is taken over at the next start anyway
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(path: &Path) -> SocketSettings {
        SocketSettings { at: SocketAt::File(path.to_owned()), owner: None, group: None, allowed_uids: Vec::new() }
    }

    #[tokio::test]
    async fn a_socket_is_the_owners_and_goes_with_its_listener() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("@prod.sock");
        let listener = at(&path).bind().unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(listener.allows(geteuid().as_raw()) && listener.allows(0) && !listener.allows(54_321));
        drop(listener);
        assert!(fs::read_dir(folder.path()).unwrap().next().is_none());
    }

    #[tokio::test]
    async fn a_stale_socket_is_taken_over_and_a_served_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("@prod.sock");
        drop(StdListener::bind(&path).unwrap()); // std leaves the file: as after SIGKILL
        assert!(path.exists());
        let _served = at(&path).bind().unwrap();
        assert!(matches!(at(&path).bind(), Err(SocketError::InUse(_))));
    }

    #[tokio::test]
    async fn what_is_no_socket_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("@prod.sock");
        fs::write(&path, "notes").unwrap();
        assert!(matches!(at(&path).bind(), Err(SocketError::NotASocket(_))));
        assert_eq!(fs::read_to_string(&path).unwrap(), "notes");
        let long = folder.path().join("x".repeat(120));
        assert!(matches!(at(&long).bind(), Err(SocketError::TooLong(..))));
        assert!(matches!(at(&folder.path().join("no/@x.sock")).bind(), Err(SocketError::Io(..))));
    }
}
