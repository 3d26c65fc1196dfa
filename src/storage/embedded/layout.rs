//! What lies in the file: one table of entries and one of facts about the store.

use bytes::Bytes;
use redb::{
    Database, ReadTransaction, ReadableDatabase as _, ReadableTable as _, Table, TableDefinition, TableError,
    WriteTransaction,
};

use super::failure::Failure;
use crate::storage::{Batch, Change, Entry, Path, Revision, StorageError, feed::Commit};

/// Paths to values, each value behind the revision that wrote it.
pub(super) const ENTRIES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("keyward.entries");
const FACTS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("keyward.facts");

const MARK: &[u8] = b"keyward store";
/// The newest layout that this code reads, and the one that it writes.
pub(super) const FORMAT: u64 = 1;
const REVISION_BYTES: usize = 8;

/// What a store is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreKind {
    /// Serves an installation.
    Production,
    /// Made by `keyward dev`; never serves an installation.
    Dev,
}

impl StoreKind {
    /// The word for it, in the file and in messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Dev => "dev",
        }
    }

    /// The kind that has this name.
    #[must_use]
    pub fn named(name: &[u8]) -> Option<Self> {
        [Self::Production, Self::Dev].into_iter().find(|kind| kind.name().as_bytes() == name)
    }
}

/// What the file says about itself.
pub(super) struct Facts {
    pub(super) format: u64,
    pub(super) kind: Option<StoreKind>,
    pub(super) revision: Revision,
    /// The bytes of all paths and values.
    pub(super) live: u64,
}

impl Facts {
    /// Reads them; `None` when this is no store of Keyward.
    pub(super) fn read(txn: &ReadTransaction) -> Result<Option<Self>, Failure> {
        let facts = match txn.open_table(FACTS) {
            Ok(facts) => facts,
            Err(TableError::Storage(error)) => return Err(error.into()),
            Err(_not_ours) => return Ok(None),
        };
        if facts.get("mark")?.is_none_or(|mark| mark.value() != MARK) {
            return Ok(None);
        }
        let number = |name: &str| -> Result<u64, Failure> {
            let value = facts.get(name)?.and_then(|value| value.value().try_into().ok().map(u64::from_be_bytes));
            value.ok_or_else(|| Failure::Damaged(format!("the fact `{name}` is missing or cut short")))
        };
        let format = number("format")?;
        if format > FORMAT {
            return Ok(Some(Self { format, kind: None, revision: Revision(0), live: 0 }));
        }
        let kind = facts.get("kind")?.and_then(|kind| StoreKind::named(kind.value()));
        Ok(Some(Self { format, kind, revision: Revision(number("revision")?), live: number("live")? }))
    }
}

/// The tables of one write transaction.
pub(super) struct Writer<'txn> {
    entries: Table<'txn, &'static str, &'static [u8]>,
    facts: Table<'txn, &'static str, &'static [u8]>,
    revision: Revision,
    live: u64,
}

/// What became of one batch, once the transaction stands.
pub(super) enum Verdict {
    Applied(Commit),
    Unchanged(Revision),
    Refused(StorageError),
}

impl<'txn> Writer<'txn> {
    /// Opens the tables, with what `facts` say.
    pub(super) fn open(txn: &'txn WriteTransaction, revision: Revision, live: u64) -> Result<Self, Failure> {
        Ok(Self { entries: txn.open_table(ENTRIES)?, facts: txn.open_table(FACTS)?, revision, live })
    }

    /// Marks an empty file as a store.
    pub(super) fn mark(&mut self, kind: StoreKind) -> Result<(), Failure> {
        self.facts.insert("mark", MARK)?;
        self.facts.insert("format", FORMAT.to_be_bytes().as_slice())?;
        self.facts.insert("kind", kind.name().as_bytes())?;
        Ok(())
    }

    /// Judges and applies one batch on top of those before it.
    pub(super) fn apply(&mut self, batch: Batch) -> Result<Verdict, Failure> {
        for (path, expect) in &batch.expect {
            let found = self.entries.get(path.as_str())?;
            let found = found.map(|stored| decode(stored.value()).map(|(revision, _)| revision)).transpose()?;
            if !expect.holds(found) {
                return Ok(Verdict::Refused(StorageError::Conflict(path.clone())));
            }
        }
        let revision = Revision(self.revision.0 + 1);
        let mut changes = Vec::with_capacity(batch.put.len() + batch.delete.len());
        for (path, value) in batch.put {
            self.put(&path, revision, &value)?;
            changes.push(Change::Put(path, Entry { value, revision }));
        }
        for path in batch.delete {
            let gone = self.entries.remove(path.as_str())?.map(|value| value.value().len());
            if let Some(bytes) = gone {
                self.live = self.live.saturating_sub(size(&path, bytes));
                changes.push(Change::Delete(path));
            }
        }
        if changes.is_empty() {
            return Ok(Verdict::Unchanged(self.revision));
        }
        self.revision = revision;
        Ok(Verdict::Applied(Commit { revision, changes }))
    }

    /// Writes one entry with a revision that is already known.
    pub(super) fn put(&mut self, path: &Path, revision: Revision, value: &[u8]) -> Result<(), Failure> {
        let mut stored = Vec::with_capacity(REVISION_BYTES + value.len());
        stored.extend_from_slice(&revision.0.to_be_bytes());
        stored.extend_from_slice(value);
        let before = self.entries.insert(path.as_str(), stored.as_slice())?.map(|value| value.value().len());
        self.live = self.live.saturating_sub(before.map_or(0, |bytes| size(path, bytes)));
        self.live += size(path, stored.len());
        Ok(())
    }

    /// Writes the facts and closes the tables. Returns them.
    pub(super) fn finish(mut self) -> Result<(Revision, u64), Failure> {
        self.facts.insert("revision", self.revision.0.to_be_bytes().as_slice())?;
        self.facts.insert("live", self.live.to_be_bytes().as_slice())?;
        Ok((self.revision, self.live))
    }
}

/// Begins to read, with the facts.
pub(super) fn begin(db: &Database) -> Result<(ReadTransaction, Option<Facts>), Failure> {
    let txn = db.begin_read()?;
    let facts = Facts::read(&txn)?;
    Ok((txn, facts))
}

/// Takes a stored value apart.
pub(super) fn decode(stored: &[u8]) -> Result<(Revision, &[u8]), Failure> {
    let (revision, value) = stored
        .split_first_chunk::<REVISION_BYTES>()
        .ok_or_else(|| Failure::Damaged("a value is cut short".to_owned()))?;
    Ok((Revision(u64::from_be_bytes(*revision)), value))
}

/// A stored value as callers see it.
pub(super) fn entry(stored: &[u8]) -> Result<Entry, Failure> {
    let (revision, value) = decode(stored)?;
    Ok(Entry { value: Bytes::copy_from_slice(value), revision })
}

fn size(path: &Path, stored: usize) -> u64 {
    (path.as_str().len() + stored) as u64
}
