//! Reads one entry or a range.

use std::ops::Bound;

use redb::{Database, ReadableDatabase as _};

use super::{
    failure::Failure,
    layout::{ENTRIES, entry},
};
use crate::storage::{Entry, Path};

pub(super) fn get(db: &Database, path: &Path) -> Result<Option<Entry>, Failure> {
    let entries = db.begin_read()?.open_table(ENTRIES)?;
    entries.get(path.as_str())?.map(|stored| entry(stored.value())).transpose()
}

pub(super) fn list(
    db: &Database,
    prefix: &str,
    after: Option<&Path>,
    limit: usize,
) -> Result<Vec<(Path, Entry)>, Failure> {
    let entries = db.begin_read()?.open_table(ENTRIES)?;
    let start = match after {
        Some(after) if after.as_str() >= prefix => Bound::Excluded(after.as_str()),
        _ => Bound::Included(prefix),
    };
    let mut found = Vec::new();
    for row in entries.range::<&str>((start, Bound::Unbounded))? {
        let (path, stored) = row?;
        if found.len() >= limit || !path.value().starts_with(prefix) {
            break;
        }
        found.push((checked(path.value())?, entry(stored.value())?));
    }
    Ok(found)
}

/// A path out of the file. What is not one was not written by us.
pub(super) fn checked(path: &str) -> Result<Path, Failure> {
    Path::new(path).map_err(|error| Failure::Damaged(error.to_string()))
}
