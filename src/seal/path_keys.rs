//! The copies of the path keys that lie under the system keyring, so that the root can be changed without the members.

use serde::{Deserialize, Serialize};

use super::Name;

keyward_sdk::secret_key! {
    /// Wraps the root for one path.
    pub PathKey
}

/// The keys of all paths. Stored sealed by the system keyring, in the same commit as the record.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PathKeys {
    entries: Vec<Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    path: Name,
    epoch: u32,
    #[serde(with = "keyward_sdk::secret::serde_exposed")]
    key: PathKey,
}

impl PathKeys {
    /// The key of a path as it was made in `epoch`.
    pub(super) fn of(&self, path: &Name, epoch: u32) -> Option<&PathKey> {
        self.entries.iter().find(|entry| entry.path == *path && entry.epoch == epoch).map(|entry| &entry.key)
    }

    pub(super) fn put(&mut self, path: Name, epoch: u32, key: PathKey) {
        self.entries.retain(|entry| entry.path != path);
        self.entries.push(Entry { path, epoch, key });
    }

    pub(super) fn remove(&mut self, path: &Name) {
        self.entries.retain(|entry| entry.path != *path);
    }
}
