//! Making a key file: all of it or nothing, and never over another.

use std::{io::Write as _, path::Path};

use keyward_sdk::{id::Id16, secret::Key32};
use rustix::{
    fs::{AtFlags, CWD, Mode, OFlags, fsync, linkat, unlink},
    io::Errno,
};

use super::KeyFileError;

pub(super) fn create(path: &Path) -> Result<(), KeyFileError> {
    let io = |doing, why: std::io::Error| KeyFileError::Io { doing, path: path.to_owned(), why };
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    // Written under another name and linked to its own when it is complete and on disk; linking never replaces a file.
    let draft = folder.join(format!(".new-key-{}", Id16::random()));
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file =
        rustix::fs::open(&draft, flags, Mode::RUSR | Mode::WUSR).map_err(|errno| io("creating", errno.into()))?;
    let mut file = std::fs::File::from(file);
    let written = file.write_all(Key32::random().expose()).and_then(|()| file.sync_all());
    let linked = written.map_err(|why| io("writing", why)).and_then(|()| {
        linkat(CWD, &draft, CWD, path, AtFlags::empty()).map_err(|errno| match errno {
            Errno::EXIST => KeyFileError::Exists(path.to_owned()),
            errno => io("naming", errno.into()),
        })
    });
    let removed = unlink(&draft).map_err(|errno| io("removing the draft of", errno.into()));
    linked.and(removed)?;
    let folder = rustix::fs::open(folder, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
    folder.and_then(fsync).map_err(|errno| io("writing the folder of", errno.into()))
}
