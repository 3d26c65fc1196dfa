//! A named key as it is stored, under its path.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use keyward_sdk::{
    crypto::random,
    time::{Span, Timestamp},
};
use serde::{Deserialize, Serialize};

use super::{KeyType, Material, Origin, Use};
use crate::{
    engine::EngineError,
    engine::Keep,
    keyring::{Changes, ControlType, encode},
    method::{NamePath, TenantId},
};

/// The most versions of a key.
pub const MAX_VERSIONS: usize = 500;
/// The most bytes of a key with all its material, well below what one entry of the store may have.
pub const MAX_BYTES: usize = 400 << 10;

/// What a version is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VersionState {
    /// In full use.
    Enabled,
    /// Opens and verifies, and makes nothing new.
    DecryptOnly,
    /// Not used.
    Disabled,
    /// Not used, and destroyed at a time.
    Scheduled(Timestamp),
    /// The material is gone.
    Destroyed,
}

/// One version without its material.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionInfo {
    /// Counts from 1 and never goes back.
    pub number: u32,
    /// Random.
    pub id: [u8; 8],
    /// When it was made.
    pub created_at: Timestamp,
    /// What it is in.
    pub state: VersionState,
}

/// A key without its material.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyInfo {
    /// Where.
    pub path: NamePath,
    /// Random. Ciphertexts are bound to it, not to the path.
    pub id: [u8; 16],
    /// Its type.
    pub kind: KeyType,
    /// Where its material comes from.
    pub origin: Origin,
    /// What it may be used for.
    pub uses: BTreeSet<Use>,
    /// Whether the material may leave wrapped.
    pub exportable: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// The version that makes what is new; 0 while there is none.
    pub primary: u32,
    /// How often it gets a new version by itself.
    pub rotation_period: Option<Span>,
    /// Whether destruction is refused.
    pub deletion_protection: bool,
    /// For people and programs.
    pub labels: BTreeMap<String, String>,
    /// When the whole key is destroyed.
    pub destroy_at: Option<Timestamp>,
    /// Oldest first.
    pub versions: Vec<VersionInfo>,
}

impl Keep for KeyInfo {}

/// A key with its material.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KeyRecord {
    /// All but the material.
    pub info: KeyInfo,
    /// By number of the version. Shared, so that a change of the record copies no secret.
    pub(super) material: BTreeMap<u32, Arc<Material>>,
}

impl ControlType for KeyRecord {
    const KIND: &'static str = "key";
}

impl KeyInfo {
    /// The version of that number.
    ///
    /// # Errors
    /// [`EngineError::State`] when there is none.
    pub fn version(&self, number: u32) -> Result<&VersionInfo, EngineError> {
        self.versions.iter().find(|v| v.number == number).ok_or_else(|| no_version(&self.path, number))
    }

    /// When it is rotated next by itself.
    #[must_use]
    pub fn next_rotation(&self) -> Option<Timestamp> {
        let newest = self.versions.last().map_or(self.created_at, |v| v.created_at);
        self.rotation_period.filter(|_| self.destroy_at.is_none()).map(|period| newest.saturating_add(period))
    }
}

fn no_version(path: &NamePath, number: u32) -> EngineError {
    let what = match number {
        0 => format!("key `{path}` has no version yet; import one"),
        _ => format!("key `{path}` has no version {number}"),
    };
    EngineError::state("NO_SUCH_VERSION", what)
}

impl KeyRecord {
    /// Adds a version that is the primary from now on. The one before only opens and verifies.
    ///
    /// # Errors
    /// [`EngineError::Limit`] when there are too many.
    pub fn add_version(&mut self, material: Material, now: Timestamp) -> Result<(), EngineError> {
        if self.info.versions.len() >= MAX_VERSIONS {
            return Err(EngineError::Limit { what: "the number of versions of a key", limit: MAX_VERSIONS as u64 });
        }
        let number = self.info.versions.last().map_or(0, |v| v.number).saturating_add(1);
        let before = self.info.primary;
        for version in &mut self.info.versions {
            if version.number == before && version.state == VersionState::Enabled {
                version.state = VersionState::DecryptOnly;
            }
        }
        let version = VersionInfo { number, id: random::array(), created_at: now, state: VersionState::Enabled };
        self.info.versions.push(version);
        self.info.primary = number;
        self.material.insert(number, Arc::new(material));
        Ok(())
    }

    /// The version of that number, to be changed.
    ///
    /// # Errors
    /// [`EngineError::State`] when there is none.
    pub(super) fn version_mut(&mut self, number: u32) -> Result<&mut VersionInfo, EngineError> {
        let path = self.info.path.clone();
        self.info.versions.iter_mut().find(|v| v.number == number).ok_or_else(|| no_version(&path, number))
    }

    /// Destroys what is due: material goes, the version stays listed.
    pub(super) fn destroy_due(&mut self, now: Timestamp) {
        for version in &mut self.info.versions {
            if matches!(version.state, VersionState::Scheduled(at) if at <= now) {
                version.state = VersionState::Destroyed;
                self.material.remove(&version.number);
            }
        }
    }

    /// Adds the record to `changes`.
    ///
    /// # Errors
    /// [`EngineError::Limit`] when it has grown too large.
    pub(super) fn store(&self, tenant: TenantId, changes: &mut Changes) -> Result<(), EngineError> {
        if encode(self)?.len() > MAX_BYTES {
            return Err(EngineError::Limit {
                what: "the size of the key with all its versions",
                limit: MAX_BYTES as u64,
            });
        }
        changes.put_control(tenant, self.info.path.as_str(), self)?;
        Ok(())
    }
}
