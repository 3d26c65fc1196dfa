//! Removes the chunks that belong to nobody.

use std::collections::HashSet;

use data_encoding::HEXLOWER;

use super::{Object, ObjectId, named};
use crate::storage::{Batch, Expect, MAX_BATCH_OPERATIONS, Path, Storage, StorageError};

/// The collector of one area. Its owner calls [`Orphans::collect`] at intervals that are longer than anybody takes to
/// write an object; a writer that takes longer is refused its claim, and loses nothing that it was told is written.
pub struct Orphans {
    area: String,
    /// Objects without a claim when the last pass saw them.
    suspects: HashSet<ObjectId>,
}

impl Orphans {
    /// A collector for `area`, which ends without a slash.
    #[must_use]
    pub fn new(area: &str) -> Self {
        Self { area: area.to_owned(), suspects: HashSet::new() }
    }

    /// Removes the objects that have no claim and had none at the last pass. Returns how many were removed.
    ///
    /// # Errors
    /// [`StorageError`] when the store cannot be asked; the next pass goes on.
    pub async fn collect(&mut self, storage: &dyn Storage) -> Result<usize, StorageError> {
        let mut suspects = HashSet::new();
        let mut collected = 0;
        let prefix = format!("{}/", self.area);
        let mut after: Option<Path> = None;
        // One entry at a time: what lies here is large, and of each object only the first is looked at.
        while let Some((path, _)) = storage.list(&prefix, after.as_ref(), 1).await?.pop() {
            let Some(id) = object_of(&prefix, &path) else {
                after = Some(path);
                continue;
            };
            let object = Object::new(&self.area, id);
            if storage.get(&named(object.claim())?).await?.is_none() {
                if !self.suspects.contains(&id) {
                    suspects.insert(id);
                } else if remove(storage, &object).await? {
                    collected += 1;
                }
            }
            // No byte of a path sorts after this one, so this is past the object's last chunk.
            after = Some(named(Path::new(format!("{prefix}{id}/{}", char::MAX)))?);
        }
        self.suspects = suspects;
        Ok(collected)
    }
}

/// Removes the first chunk unless the object was claimed just now, and then the rest.
async fn remove(storage: &dyn Storage, object: &Object) -> Result<bool, StorageError> {
    let first = named(object.chunk(0))?;
    let expect = vec![(named(object.claim())?, Expect::Absent)];
    match storage.commit(Batch { expect, delete: vec![first], ..Batch::default() }).await {
        Ok(_) => {}
        Err(StorageError::Conflict(_)) => return Ok(false),
        Err(error) => return Err(error),
    }
    let prefix = format!("{}/", object.base);
    loop {
        // Few at a time, since their values come along.
        let rest: Vec<_> = storage.list(&prefix, None, MAX_BATCH_OPERATIONS.min(8)).await?;
        if rest.is_empty() {
            return Ok(true);
        }
        let delete = rest.into_iter().map(|(path, _)| path).collect();
        storage.commit(Batch { delete, ..Batch::default() }).await?;
    }
}

/// The object to which a path belongs. What has another form is not ours and is left alone.
fn object_of(prefix: &str, path: &Path) -> Option<ObjectId> {
    let (id, name) = path.as_str().strip_prefix(prefix)?.split_once('/')?;
    let chunk = name.len() == 8 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if !chunk {
        return None;
    }
    HEXLOWER.decode(id.as_bytes()).ok()?.try_into().ok().map(ObjectId)
}
