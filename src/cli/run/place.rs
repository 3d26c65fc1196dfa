//! Files on a memory file system, which go away with the run.

use std::{
    fs::{self, File},
    io::Write,
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use keyward_sdk::secret::Secret;
use rustix::fs::{FlockOperation, flock};
use tempfile::TempDir;

use crate::cli::CliError;

/// What folders of runs are called.
const PREFIX: &str = "keyward-run-";

/// Whether files may lie on a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Disk {
    /// `--allow-disk`.
    Allow,
    /// Only memory.
    Refuse,
}

/// What was written. Dropping it removes it all.
pub(super) struct Placed {
    disk: Disk,
    folder: Option<Folder>,
    files: Vec<PathBuf>,
}

/// A folder of this run. Its lock says that the run goes on.
struct Folder {
    dir: TempDir,
    _lock: File,
}

impl Placed {
    /// Nothing yet.
    pub(super) fn new(disk: Disk) -> Self {
        Self { disk, folder: None, files: Vec::new() }
    }

    /// The folder of this run, mode 0700, made when it is first asked for.
    pub(super) fn folder(&mut self) -> Result<&Path, CliError> {
        let folder = match self.folder.take() {
            Some(folder) => folder,
            None => make(&bases(self.disk)?)?,
        };
        Ok(self.folder.insert(folder).dir.path())
    }

    /// Writes a file into the folder of this run.
    pub(super) fn write_inside(&mut self, name: &Path, value: &Secret) -> Result<PathBuf, CliError> {
        let at = self.folder()?.join(name);
        self.write(&at, value)?;
        Ok(at)
    }

    /// Writes exactly this file, mode 0600. One that is there already is left alone, and so is a disk.
    pub(super) fn write(&mut self, at: &Path, value: &Secret) -> Result<(), CliError> {
        let fail = |error: &dyn std::fmt::Display| CliError::other(format!("writing {}", at.display()), error);
        let mut file =
            fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(at).map_err(|e| fail(&e))?;
        self.files.push(at.to_owned());
        if self.disk == Disk::Refuse && !is_memory(&file) {
            return Err(fail(
                &"it would lie on a disk, where it may be found later: name a place on a memory file system such as /dev/shm, or a \
                  name without `/`; `--allow-disk` takes the risk",
            ));
        }
        file.write_all(value.expose()).map_err(|e| fail(&e))
    }
}

impl Drop for Placed {
    fn drop(&mut self) {
        for file in &self.files {
            // The command may have removed it itself.
            let _gone = fs::remove_file(file);
        }
    }
}

/// Folders in which to make one, the best first.
fn bases(disk: Disk) -> Result<Vec<PathBuf>, CliError> {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let user = PathBuf::from(format!("/run/user/{}", rustix::process::getuid().as_raw()));
    let mut bases: Vec<PathBuf> = runtime.into_iter().chain([user, "/dev/shm".into()]).collect();
    bases.retain(|base| base.is_absolute() && File::open(base).is_ok_and(|open| is_memory(&open)));
    if disk == Disk::Allow {
        bases.push(std::env::temp_dir());
    }
    if bases.is_empty() {
        let why = "neither XDG_RUNTIME_DIR nor /dev/shm is a memory file system here; mount one (tmpfs), or take the risk of a disk \
                   with `--allow-disk`";
        return Err(CliError::other("making a folder for secret files", why));
    }
    Ok(bases)
}

fn make(bases: &[PathBuf]) -> Result<Folder, CliError> {
    let mut last = String::new();
    for base in bases {
        sweep(base);
        match make_in(base) {
            Ok(folder) => return Ok(folder),
            Err(error) => last = format!("{}: {error}", base.display()),
        }
    }
    Err(CliError::other("making a folder for secret files", last))
}

