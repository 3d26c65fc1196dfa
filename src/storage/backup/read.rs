//! Reads a backup and believes nothing of it before its hash.

use std::io::{ErrorKind, Read};

use bytes::Bytes;
use keyward_sdk::{crypto::digest::Hasher, time::Timestamp};

use super::{
    BackupError, Summary,
    format::{END, ENTRY, MAGIC, MARK, VERSION, kind_of},
};
use crate::storage::{MAX_VALUE_BYTES, Path, Revision, StoreKind};

/// The entries of a backup, one after another. They count only after the last one, when [`Reader::next_entry`] gave
/// `None`: the hash of the whole stands at the end.
pub struct Reader<R> {
    input: R,
    hash: Hasher,
    bytes: u64,
    /// Everything before this byte was found whole.
    whole: u64,
    kind: StoreKind,
    revision: Revision,
    created: Timestamp,
    entries: u64,
    last: Option<Path>,
    ended: bool,
}

/// Checks the structure and every hash, and says what the backup holds. Blocks.
///
/// # Errors
/// [`BackupError`]: what is wrong, and where.
pub fn verify(input: impl Read) -> Result<Summary, BackupError> {
    let mut reader = Reader::new(input)?;
    while reader.next_entry()?.is_some() {}
    Ok(reader.summary())
}

/// [`verify`] on bytes in memory.
///
/// # Errors
/// [`BackupError`]: what is wrong, and where.
pub fn parse(bytes: &[u8]) -> Result<Summary, BackupError> {
    verify(bytes)
}

impl<R: Read> Reader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// [`BackupError`] when it is not one that this version reads.
    pub fn new(input: R) -> Result<Self, BackupError> {
        let mut reader = Self {
            input,
            hash: Hasher::new(),
            bytes: 0,
            whole: 0,
            kind: StoreKind::Production,
            revision: Revision(0),
            created: Timestamp::from_millis(0),
            entries: 0,
            last: None,
            ended: false,
        };
        match reader.array() {
            Ok(magic) if &magic == MAGIC => {}
            Ok(_) | Err(BackupError::Cut(_)) => return Err(BackupError::NotABackup),
            Err(error) => return Err(error),
        }
        let found = u32::from_be_bytes(reader.array()?);
        if found > VERSION {
            return Err(BackupError::NewerFormat { found, known: VERSION });
        }
        let [kind] = reader.array()?;
        let kind = kind_of(kind);
        reader.revision = Revision(u64::from_be_bytes(reader.array()?));
        reader.created = Timestamp::from_millis(u64::from_be_bytes(reader.array()?));
        match kind {
            Some(kind) if found == VERSION => reader.kind = kind,
            _ => return Err(reader.damaged("the header makes no sense")),
        }
        Ok(reader)
    }

    /// What the backup says about itself, with what was read of it so far.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let Self { kind, revision, created, entries, bytes, .. } = *self;
        Summary { kind, revision, created, entries, bytes }
    }

    /// The next entry, or `None` after the last one, when the whole backup was checked.
    ///
    /// # Errors
    /// [`BackupError`]: what is wrong, and where.
    pub fn next_entry(&mut self) -> Result<Option<(Path, Revision, Bytes)>, BackupError> {
        loop {
            if self.ended {
                return Ok(None);
            }
            let before = self.hash.clone();
            let [tag] = self.array()?;
            match tag {
                ENTRY => return self.entry().map(Some),
                MARK => self.sum(before)?,
                END => {
                    self.sum(before)?;
                    self.end()?;
                }
                _ => return Err(self.damaged("an unknown record")),
            }
        }
    }

    fn entry(&mut self) -> Result<(Path, Revision, Bytes), BackupError> {
        let revision = Revision(u64::from_be_bytes(self.array()?));
        let path_len = u16::from_be_bytes(self.array()?);
        let value_len = u32::from_be_bytes(self.array()?) as usize;
        if revision > self.revision || revision == Revision(0) {
            return Err(self.damaged("a revision that the store never had"));
        }
        if value_len > MAX_VALUE_BYTES {
            return Err(self.damaged("a value that is too long"));
        }
        let path = self.take(path_len.into())?;
        let path = String::from_utf8(path).ok().and_then(|path| Path::new(path).ok());
        let path = path.ok_or_else(|| self.damaged("a path that no store has"))?;
        if self.last.as_ref().is_some_and(|last| *last >= path) {
            return Err(self.damaged("paths that are not in order"));
        }
        let value = self.take(value_len)?.into();
        self.last = Some(path.clone());
        self.entries += 1;
        Ok((path, revision, value))
    }

    fn sum(&mut self, before: Hasher) -> Result<(), BackupError> {
        let entries = u64::from_be_bytes(self.array()?);
        let hash = self.array()?;
        if before.finish() != hash {
            return Err(self.damaged("the hash does not fit"));
        }
        if entries != self.entries {
            return Err(self.damaged("the number of entries does not fit"));
        }
        self.whole = self.bytes;
        Ok(())
    }

    fn end(&mut self) -> Result<(), BackupError> {
        match self.array::<1>() {
            Err(BackupError::Cut(_)) => {
                self.ended = true;
                Ok(())
            }
            Ok(_) => Err(self.damaged("something follows the end")),
            Err(error) => Err(error),
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], BackupError> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// The next `len` bytes. The caller holds `len` against a limit.
    fn take(&mut self, len: usize) -> Result<Vec<u8>, BackupError> {
        let mut bytes = vec![0; len];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), BackupError> {
        self.input.read_exact(bytes).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => BackupError::Cut(self.bytes),
            _ => BackupError::Io(error),
        })?;
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    fn damaged(&self, what: &'static str) -> BackupError {
        BackupError::Damaged { from: self.whole, to: self.bytes, what }
    }
}
