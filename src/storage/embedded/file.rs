//! The file under redb. Space is claimed when the file grows, so that a full disk is met before anything is written.

use std::{fs::File, io, ops::Bound};

use redb::{BackendError, StorageBackend, backends::FileBackend};
use rustix::{
    fs::{FallocateFlags, fallocate},
    io::Errno,
};

/// A redb file whose growth is backed by real blocks.
#[derive(Debug)]
pub(super) struct StoreFile {
    inner: FileBackend,
    /// The same open file, for what the backend of redb cannot do.
    file: File,
    #[cfg(test)]
    pub(super) disk: std::sync::Arc<super::tests::Disk>,
}

impl StoreFile {
    pub(super) fn new(
        file: File,
        #[cfg(test)] disk: std::sync::Arc<super::tests::Disk>,
    ) -> Result<Self, redb::DatabaseError> {
        let inner = FileBackend::new(file.try_clone()?)?;
        Ok(Self {
            inner,
            file,
            #[cfg(test)]
            disk,
        })
    }

    fn grow(&self, from: u64, to: u64) -> io::Result<()> {
        match fallocate(&self.file, FallocateFlags::empty(), from, to - from) {
            Ok(()) => Ok(()),
            // File systems that cannot: the space is found, or not, when it is written to.
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => self.inner.set_len(to),
            Err(errno) => {
                // A part may have been claimed; the first error is the one to report.
                let _ = self.inner.set_len(from);
                Err(errno.into())
            }
        }
    }
}

impl StorageBackend for StoreFile {
    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.inner.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        #[cfg(test)]
        self.disk.allows(len)?;
        let from = self.inner.len()?;
        if len > from { self.grow(from, len) } else { self.inner.set_len(len) }
    }

    fn sync_data(&self) -> io::Result<()> {
        #[cfg(test)]
        self.disk.syncs()?;
        self.inner.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.inner.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.inner.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.inner.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.inner.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.inner.query_lock_range(start, end)
    }
}
