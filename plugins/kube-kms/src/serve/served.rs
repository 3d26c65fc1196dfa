//! What is served at one moment: replaced as a whole, so no answer mixes two keysets.

use std::sync::Arc;

use keyward_kit::cluster::SeedKey;

use crate::{
    broker::Held,
    keyset::{Keyset, Mode, VersionState},
};

/// One version, ready for use.
#[derive(Debug)]
pub struct Entry {
    /// Its number.
    pub version: u32,
    /// Its key_id.
    pub key_id: String,
    /// What it may be used for.
    pub state: VersionState,
    /// The key; none in mode `remote`.
    pub key: Option<SeedKey>,
}

/// A keyset, ready for use.
#[derive(Debug)]
pub struct Served {
    entries: Vec<Arc<Entry>>,
    primary: Arc<Entry>,
    keyset: Keyset,
}

impl Served {
    /// Derives what serving needs. `None` for a keyset without its primary, which a check would have refused.
    #[must_use]
    pub fn of(keyset: &Keyset) -> Option<Self> {
        let entries: Vec<Arc<Entry>> = keyset
            .versions
            .iter()
            .map(|version| {
                let material = version.material.as_ref().filter(|_| version.state != VersionState::Disabled);
                Arc::new(Entry {
                    version: version.version,
                    key_id: keyset.key_id(version).to_string(),
                    state: version.state,
                    key: material.map(|key| SeedKey::new(keyset.place, version.version, version.random, key.key())),
                })
            })
            .collect();
        let primary = Arc::clone(entries.iter().find(|entry| entry.version == keyset.primary)?);
        Some(Self { entries, primary, keyset: keyset.clone() })
    }

    /// The version that encrypts.
    #[must_use]
    pub fn primary(&self) -> &Arc<Entry> {
        &self.primary
    }

    /// Where the work is done.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.keyset.mode
    }

    /// The keyset.
    #[must_use]
    pub fn keyset(&self) -> &Keyset {
        &self.keyset
    }

    /// A version by its key_id. The primary is met most often, then the newest.
    #[must_use]
    pub fn find(&self, key_id: &str) -> Option<&Arc<Entry>> {
        if self.primary.key_id == key_id {
            return Some(&self.primary);
        }
        self.entries.iter().rev().find(|entry| entry.key_id == key_id)
    }

    /// What a connection was told, if it may encrypt still, else the primary.
    #[must_use]
    pub fn for_encrypt(&self, told: Option<&Arc<Entry>>) -> &Arc<Entry> {
        match told {
            Some(told) if Arc::ptr_eq(told, &self.primary) => &self.primary,
            Some(told) => {
                self.find(&told.key_id).filter(|entry| entry.state == VersionState::Enabled).unwrap_or(&self.primary)
            }
            None => &self.primary,
        }
    }

    /// What the broker is told about it.
    #[must_use]
    pub fn held(&self) -> Held {
        Held {
            generation: self.keyset.generation,
            versions: self.keyset.versions.iter().map(|version| (version.version, version.random)).collect(),
            primary: self.primary.version,
        }
    }
}
