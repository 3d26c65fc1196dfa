//! All keyrings of the installation, as one value that is swapped whole.

use std::{collections::HashMap, sync::Arc};

use keyward_sdk::secret::Secret;

use super::{Keyring, VaultError};
use crate::method::TenantId;

/// The open keyrings. The system's own is the tenant [`TenantId::SYSTEM`].
#[derive(Clone)]
pub struct Rings {
    installation: [u8; 16],
    rings: HashMap<TenantId, Arc<Keyring>>,
}

impl Rings {
    pub(super) fn new(installation: [u8; 16]) -> Self {
        Self { installation, rings: HashMap::new() }
    }

    pub(super) fn insert(&mut self, tenant: TenantId, ring: Keyring) {
        self.rings.insert(tenant, Arc::new(ring));
    }

    pub(super) fn remove(&mut self, tenant: TenantId) {
        self.rings.remove(&tenant);
    }

    /// A tenant's keyring.
    ///
    /// # Errors
    /// [`VaultError::NoTenant`] when it has none, or no longer.
    pub fn of(&self, tenant: TenantId) -> Result<&Arc<Keyring>, VaultError> {
        self.rings.get(&tenant).ok_or(VaultError::NoTenant(tenant))
    }

    /// Whose keyrings are here, the system's own included.
    pub fn tenants(&self) -> impl Iterator<Item = TenantId> {
        self.rings.keys().copied()
    }

    /// Seals a value for one place in the store. `stamp` is whatever else the value must not be separated from.
    pub(super) fn seal(&self, tenant: TenantId, place: &str, stamp: u64, plain: &[u8]) -> Result<Vec<u8>, VaultError> {
        self.of(tenant)?.seal(tenant, &self.aad(tenant, place, stamp), plain)
    }

    /// Opens what [`Self::seal`] made for the same place.
    pub(super) fn open(&self, tenant: TenantId, place: &str, stamp: u64, sealed: &[u8]) -> Result<Secret, VaultError> {
        self.of(tenant)?.open(tenant, place, &self.aad(tenant, place, stamp), sealed)
    }

    /// Installation, tenant, stamp, place: all of fixed length but the last, so nothing can be shifted.
    fn aad(&self, tenant: TenantId, place: &str, stamp: u64) -> Vec<u8> {
        let mut aad = Vec::with_capacity(40 + place.len());
        aad.extend_from_slice(&self.installation);
        aad.extend_from_slice(&tenant.0);
        aad.extend_from_slice(&stamp.to_be_bytes());
        aad.extend_from_slice(place.as_bytes());
        aad
    }
}
