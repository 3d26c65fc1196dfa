//! A disk with faults, for tests.

use std::{
    io,
    ops::Range,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
};

use super::super::{Disk, Medium, Store};

/// A disk whose faults are switched on and off.
pub(super) struct Faulty {
    pub(super) disk: Disk,
    pub(super) faults: Arc<Faults>,
}

#[derive(Default)]
pub(super) struct Faults {
    /// How many bytes may still be written and allocated; negative: any number.
    pub(super) room: AtomicI64,
    pub(super) hangs: Mutex<bool>,
    pub(super) freed: Condvar,
    pub(super) syncs_fail: AtomicBool,
    pub(super) pages: Mutex<Vec<Arc<Mutex<Pages>>>>,
}

/// What a loss of power would take, of one file: a failed sync tells of it once and forgets it, as Linux does.
#[derive(Default)]
pub(super) struct Pages {
    unsynced: Vec<Range<u64>>,
    lost: Vec<Range<u64>>,
}

impl Faults {
    pub(super) fn set_room(&self, bytes: i64) {
        self.room.store(bytes, Ordering::SeqCst);
    }
    pub(super) fn hang(&self, hangs: bool) {
        *self.hangs.lock().unwrap() = hangs;
        self.freed.notify_all();
    }
    /// How many bytes a loss of power would take now.
    pub(super) fn not_on_disk(&self) -> u64 {
        let files = self.pages.lock().unwrap();
        let bytes = |pages: &Pages| pages.unsynced.iter().chain(&pages.lost).map(|r| r.end - r.start).sum::<u64>();
        files.iter().map(|pages| bytes(&pages.lock().unwrap())).sum()
    }
    fn pass(&self) {
        let mut hangs = self.hangs.lock().unwrap();
        while *hangs {
            hangs = self.freed.wait(hangs).unwrap();
        }
    }
    /// Takes up to `bytes` of the room and says how many.
    fn take(&self, bytes: usize) -> usize {
        let room = self.room.load(Ordering::SeqCst);
        if room < 0 {
            return bytes;
        }
        let taken = (room as usize).min(bytes);
        self.room.fetch_sub(taken as i64, Ordering::SeqCst);
        taken
    }
}

struct FaultyStore(Arc<dyn Store>, Arc<Faults>, AtomicI64, Arc<Mutex<Pages>>);

impl FaultyStore {
    fn over(store: Arc<dyn Store>, faults: &Arc<Faults>) -> Arc<dyn Store> {
        let len = store.size().unwrap() as i64;
        let pages = Arc::<Mutex<Pages>>::default();
        faults.pages.lock().unwrap().push(Arc::clone(&pages));
        Arc::new(Self(store, Arc::clone(faults), AtomicI64::new(len), pages))
    }
}

impl Store for FaultyStore {
    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        self.0.read_at(at, into)
    }
    fn write_at(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.1.pass();
        let has = self.2.load(Ordering::SeqCst);
        let grows = (at as i64 + bytes.len() as i64 - has).max(0) as usize;
        let taken = self.1.take(grows);
        let fits = bytes.len() - (grows - taken);
        self.0.write_at(at, &bytes[..fits])?;
        let (mut pages, end) = (self.3.lock().unwrap(), at + fits as u64);
        pages.lost.retain(|lost| lost.start < at || end < lost.end);
        pages.unsynced.push(at..end);
        self.2.fetch_add(taken as i64, Ordering::SeqCst);
        if fits == bytes.len() { Ok(()) } else { Err(io::ErrorKind::StorageFull.into()) }
    }
    fn sync(&self) -> io::Result<()> {
        self.1.pass();
        let unsynced = std::mem::take(&mut self.3.lock().unwrap().unsynced);
        if self.1.syncs_fail.load(Ordering::SeqCst) {
            self.3.lock().unwrap().lost.extend(unsynced);
            return Err(io::Error::other("bad sector"));
        }
        self.0.sync()
    }
    fn truncate(&self, len: u64) -> io::Result<()> {
        self.0.truncate(len)?;
        self.2.store(len as i64, Ordering::SeqCst);
        Ok(())
    }
    fn allocate(&self, len: u64) -> io::Result<()> {
        if self.1.room.load(Ordering::SeqCst) >= 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.0.allocate(len)?;
        self.2.store(len as i64, Ordering::SeqCst);
        Ok(())
    }
    fn size(&self) -> io::Result<u64> {
        self.0.size()
    }
}

impl Medium for Faulty {
    fn create(&self, name: &str) -> io::Result<Arc<dyn Store>> {
        self.faults.pass();
        Ok(FaultyStore::over(self.disk.create(name)?, &self.faults))
    }
    fn open(&self, name: &str) -> io::Result<Arc<dyn Store>> {
        Ok(FaultyStore::over(self.disk.open(name)?, &self.faults))
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
