//! What an operation wants to be stored: collected in clear, sealed and committed in one batch by the vault.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};
use zeroize::Zeroizing;

use super::{DataPath, KeyringRecord, RootKey, VaultError, codec};
use crate::{method::TenantId, storage::Expect};

/// A kind of control entry.
pub trait ControlType: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The folder of its entries, e.g. `policy`. Never changes.
    const KIND: &'static str;
}

/// Changes that are stored together or not at all.
#[derive(Default)]
pub struct Changes {
    pub(super) control: BTreeMap<(TenantId, String), Option<Zeroizing<Vec<u8>>>>,
    pub(super) rings: BTreeMap<TenantId, Option<KeyringRecord>>,
    pub(super) basis: BTreeMap<TenantId, u64>,
    pub(super) data: BTreeMap<DataPath, Option<Zeroizing<Vec<u8>>>>,
    pub(super) expect: Vec<(DataPath, Expect)>,
    pub(super) seal: Option<Bytes>,
    pub(super) root: Option<RootKey>,
}

impl Changes {
    /// No changes yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The control state of `tenant` must still be at this counter when the changes are committed. The pipeline says
    /// so for the caller's tenant before it runs an operation; one that reads another tenant's state adds it.
    pub fn based_on(&mut self, tenant: TenantId, counter: u64) {
        self.basis.insert(tenant, counter);
    }

    /// Writes a control entry. `name` is unique within the kind.
    ///
    /// # Errors
    /// [`VaultError::Format`] for what cannot be encoded.
    pub fn put_control<T: ControlType>(&mut self, tenant: TenantId, name: &str, value: &T) -> Result<(), VaultError> {
        self.control.insert((tenant, format!("{}/{name}", T::KIND)), Some(codec::encode(value)?));
        Ok(())
    }

    /// Removes a control entry.
    pub fn delete_control<T: ControlType>(&mut self, tenant: TenantId, name: &str) {
        self.control.insert((tenant, format!("{}/{name}", T::KIND)), None);
    }

    /// Gives a tenant a keyring, or replaces it by one with another version.
    pub fn put_ring(&mut self, tenant: TenantId, ring: KeyringRecord) {
        self.rings.insert(tenant, Some(ring));
    }

    /// Forgets a tenant's keyring: nothing of it can be read from then on.
    pub fn delete_ring(&mut self, tenant: TenantId) {
        self.rings.insert(tenant, None);
    }

    /// Replaces the seal record.
    pub fn put_seal(&mut self, record: Bytes) {
        self.seal = Some(record);
    }

    /// Puts another root key in force with the commit. The same changes hold the seal record that goes with it, and the
    /// system keyring, which is sealed under it.
    pub fn put_root(&mut self, root: RootKey) {
        self.root = Some(root);
    }

    /// Writes data outside the control state.
    ///
    /// # Errors
    /// [`VaultError::Format`] for what cannot be encoded.
    pub fn put_data<T: Serialize>(&mut self, place: DataPath, value: &T) -> Result<(), VaultError> {
        self.data.insert(place, Some(codec::encode(value)?));
        Ok(())
    }

    /// Removes data.
    pub fn delete_data(&mut self, place: DataPath) {
        self.data.insert(place, None);
    }

    /// Demands that data is as it was read.
    pub fn expect(&mut self, place: DataPath, expect: Expect) {
        self.expect.push((place, expect));
    }

    /// Whether there is nothing to store.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.control.is_empty() && self.rings.is_empty() && self.data.is_empty() && self.seal.is_none()
    }

    /// Whether the control state of `tenant` is changed.
    #[must_use]
    pub fn touches_control(&self, tenant: TenantId) -> bool {
        self.control.keys().any(|(of, _)| *of == tenant)
            || (tenant == TenantId::SYSTEM && (!self.rings.is_empty() || self.seal.is_some()))
    }

    /// Takes all that `other` wants as well.
    pub fn absorb(&mut self, other: Self) {
        self.control.extend(other.control);
        self.rings.extend(other.rings);
        self.basis.extend(other.basis);
        self.data.extend(other.data);
        self.expect.extend(other.expect);
        self.seal = other.seal.or(self.seal.take());
        self.root = other.root.or(self.root.take());
    }
}
