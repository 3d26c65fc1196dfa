//! The audit log as a start finds it after a crash: it is mended, or nothing of it is touched; and mended it is whole.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, LazyLock, Mutex},
    time::Duration,
};

use keyward_kit::audit::{
    Durability, FileLog, Priority, Record,
    file::{Medium, Options, Store},
};
use keyward_sdk::time::ManualClock;
use tokio::runtime::{Builder, Runtime};

use crate::support::NOW;

const SOON: Duration = Duration::from_secs(30);

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Builder::new_current_thread().enable_all().build().unwrap());

pub(super) fn run(bytes: &[u8]) {
    let folder = Folder::default();
    folder.0.lock().unwrap().insert("audit-1800000000000-000000.kwa".to_owned(), File::of(bytes));
    let Ok(log) = FileLog::open(Arc::new(folder.clone()), &options()) else {
        assert_eq!(folder.read(), bytes, "a log that is not taken was changed");
        return;
    };
    let before = log.recovered().size;
    RUNTIME.block_on(async {
        let mut body = Vec::new();
        Record { method: "after", ..Record::default() }.encode(&mut body).unwrap();
        let sequence = log.append(body, Durability::Os, Priority::Normal, SOON).await.unwrap();
        assert!(sequence >= before, "a record was written over");
        log.close(SOON).await.unwrap();
        let again = FileLog::open(Arc::new(folder), &options()).unwrap();
        assert_eq!(again.recovered().cut, None, "what was mended is torn");
        assert!(again.recovered().size > sequence, "a record was lost");
        again.close(SOON).await.unwrap();
    });
}

fn options() -> Options {
    Options { reserve_bytes: 4 << 10, ..Options::new("inst", "r1", ManualClock::at(NOW)) }
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    super::audit_file::seeds()
}

/// Files in memory.
#[derive(Clone, Default)]
struct Folder(Arc<Mutex<BTreeMap<String, File>>>);

#[derive(Clone)]
struct File(Arc<Mutex<Vec<u8>>>);

impl Folder {
    /// The first file.
    fn read(&self) -> Vec<u8> {
        self.0.lock().unwrap().values().next().map(|file| file.0.lock().unwrap().clone()).unwrap_or_default()
    }
}

impl Medium for Folder {
    fn create(&self, name: &str) -> io::Result<Arc<dyn Store>> {
        let file = File::of(&[]);
        match self.0.lock().unwrap().insert(name.to_owned(), file.clone()) {
            None => Ok(Arc::new(file)),
            Some(_) => Err(io::ErrorKind::AlreadyExists.into()),
        }
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn Store>> {
        let file = self.0.lock().unwrap().get(name).cloned().ok_or(io::ErrorKind::NotFound)?;
        Ok(Arc::new(file))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut files = self.0.lock().unwrap();
        let file = files.remove(from).ok_or(io::ErrorKind::NotFound)?;
        files.insert(to.to_owned(), file);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.0.lock().unwrap().remove(name).map(drop).ok_or(io::ErrorKind::NotFound.into())
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.0.lock().unwrap().keys().cloned().collect())
    }
}

impl File {
    fn of(bytes: &[u8]) -> Self {
        Self(Arc::new(Mutex::new(bytes.to_vec())))
    }

    fn resize(&self, len: u64) {
        self.0.lock().unwrap().resize(usize::try_from(len).unwrap(), 0);
    }
}

impl Store for File {
    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        let bytes = self.0.lock().unwrap();
        let from = bytes.get(usize::try_from(at).unwrap()..).unwrap_or_default();
        let len = from.len().min(into.len());
        into[..len].copy_from_slice(&from[..len]);
        Ok(len)
    }

    fn write_at(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        let at = usize::try_from(at).unwrap();
        let mut file = self.0.lock().unwrap();
        let len = file.len().max(at + bytes.len());
        file.resize(len, 0);
        file[at..at + bytes.len()].copy_from_slice(bytes);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.resize(len);
        Ok(())
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        self.resize(len);
        Ok(())
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().len() as u64)
    }
}
