//! A tenant as it is stored, under its name in the system tenant.

use keyward_sdk::{crypto::random, time::Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    engine::{EngineError, Keep, World},
    keyring::ControlType,
    method::{Name, ResourceKind, TenantId},
};

/// The name of the tenant that is there from the start.
pub const MAIN: &str = "main";

/// The entry of the authority of a tenant's nodes.
pub const NODE_AUTHORITY: &str = "nodes";

/// What is done once a tenant is gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Afterwards {
    /// Nothing more.
    #[default]
    Nothing,
    /// The root, the system keyring and the keys of paths without people are made anew, so that nothing that is in use opens
    /// an older copy of the store.
    RenewSeal,
}

/// What a tenant is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum TenantState {
    /// In use.
    Active,
    /// Nothing of it can be used until it is resumed.
    Suspended,
    /// As suspended, and destroyed at a time unless that is cancelled.
    Destroying {
        /// When.
        at: Timestamp,
        /// And what then.
        afterwards: Afterwards,
    },
}

/// A tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantRecord {
    /// Random, never used again.
    pub id: TenantId,
    /// Its name, unique while it exists.
    pub name: Name,
    /// What it is in.
    pub state: TenantState,
    /// When it was made.
    pub created_at: Timestamp,
    /// For people, at most 256 bytes.
    pub description: String,
}

impl Keep for TenantRecord {}

impl ControlType for TenantRecord {
    const KIND: &'static str = "tenant";
}

impl TenantRecord {
    /// A new one with an id of its own.
    #[must_use]
    pub fn new(name: Name, description: String, now: Timestamp) -> Self {
        Self { id: TenantId(random::array()), name, state: TenantState::Active, created_at: now, description }
    }
}

/// Finds a tenant by name.
///
/// # Errors
/// [`EngineError::NotFound`].
pub fn find(world: &World, name: &Name) -> Result<TenantRecord, EngineError> {
    let found = world.tables.tenants.get(TenantId::SYSTEM, name.as_str());
    found.map(|record| (*record).clone()).ok_or_else(|| EngineError::not_found(ResourceKind::Tenant, name.as_str()))
}