fn make_in(base: &Path) -> std::io::Result<Folder> {
    let mode = fs::Permissions::from_mode(0o700);
    let dir = tempfile::Builder::new().prefix(PREFIX).rand_bytes(12).permissions(mode).tempdir_in(base)?;
    let lock = File::open(dir.path())?;
    // Another run that sweeps may have been faster; then the folder is gone, and this one fails instead of using it.
    flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
    if lock.metadata()?.ino() != fs::metadata(dir.path())?.ino() {
        return Err(std::io::Error::other("the folder was swept away"));
    }
    Ok(Folder { dir, _lock: lock })
}

/// Removes what runs left behind that were killed: nobody holds their lock any more.
fn sweep(base: &Path) {
    let Ok(entries) = fs::read_dir(base) else { return };
    let mine = rustix::process::getuid().as_raw();
    let left = entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX));
    for entry in left {
        let owned = entry.metadata().is_ok_and(|data| data.is_dir() && data.uid() == mine);
        if owned
            && let Ok(lock) = File::open(entry.path())
            && flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok()
        {
            let _best_effort = fs::remove_dir_all(entry.path());
        }
    }
}

/// Whether what is open lies in memory: tmpfs or ramfs.
#[cfg(target_os = "linux")]
fn is_memory(open: &File) -> bool {
    const TMPFS: u64 = 0x0102_1994;
    const RAMFS: u64 = 0x8584_58f6;
    rustix::fs::fstatfs(open).is_ok_and(|stat| matches!(stat.f_type as u64 & 0xffff_ffff, TMPFS | RAMFS))
}

/// Elsewhere there is no telling, so it counts as a disk.
#[cfg(not(target_os = "linux"))]
fn is_memory(_open: &File) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::copy_of(text.as_bytes()).unwrap()
    }

    fn shm() -> TempDir {
        TempDir::new_in("/dev/shm").unwrap()
    }

    #[test]
    fn files_are_private_and_go_away() {
        let dir = shm();
        let at = dir.path().join("key");
        let mut placed = Placed::new(Disk::Refuse);
        placed.write(&at, &secret("s3cr3t")).unwrap();
        let inside = placed.write_inside(Path::new("id"), &secret("other")).unwrap();
        assert_eq!(fs::read(&at).unwrap(), b"s3cr3t");
        assert_eq!(fs::metadata(&at).unwrap().mode() & 0o777, 0o600);
        let folder = placed.folder().unwrap().to_owned();
        assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o777, 0o700);
        assert_eq!(inside, folder.join("id"));
        drop(placed);
        assert!(!at.exists() && !folder.exists());
    }

    #[test]
    fn a_file_that_is_there_is_left_alone() {
        let dir = shm();
        let at = dir.path().join("mine");
        fs::write(&at, "mine").unwrap();
        let mut placed = Placed::new(Disk::Refuse);
        assert!(placed.write(&at, &secret("s3cr3t")).is_err());
        drop(placed);
        assert_eq!(fs::read(&at).unwrap(), b"mine");
    }

    #[test]
    fn a_disk_is_refused_before_anything_is_written() {
        // The checkout lies on a disk, wherever temporary folders are.
        let dir = TempDir::new_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        let at = dir.path().join("key");
        let mut placed = Placed::new(Disk::Refuse);
        let said = placed.write(&at, &secret("s3cr3t")).unwrap_err().to_string();
        assert!(said.contains("--allow-disk") && !said.contains("s3cr3t"), "{said}");
        assert_eq!(fs::metadata(&at).unwrap().len(), 0);
        drop(placed);
        assert!(!at.exists());
        Placed::new(Disk::Allow).write(&at, &secret("s3cr3t")).unwrap();
    }

    #[test]
    fn folders_of_killed_runs_are_swept_and_those_in_use_are_not() {
        let base = shm();
        let used = make_in(base.path()).unwrap();
        let left = base.path().join(format!("{PREFIX}left"));
        fs::create_dir(&left).unwrap();
        fs::write(left.join("key"), "s3cr3t").unwrap();
        let other = base.path().join("not-ours");
        fs::create_dir(&other).unwrap();
        sweep(base.path());
        assert!(used.dir.path().exists() && other.exists());
        assert!(!left.exists());
    }
}
