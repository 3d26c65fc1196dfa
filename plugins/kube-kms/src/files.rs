//! Files of the node: mode 0600, written beside, synced and moved into place, so that a crash leaves the old or the new one.
//! Done on a blocking thread, because a sync may take long and the serving thread must not wait for it.

use std::{
    fs, io,
    io::{Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

/// Makes a folder that only its owner may enter.
///
/// # Errors
/// When it cannot be made.
pub fn private_folder(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Reads a file of at most `max` bytes.
///
/// # Errors
/// When it is not there, cannot be read or is larger.
pub async fn read(path: &Path, max: usize) -> io::Result<Vec<u8>> {
    let path = path.to_owned();
    blocking(move || {
        let mut bytes = Vec::new();
        fs::File::open(path)?.take(max as u64 + 1).read_to_end(&mut bytes)?;
        if bytes.len() > max { Err(io::Error::other(format!("file is larger than {max} bytes"))) } else { Ok(bytes) }
    })
    .await
}

/// Puts `bytes` in place of what is at `path`, durably; keeps what was there as `previous`.
///
/// # Errors
/// When it could not be made durable.
pub async fn replace(path: &Path, bytes: Vec<u8>, previous: Option<PathBuf>) -> io::Result<()> {
    let path = path.to_owned();
    blocking(move || replace_now(&path, &bytes, previous.as_deref())).await
}

/// As [`replace`], on this thread.
///
/// # Errors
/// As [`replace`].
pub fn replace_now(path: &Path, bytes: &[u8], previous: Option<&Path>) -> io::Result<()> {
    let folder = path.parent().ok_or_else(|| io::Error::other("no folder"))?;
    let mut beside = path.to_owned().into_os_string();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    // What a crash left may have any mode; a new file has ours from its first moment.
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if let Err(error) = written {
        let _ = fs::remove_file(&beside); // gives the room back; the error that counts is the first
        return Err(error);
    }
    if let Some(previous) = previous {
        // A link, not a move: at no moment is there no file at `path`.
        match fs::remove_file(previous) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        match fs::hard_link(path, previous) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    fs::rename(&beside, path)?;
    fs::File::open(folder)?.sync_all()
}

/// Removes a file; one that is not there is no error.
///
/// # Errors
/// When it may be there still.
pub async fn remove(path: &Path) -> io::Result<()> {
    let path = path.to_owned();
    blocking(move || match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    })
    .await
}
