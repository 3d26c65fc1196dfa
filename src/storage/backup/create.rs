//! Writes a snapshot as a backup.

use std::io::Write;

use keyward_sdk::{crypto::digest::Hasher, time::Timestamp};

use super::{
    BackupError, Summary,
    format::{END, ENTRY, MAGIC, MARK, MARK_EVERY, VERSION, kind_code},
};
use crate::storage::{Path, Revision, Snapshot, StorageError};

/// Writes everything in `snapshot` to `out`, and flushes it. The store goes on meanwhile. Blocks.
///
/// # Errors
/// [`BackupError`]; what was written until then is no backup.
pub fn create(snapshot: &Snapshot, created: Timestamp, out: impl Write) -> Result<Summary, BackupError> {
    let (kind, revision) = (snapshot.kind(), snapshot.revision());
    let mut out = Hashed { out, hash: Hasher::new(), bytes: 0, marked: 0, entries: 0 };
    out.write(MAGIC)?;
    out.write(&VERSION.to_be_bytes())?;
    out.write(&[kind_code(kind)])?;
    out.write(&revision.0.to_be_bytes())?;
    out.write(&created.millis().to_be_bytes())?;
    snapshot.for_each(|path, revision, value| out.entry(path, revision, value))?;
    out.sum(END)?;
    out.out.flush()?;
    Ok(Summary { kind, revision, created, entries: out.entries, bytes: out.bytes })
}

struct Hashed<W> {
    out: W,
    hash: Hasher,
    bytes: u64,
    /// Where the last mark ended.
    marked: u64,
    entries: u64,
}

impl<W: Write> Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), BackupError> {
        self.out.write_all(bytes)?;
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    fn entry(&mut self, path: &Path, revision: Revision, value: &[u8]) -> Result<(), BackupError> {
        let path = path.as_str().as_bytes();
        let path_len = u16::try_from(path.len()).map_err(|_| too_long("a path"))?;
        let value_len = u32::try_from(value.len()).map_err(|_| too_long("a value"))?;
        let mut head = Vec::with_capacity(15 + path.len());
        head.push(ENTRY);
        head.extend_from_slice(&revision.0.to_be_bytes());
        head.extend_from_slice(&path_len.to_be_bytes());
        head.extend_from_slice(&value_len.to_be_bytes());
        head.extend_from_slice(path);
        self.write(&head)?;
        self.write(value)?;
        self.entries += 1;
        if self.bytes - self.marked >= MARK_EVERY {
            self.sum(MARK)?;
        }
        Ok(())
    }

    fn sum(&mut self, tag: u8) -> Result<(), BackupError> {
        let hash = self.hash.clone().finish();
        self.write(&[tag])?;
        self.write(&self.entries.to_be_bytes())?;
        self.write(&hash)?;
        self.marked = self.bytes;
        Ok(())
    }
}

fn too_long(what: &str) -> StorageError {
    StorageError::Damaged(format!("{what} is longer than any that was written"))
}
