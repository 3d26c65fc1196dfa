//! A disk for the audit log that fills up, hangs or fails as a test says.

use std::{
    io,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use keyward_kit::audit::file::{Disk, Medium, Store};

/// What is wrong with the disk now.
#[derive(Default)]
pub(crate) struct Faults {
    /// No file grows.
    pub(crate) full: AtomicBool,
    /// Every write fails.
    pub(crate) broken: AtomicBool,
    hangs: Mutex<bool>,
    freed: Condvar,
}

impl Faults {
    pub(crate) fn hang(&self, hangs: bool) {
        *self.hangs.lock().unwrap() = hangs;
        self.freed.notify_all();
    }

    fn pass(&self) -> io::Result<()> {
        let mut hangs = self.hangs.lock().unwrap();
        while *hangs {
            hangs = self.freed.wait(hangs).unwrap();
        }
        if self.broken.load(Ordering::SeqCst) { Err(io::Error::other("bad sector")) } else { Ok(()) }
    }

    fn room(&self) -> io::Result<()> {
        if self.full.load(Ordering::SeqCst) { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
}

/// See the module.
pub(crate) struct FaultyDisk {
    pub(crate) disk: Disk,
    pub(crate) faults: Arc<Faults>,
}

struct FaultyFile(Arc<dyn Store>, Arc<Faults>);

impl FaultyDisk {
    fn over(&self, file: Arc<dyn Store>) -> Arc<dyn Store> {
        Arc::new(FaultyFile(file, Arc::clone(&self.faults)))
    }
}

impl Store for FaultyFile {
    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        self.0.read_at(at, into)
    }
    fn write_at(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.1.pass()?;
        if at + bytes.len() as u64 > self.0.size()? {
            self.1.room()?;
        }
        self.0.write_at(at, bytes)
    }
    fn sync(&self) -> io::Result<()> {
        self.1.pass()?;
        self.0.sync()
    }
    fn truncate(&self, len: u64) -> io::Result<()> {
        self.0.truncate(len)
    }
    fn allocate(&self, len: u64) -> io::Result<()> {
        self.1.room()?;
        self.0.allocate(len)
    }
    fn size(&self) -> io::Result<u64> {
        self.0.size()
    }
}

impl Medium for FaultyDisk {
    fn create(&self, name: &str) -> io::Result<Arc<dyn Store>> {
        self.faults.pass()?;
        Ok(self.over(self.disk.create(name)?))
    }
    fn open(&self, name: &str) -> io::Result<Arc<dyn Store>> {
        Ok(self.over(self.disk.open(name)?))
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }
    fn remove(&self, name: &str) -> io::Result<()> {
        self.disk.remove(name)
    }
    fn list(&self) -> io::Result<Vec<String>> {
        self.disk.list()
    }
    fn release(&self) {
        self.disk.release();
    }
}
