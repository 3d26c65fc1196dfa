//! What a commit applies, and the limits that hold in every store.

use std::collections::HashSet;

use bytes::Bytes;

use super::{MAX_BATCH_BYTES, MAX_BATCH_OPERATIONS, MAX_VALUE_BYTES, Path, Revision, StorageError};

/// What must be true of a path for a batch to be applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Nothing lies at the path.
    Absent,
    /// What lies at the path was written at this revision.
    At(Revision),
}

impl Expect {
    /// Whether it holds of a path that was last written at `found` (`None`: nothing lies there).
    #[must_use]
    pub fn holds(self, found: Option<Revision>) -> bool {
        match self {
            Self::Absent => found.is_none(),
            Self::At(revision) => found == Some(revision),
        }
    }
}

/// Changes that are applied together or not at all.
///
/// A path stands once among `put` and `delete`. A batch that changes nothing (no puts, and nothing lay where it
/// deletes) is judged like any other and returns the present revision.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// What must hold, judged before anything is changed. A path here need not be changed.
    pub expect: Vec<(Path, Expect)>,
    /// What is written.
    pub put: Vec<(Path, Bytes)>,
    /// What is removed. Removing what is not there is no error.
    pub delete: Vec<Path>,
}

impl Batch {
    /// Holds the batch against the limits. Every store calls it before anything else.
    ///
    /// # Errors
    /// [`StorageError::TooLarge`] past a limit, [`StorageError::Malformed`] when a path is changed twice.
    pub fn check(&self) -> Result<(), StorageError> {
        at_most("a batch's list of operations", self.put.len() + self.delete.len(), MAX_BATCH_OPERATIONS)?;
        at_most("a batch's list of expectations", self.expect.len(), MAX_BATCH_OPERATIONS)?;
        for (_, value) in &self.put {
            at_most("a value", value.len(), MAX_VALUE_BYTES)?;
        }
        at_most("a batch", self.bytes(), MAX_BATCH_BYTES)?;
        let mut seen = HashSet::with_capacity(self.put.len() + self.delete.len());
        for path in self.put.iter().map(|(path, _)| path).chain(&self.delete) {
            if !seen.insert(path) {
                return Err(StorageError::Malformed(format!("`{path}` is changed twice in one batch")));
            }
        }
        Ok(())
    }

    /// The bytes of paths and values.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let put: usize = self.put.iter().map(|(path, value)| path.as_str().len() + value.len()).sum();
        let delete: usize = self.delete.iter().map(|path| path.as_str().len()).sum();
        put + delete
    }
}

fn at_most(what: &'static str, size: usize, limit: usize) -> Result<(), StorageError> {
    if size > limit { Err(StorageError::TooLarge { what, size, limit }) } else { Ok(()) }
}
