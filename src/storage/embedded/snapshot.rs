//! The store as it was at one moment.

use redb::{Database, ReadTransaction};

use super::{
    failure::Failure,
    layout::{self, ENTRIES, StoreKind, decode},
    read::checked,
};
use crate::storage::{Path, Revision, StorageError};

/// Everything the store held at one moment. Space of what is deleted meanwhile is not used again until it is dropped.
pub struct Snapshot {
    txn: ReadTransaction,
    kind: StoreKind,
    revision: Revision,
}

impl Snapshot {
    pub(super) fn take(db: &Database) -> Result<Self, Failure> {
        let (txn, facts) = layout::begin(db)?;
        let facts = facts.ok_or_else(|| Failure::Damaged("the facts about the store are gone".to_owned()))?;
        let kind = facts.kind.ok_or_else(|| Failure::Damaged("the kind of the store is unknown".to_owned()))?;
        Ok(Self { txn, kind, revision: facts.revision })
    }

    /// What the store is for.
    #[must_use]
    pub fn kind(&self) -> StoreKind {
        self.kind
    }

    /// The revision of the last commit in it.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// Shows every entry in byte order of the paths, until `show` fails. Blocks.
    ///
    /// # Errors
    /// What `show` returns, and [`StorageError`] when the file cannot be read.
    pub fn for_each<E: From<StorageError>>(
        &self,
        mut show: impl FnMut(&Path, Revision, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let failed = |failure: Failure| E::from(failure.into_storage());
        let entries = self.txn.open_table(ENTRIES).map_err(|error| failed(error.into()))?;
        for row in entries.range::<&str>(..).map_err(|error| failed(error.into()))? {
            let (path, stored) = row.map_err(|error| failed(error.into()))?;
            let path = checked(path.value()).map_err(failed)?;
            let (revision, value) = decode(stored.value()).map_err(failed)?;
            show(&path, revision, value)?;
        }
        Ok(())
    }
}
