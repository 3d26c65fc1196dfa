//! Gives space back to the file system. redb uses freed pages again, but never shortens the file by itself.

use tracing::{info, warn};

use super::shared::Shared;

/// Below this, a file is not worth it.
const SMALL: u64 = 8 << 20;
/// A file is compacted when it is this many times as long as what it holds. Pages half full make 2 to 3 normal.
const WASTE: u64 = 4;
/// Beyond this, moving the pages would hold up reads for longer than they wait.
const LARGE: u64 = 256 << 20;

/// Remembers what the last attempt came to.
#[derive(Default)]
pub(super) struct Compaction {
    /// The length after it. Until the file grows well beyond it, another attempt would gain nothing.
    floor: u64,
}

impl Compaction {
    /// Compacts the file if much of it is unused. Called when there is nothing to write.
    pub(super) fn when_it_pays(&mut self, shared: &Shared) {
        let Ok(before) = length(shared) else { return };
        let live = shared.live();
        if before < SMALL || before < live.saturating_mul(WASTE) || live > LARGE || before < self.floor * 2 {
            return;
        }
        let compacted = shared.exclusive(redb::Database::compact);
        let Ok(after) = length(shared) else { return };
        match compacted {
            Some(Ok(_)) => {
                self.floor = after;
                info!(bytes.before = before, bytes.after = after, bytes.live = live, "Compacted the store");
            }
            // A snapshot is being read; there will be another time.
            Some(Err(redb::CompactionError::TransactionInProgress)) | None => {}
            Some(Err(error)) => warn!(error = %error, "Store could not be compacted"),
        }
    }
}

fn length(shared: &Shared) -> std::io::Result<u64> {
    shared.path().metadata().map(|metadata| metadata.len())
}
