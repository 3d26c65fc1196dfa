//! Where log files lie. Its own trait so that tests can fill the disk, tear a write or let it hang.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use rustix::fs::{FallocateFlags, FlockOperation, fallocate, flock};

/// A directory of log files.
pub trait Medium: Send + Sync + 'static {
    /// Makes a new file for the daemon's user alone; an error if it exists.
    ///
    /// # Errors
    /// Of the file system.
    fn create(&self, name: &str) -> io::Result<Arc<dyn Store>>;
    /// Opens a file to read and write.
    ///
    /// # Errors
    /// Of the file system.
    fn open(&self, name: &str) -> io::Result<Arc<dyn Store>>;
    /// Gives a file another name, in place of what had it.
    ///
    /// # Errors
    /// Of the file system.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file.
    ///
    /// # Errors
    /// Of the file system.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// The names of all files.
    ///
    /// # Errors
    /// Of the file system.
    fn list(&self) -> io::Result<Vec<String>>;
    /// Lets another process use the directory. Nothing is written after this.
    fn release(&self) {}
}

/// An open file.
pub trait Store: Send + Sync {
    /// Reads at a place; fewer bytes only at the end.
    ///
    /// # Errors
    /// Of the file system.
    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<usize>;
    /// Writes all bytes at a place.
    ///
    /// # Errors
    /// Of the file system; a part may be written then.
    fn write_at(&self, at: u64, bytes: &[u8]) -> io::Result<()>;
    /// Makes what was written outlast a loss of power.
    ///
    /// # Errors
    /// Of the file system.
    fn sync(&self) -> io::Result<()>;
    /// Cuts the file to a length.
    ///
    /// # Errors
    /// Of the file system.
    fn truncate(&self, len: u64) -> io::Result<()>;
    /// Makes the file so long, with space on the disk for all of it.
    ///
    /// # Errors
    /// Of the file system.
    fn allocate(&self, len: u64) -> io::Result<()>;
    /// Its length.
    ///
    /// # Errors
    /// Of the file system.
    fn size(&self) -> io::Result<u64>;
}

/// A directory on a disk, locked for one process.
pub struct Disk {
    dir: PathBuf,
    handle: File,
}

impl Disk {
    /// Opens the directory, making it (0700) where it is missing.
    ///
    /// # Errors
    /// Of the file system, and `WouldBlock` when another process holds it.
    pub fn open(dir: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        let handle = File::open(dir)?;
        flock(&handle, FlockOperation::NonBlockingLockExclusive)?;
        Ok(Self { dir: dir.to_owned(), handle })
    }
}

impl Medium for Disk {
    fn create(&self, name: &str) -> io::Result<Arc<dyn Store>> {
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(self.dir.join(name))?;
        self.handle.sync_all()?;
        Ok(Arc::new(OnDisk(file)))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn Store>> {
        Ok(Arc::new(OnDisk(OpenOptions::new().read(true).write(true).open(self.dir.join(name))?)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.dir.join(from), self.dir.join(to))?;
        self.handle.sync_all()
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.dir.join(name))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let entries = std::fs::read_dir(&self.dir)?;
        entries.filter_map(|entry| entry.map(|e| e.file_name().into_string().ok()).transpose()).collect()
    }

    fn release(&self) {
        // Closing the directory would do the same, only later.
        let _ = flock(&self.handle, FlockOperation::Unlock);
    }
}

/// Opens a file that is only read, by whoever looks at a log.
pub(crate) fn open_to_read(path: &Path) -> io::Result<Arc<dyn Store>> {
    Ok(Arc::new(OnDisk(File::open(path)?)))
}

struct OnDisk(File);

impl Store for OnDisk {
    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        let mut done = 0;
        while let Some(rest) = into.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match self.0.read_at(rest, at + done as u64) {
                Ok(0) => break,
                Ok(read) => done += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    fn write_at(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all_at(bytes, at)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        fallocate(&self.0, FallocateFlags::empty(), 0, len).map_err(io::Error::from)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }
}
