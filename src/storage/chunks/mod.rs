//! Objects that are larger than one value.
//!
//! An object is cut into chunks, sealed by whoever writes it, each under a path of its own below a random id. They are
//! immutable. The last commit writes the manifest (the caller's own entry, which names the id) and with it the object's
//! *claim*. Chunks without a claim belong to nobody: the writer stopped midway, or the object was released. They are
//! collected on the second pass that finds them so.
//!
//! Writers and the collector cannot cut each other's work: a claim expects the first chunk where it was written, and
//! the collector removes that first chunk before any other, expecting that there is no claim.

mod collect;

use std::fmt;

use bytes::Bytes;
use data_encoding::HEXLOWER;

use super::{Batch, Expect, Path, PathError, Revision, Storage, StorageError};

pub use self::collect::Orphans;

/// The most chunks of one object.
pub const MAX_CHUNKS: u32 = 4_096;
const CLAIM: &str = "claim";

/// The random name of a large object, never used again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId(pub [u8; 16]);

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObjectId({self})")
    }
}

/// Where an object's chunks lie: `area/id/00000000`, `area/id/00000001`, .. and `area/id/claim`.
#[derive(Clone, Debug)]
pub struct Object {
    base: String,
}

impl Object {
    /// The object `id` below `area`, which ends without a slash.
    #[must_use]
    pub fn new(area: &str, id: ObjectId) -> Self {
        Self { base: format!("{area}/{id}") }
    }

    /// The path of one chunk. Whoever seals it binds it to this path.
    ///
    /// # Errors
    /// [`PathError`] when the area is too long.
    pub fn chunk(&self, index: u32) -> Result<Path, PathError> {
        Path::new(format!("{}/{index:08x}", self.base))
    }

    fn claim(&self) -> Result<Path, PathError> {
        Path::new(format!("{}/{CLAIM}", self.base))
    }

    /// Reads one chunk. `None` when it is not there, which of a claimed object says that the store is damaged.
    ///
    /// # Errors
    /// [`StorageError`] when the store cannot be asked.
    pub async fn read(&self, storage: &dyn Storage, index: u32) -> Result<Option<Bytes>, StorageError> {
        Ok(storage.get(&named(self.chunk(index))?).await?.map(|entry| entry.value))
    }

    /// Adds to the batch that removes the manifest what gives the chunks up. They are collected later.
    ///
    /// # Errors
    /// [`StorageError::Malformed`] when the area is too long.
    pub fn release(&self, batch: &mut Batch) -> Result<(), StorageError> {
        batch.delete.push(named(self.claim())?);
        Ok(())
    }
}

/// Writes the chunks of a new object, in order.
pub struct ObjectWriter<'a> {
    storage: &'a dyn Storage,
    object: Object,
    next: u32,
    first: Option<Revision>,
}

impl<'a> ObjectWriter<'a> {
    /// Begins an object. Its id is fresh and random.
    #[must_use]
    pub fn new(storage: &'a dyn Storage, object: Object) -> Self {
        Self { storage, object, next: 0, first: None }
    }

    /// The path of the next chunk.
    ///
    /// # Errors
    /// [`StorageError::Malformed`] when the area is too long, [`StorageError::TooLarge`] past [`MAX_CHUNKS`].
    pub fn next_path(&self) -> Result<Path, StorageError> {
        if self.next >= MAX_CHUNKS {
            let (size, limit) = (self.next as usize + 1, MAX_CHUNKS as usize);
            return Err(StorageError::TooLarge { what: "a large object's list of chunks", size, limit });
        }
        named(self.object.chunk(self.next))
    }

    /// Writes the next chunk, durably.
    ///
    /// # Errors
    /// [`StorageError`]; what was written so far is collected later.
    pub async fn push(&mut self, sealed: Bytes) -> Result<(), StorageError> {
        let path = self.next_path()?;
        let batch =
            Batch { expect: vec![(path.clone(), Expect::Absent)], put: vec![(path, sealed)], ..Batch::default() };
        let revision = self.storage.commit(batch).await?;
        self.first.get_or_insert(revision);
        self.next += 1;
        Ok(())
    }

    /// Adds to the batch that writes the manifest what makes the chunks belong to it. Returns their number.
    ///
    /// # Errors
    /// [`StorageError::Malformed`] when nothing was written.
    pub fn claim(self, batch: &mut Batch) -> Result<u32, StorageError> {
        let first = self.first.ok_or_else(|| StorageError::Malformed("a large object has no chunk".to_owned()))?;
        let claim = named(self.object.claim())?;
        batch.expect.push((named(self.object.chunk(0))?, Expect::At(first)));
        batch.expect.push((claim.clone(), Expect::Absent));
        batch.put.push((claim, Bytes::new()));
        Ok(self.next)
    }
}

fn named(path: Result<Path, PathError>) -> Result<Path, StorageError> {
    path.map_err(|error| StorageError::Malformed(error.to_string()))
}
