//! The keys of clusters, and those that sign orders to their nodes.

use keyward_kit::cluster::{ClusterId, SeedKey};
use keyward_sdk::{
    crypto::random,
    secret::{Key32, Secret, serde_exposed},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

use super::{ClusterRecord, VersionRecord, VersionState};
use crate::{
    engine::{EngineError, World},
    keyring::{Changes, ControlType},
    method::TenantId,
};

/// The key of one version.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterKeyRecord {
    /// The key.
    #[serde(with = "serde_exposed")]
    pub material: Key32,
}

impl ControlType for ClusterKeyRecord {
    const KIND: &'static str = "cluster-key";
}

/// The key that signs orders to a cluster's nodes. Never leaves the broker.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ControlKeyRecord {
    /// Ed25519, PKCS #8.
    #[serde(with = "serde_exposed")]
    pub(super) pkcs8: Secret,
}

impl ControlType for ControlKeyRecord {
    const KIND: &'static str = "cluster-control-key";
}

fn entry(cluster: &ClusterId, version: u32) -> String {
    format!("{cluster}/{version}")
}

/// Stores the key of a version.
pub(in crate::engine) fn put_key(
    changes: &mut Changes,
    tenant: TenantId,
    cluster: &ClusterId,
    version: u32,
    key: &ClusterKeyRecord,
) -> Result<(), EngineError> {
    Ok(changes.put_control(tenant, &entry(cluster, version), key)?)
}

/// Makes a version with its key.
pub(super) fn make(
    changes: &mut Changes,
    tenant: TenantId,
    cluster: &ClusterId,
    version: u32,
    now: Timestamp,
) -> Result<VersionRecord, EngineError> {
    put_key(changes, tenant, cluster, version, &ClusterKeyRecord { material: Key32::random() })?;
    let mut made_with = [0; 8];
    random::fill_fresh(&mut made_with);
    Ok(VersionRecord { version, random: made_with, state: VersionState::Enabled, created_at: now })
}

/// Destroys all keys of a cluster.
pub(super) fn destroy(changes: &mut Changes, tenant: TenantId, cluster: &ClusterRecord) {
    for version in &cluster.versions {
        changes.delete_control::<ClusterKeyRecord>(tenant, &entry(&cluster.id, version.version));
    }
    changes.delete_control::<ControlKeyRecord>(tenant, &cluster.id.to_string());
}

fn find(
    world: &World,
    tenant: TenantId,
    cluster: &ClusterRecord,
    version: u32,
) -> Result<std::sync::Arc<ClusterKeyRecord>, EngineError> {
    let found = world.tables.cluster_keys.get(tenant, &entry(&cluster.id, version));
    found.ok_or_else(|| {
        EngineError::Internal(format!("version {version} of the key of cluster {} is missing", cluster.name))
    })
}

/// The keys of all versions that may be used.
pub(in crate::engine) fn materials(
    world: &World,
    tenant: TenantId,
    cluster: &ClusterRecord,
) -> Result<Vec<(u32, std::sync::Arc<ClusterKeyRecord>)>, EngineError> {
    let usable = cluster.versions.iter().filter(|version| version.state != VersionState::Disabled);
    usable.map(|version| Ok((version.version, find(world, tenant, cluster, version.version)?))).collect()
}

/// One version, ready to seal and open seeds.
pub(in crate::engine) fn seed_key(
    world: &World,
    tenant: TenantId,
    cluster: &ClusterRecord,
    version: &VersionRecord,
) -> Result<SeedKey, EngineError> {
    let key = find(world, tenant, cluster, version.version)?;
    Ok(SeedKey::new(cluster.place(tenant), version.version, version.random, &key.material))
}
