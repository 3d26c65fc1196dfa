//! Makes a store out of entries that come with their revisions, as a backup has them.

use std::path::Path as FsPath;

use bytes::Bytes;
use redb::Database;

use super::{
    layout::StoreKind,
    open::{OpenError, create_with, fresh_file, from_failure},
};
use crate::storage::{MAX_BATCH_BYTES, Path, Revision};

/// The most entries in one transaction.
const GROUP: usize = 1_000;

/// Makes the store at `path` from what `next` gives, until it gives `None`. If that fails, nothing lies at the path.
pub(in crate::storage) fn fill<E: From<OpenError>>(
    path: &FsPath,
    kind: StoreKind,
    revision: Revision,
    mut next: impl FnMut() -> Result<Option<(Path, Revision, Bytes)>, E>,
) -> Result<(), E> {
    fresh_file(path, kind, |db| {
        let mut live = 0;
        loop {
            let mut group = Vec::new();
            let mut bytes = 0;
            while group.len() < GROUP && bytes < MAX_BATCH_BYTES {
                let Some((path, at, value)) = next()? else { break };
                bytes += value.len();
                group.push((path, at, value));
            }
            live = write(path, db, revision, live, &group)?;
            if group.is_empty() {
                return Ok(());
            }
        }
    })
}

fn write(
    file: &FsPath,
    db: &Database,
    revision: Revision,
    live: u64,
    group: &[(Path, Revision, Bytes)],
) -> Result<u64, OpenError> {
    let written = create_with(db, revision, live, |writer| {
        group.iter().try_for_each(|(path, at, value)| writer.put(path, *at, value))
    });
    written.map_err(|failure| from_failure(file, failure))
}
