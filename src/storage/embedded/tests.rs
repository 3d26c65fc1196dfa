//! A disk that fills up, and stores that must not be opened.

use std::{
    io,
    sync::atomic::{AtomicU64, Ordering},
};

/// What the disk under a store does in a test.
#[derive(Debug)]
pub(super) struct Disk {
    /// No file may become longer than this.
    pub(super) limit: AtomicU64,
    /// Syncs fail while this is not zero, and count it down.
    pub(super) failing_syncs: AtomicU64,
}

impl Default for Disk {
    fn default() -> Self {
        Self { limit: AtomicU64::new(u64::MAX), failing_syncs: AtomicU64::new(0) }
    }
}

impl Disk {
    pub(super) fn allows(&self, len: u64) -> io::Result<()> {
        if len > self.limit.load(Ordering::SeqCst) { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    pub(super) fn syncs(&self) -> io::Result<()> {
        let left = self.failing_syncs.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
        if left.is_ok() { Err(io::Error::other("the disk does not answer")) } else { Ok(()) }
    }
}
