//! What is stored of clusters and nodes.

use std::sync::Arc;

use keyward_kit::cluster::{ClusterId, ClusterKeyId, KeyId, NodeId, SeedPlace};
use keyward_sdk::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};

use super::TakeBack;
use crate::{
    engine::{EngineError, Keep, World},
    keyring::ControlType,
    method::{Name, ResourceKind, TenantId},
};

/// Where Encrypt and Decrypt are done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClusterMode {
    /// On the nodes.
    Local,
    /// Here; the key never leaves the broker.
    Remote,
}

/// What a version may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VersionState {
    /// Encrypts as the primary, and decrypts.
    Enabled,
    /// Decrypts.
    DecryptOnly,
    /// Neither, for now.
    Disabled,
}

/// How long nodes go on without the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allowance {
    /// Reads and writes; none: without end.
    pub offline_max: Option<Span>,
    /// Writes, where that is shorter.
    pub offline_writes_max: Option<Span>,
}

impl Default for Allowance {
    fn default() -> Self {
        Self { offline_max: Some(Span::from_days(30)), offline_writes_max: None }
    }
}

/// One version of a cluster's key, without the key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VersionRecord {
    /// Counts from 1.
    pub version: u32,
    /// Made with it: a restored broker that makes the same number again makes another key_id.
    pub random: [u8; 8],
    /// What it may be used for.
    pub state: VersionState,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterRecord {
    /// Its name.
    pub name: Name,
    /// Its id, never used again.
    pub id: ClusterId,
    /// Its key's id.
    pub key: ClusterKeyId,
    /// Where the work is done.
    pub mode: ClusterMode,
    /// For people.
    pub description: String,
    /// When it was registered.
    pub created_at: Timestamp,
    /// How its nodes go on without the broker.
    pub allowance: Allowance,
    /// Oldest first.
    pub versions: Vec<VersionRecord>,
    /// The version that encrypts, until `next` takes over.
    pub primary: u32,
    /// The version that will encrypt, and from when on.
    pub next: Option<(u32, Timestamp)>,
    /// A version that becomes `next` when all live nodes hold it.
    pub waiting: Option<u32>,
    /// Grows with each change that nodes have to know.
    pub generation: u64,
    /// Whose keyset an operator wants, after a restore.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub take_back: Option<TakeBack>,
    /// The public half of the key that signs orders to the nodes.
    pub control_key: [u8; 32],
}

impl Keep for ClusterRecord {}

impl ControlType for ClusterRecord {
    const KIND: &'static str = "cluster";
}

impl ClusterRecord {
    /// Where its key belongs.
    #[must_use]
    pub fn place(&self, tenant: TenantId) -> SeedPlace {
        SeedPlace { tenant: tenant.0, cluster: self.id, key: self.key }
    }

    /// The version that encrypts at this moment.
    #[must_use]
    pub fn primary_at(&self, now: Timestamp) -> u32 {
        self.next.filter(|(_, at)| *at <= now).map_or(self.primary, |(next, _)| next)
    }

    /// Makes what has come about by time part of the record, before it is changed.
    pub(in crate::engine) fn settle(&mut self, now: Timestamp) {
        self.primary = self.primary_at(now);
        if self.next.is_some_and(|(_, at)| at <= now) {
            self.next = None;
        }
    }

    /// A version by its number.
    #[must_use]
    pub fn version(&self, number: u32) -> Option<&VersionRecord> {
        self.versions.iter().find(|version| version.version == number)
    }

    /// The key_id of a version.
    #[must_use]
    pub fn key_id(&self, version: &VersionRecord) -> String {
        KeyId::of(&self.id, &self.key, version.version, version.random).to_string()
    }
}

/// What a node is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeState {
    /// May have the keyset.
    Active,
    /// An older certificate was to be renewed after a newer one had been used: a copy of the node's state is about.
    Locked,
    /// Shut out.
    Revoked,
}

/// A certificate that was made for a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuedAs {
    /// Its number: each has another one, and a higher one.
    pub generation: u64,
    /// The SHA-256 of its public key (SPKI).
    pub key: [u8; 32],
}

/// A node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeRecord {
    /// Its name.
    pub name: Name,
    /// Its id, never used again.
    pub id: NodeId,
    /// What it is in.
    pub state: NodeState,
    /// When it joined.
    pub joined_at: Timestamp,
    /// The newest certificate that was made for it.
    pub issued: IssuedAs,
    /// The newest that it has shown.
    pub used: IssuedAs,
    /// When its newest certificate ends.
    pub certificate_expires_at: Timestamp,
    /// Where it reaches the broker, from its join token.
    pub endpoints: Vec<String>,
}

impl ControlType for NodeRecord {
    const KIND: &'static str = "node";
}

/// A version that a node holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeldVersion {
    /// Its number.
    pub version: u32,
    /// Made with it.
    pub random: [u8; 8],
}

/// What a node said last. Data, not control.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportRecord {
    /// When.
    pub at: Timestamp,
    /// The generation that it holds.
    pub generation: u64,
    /// The versions that it holds.
    pub versions: Vec<HeldVersion>,
    /// The version of its software.
    pub software: String,
    /// Why it does not believe the broker's audit log, if it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<String>,
}

impl ReportRecord {
    /// Whether it holds a version of this number.
    #[must_use]
    pub fn holds(&self, version: u32) -> bool {
        self.versions.iter().any(|held| held.version == version)
    }
}

/// The cluster of this name.
pub(in crate::engine) fn existing(
    world: &World,
    tenant: TenantId,
    name: &Name,
) -> Result<Arc<ClusterRecord>, EngineError> {
    let found = world.tables.clusters.get(tenant, name.as_str());
    found.ok_or_else(|| EngineError::not_found(ResourceKind::Cluster, name.as_str()))
}
