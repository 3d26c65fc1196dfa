//! The metadata of a secret.

use std::collections::BTreeMap;

use keyward_sdk::{
    secret::Secret,
    time::{Span, Timestamp},
};
use serde::{Deserialize, Serialize};

use super::body::Body;
use crate::{
    engine::{EngineError, Keep, World},
    keyring::DataPath,
    method::{NamePath, ResourceKind, TenantId},
    storage::{Expect, PathError},
};

/// How many versions are kept when nothing else is said.
pub(super) const DEFAULT_VERSIONS: u32 = 10;
/// The most versions that can be kept.
pub(super) const MAX_VERSIONS: u32 = 1_000;

/// Field names and values. All together at most 1 MiB.
pub type Fields = BTreeMap<String, Secret>;

/// What a version is in, as it is stored. Whether it has expired is told from the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VersionState {
    /// Readable.
    Live,
    /// Hidden; can be brought back.
    Deleted,
    /// The value is gone.
    Destroyed,
}

/// One version in the metadata.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionEntry {
    /// Counts from 1 and never goes back while there is the secret.
    pub number: u32,
    /// When it was written.
    pub created_at: Timestamp,
    /// What it is in.
    pub state: VersionState,
    /// When it stops being readable.
    pub expires_at: Option<Timestamp>,
    /// Where the value lies.
    pub(super) body: Body,
}

impl Keep for VersionEntry {}

/// A secret without its values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretRecord {
    /// Where.
    pub path: NamePath,
    /// The newest version.
    pub current: u32,
    /// When the first version was written.
    pub created_at: Timestamp,
    /// How many versions are kept.
    pub max_versions: u32,
    /// Versions older than this go, but for the newest.
    pub max_age: Option<Span>,
    /// When the secret as a whole stops being readable.
    pub expires_at: Option<Timestamp>,
    /// For people and programs; not secret to those who may list.
    pub labels: BTreeMap<String, String>,
    /// Oldest first.
    pub versions: Vec<VersionEntry>,
}

impl Keep for SecretRecord {}

impl SecretRecord {
    pub(super) fn new(path: NamePath, now: Timestamp) -> Self {
        Self {
            path,
            current: 0,
            created_at: now,
            max_versions: DEFAULT_VERSIONS,
            max_age: None,
            expires_at: None,
            labels: BTreeMap::new(),
            versions: Vec::new(),
        }
    }

    /// Whether a version is past its time, or the secret is.
    #[must_use]
    pub fn expired(&self, version: &VersionEntry, now: Timestamp) -> bool {
        [self.expires_at, version.expires_at].into_iter().flatten().any(|at| at <= now)
    }

    pub(super) fn version_mut(&mut self, number: u32) -> Result<&mut VersionEntry, EngineError> {
        let name = format!("{} version {number}", self.path);
        self.versions
            .iter_mut()
            .find(|v| v.number == number)
            .ok_or_else(|| EngineError::not_found(ResourceKind::Secret, name))
    }
}

pub(super) fn place(tenant: TenantId, path: &NamePath) -> Result<DataPath, PathError> {
    DataPath::new(tenant, &format!("kv/m/{path}"))
}

/// Reads the metadata and what it must still be at the commit.
pub(super) async fn find(
    world: &World,
    tenant: TenantId,
    path: &NamePath,
) -> Result<Option<(SecretRecord, Expect)>, EngineError> {
    let found = world.vault.read::<SecretRecord>(&place(tenant, path)?).await?;
    Ok(found.map(|(record, revision)| (record, Expect::At(revision))))
}

pub(super) async fn existing(
    world: &World,
    tenant: TenantId,
    path: &NamePath,
) -> Result<(SecretRecord, Expect), EngineError> {
    find(world, tenant, path).await?.ok_or_else(|| EngineError::not_found(ResourceKind::Secret, path.as_str()))
}
