//! What a change of the seal leaves to be done afterwards, in as many commits as it takes. It is written with the change, so
//! a crash in between loses nothing of it.

use serde::{Deserialize, Serialize};

use crate::{
    keyring::{Changes, ControlType, Vault, VaultError},
    method::TenantId,
};

/// The one entry of its kind.
pub const RENEWAL: &str = "all";
/// How many tenants' keyrings go into one commit: the batch has room for them beside the seal's own entries and the promise
/// and reply of the request.
pub(super) const RINGS: usize = 48;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Renewal {
    /// Whose keyrings are to get a new version, because someone who could open the old ones may open the seal no more.
    pub tenants: Vec<TenantId>,
    /// Whether the root, the system keyring and the keys of paths are to be made anew, so that nothing that is in use opens an
    /// older copy of the store.
    pub seal: bool,
}

impl ControlType for Renewal {
    const KIND: &'static str = "renewal";
}

impl Renewal {
    /// Writes what is left to be done, or that nothing is.
    ///
    /// # Errors
    /// [`VaultError::Format`] for what cannot be encoded; does not happen.
    pub fn put(&self, changes: &mut Changes) -> Result<(), VaultError> {
        if *self == Self::default() {
            changes.delete_control::<Self>(TenantId::SYSTEM, RENEWAL);
            return Ok(());
        }
        changes.put_control(TenantId::SYSTEM, RENEWAL, self)
    }

    /// One commit's worth of the keyrings: their changes, and what is left then.
    ///
    /// # Errors
    /// [`VaultError`] when the changes cannot be made.
    pub fn next_rings(&self, vault: &Vault, now: keyward_sdk::time::Timestamp) -> Result<(Changes, Self), VaultError> {
        let mut changes = Changes::new();
        changes.based_on(TenantId::SYSTEM, vault.counter(TenantId::SYSTEM));
        let rings = vault.rings();
        let (some, rest) = self.tenants.split_at(self.tenants.len().min(RINGS));
        // One that is gone meanwhile needs none.
        for (tenant, ring) in some.iter().filter_map(|tenant| Some((tenant, rings.of(*tenant).ok()?))) {
            changes.put_ring(*tenant, ring.record().rotated(now));
        }
        let left = Self { tenants: rest.to_vec(), ..self.clone() };
        left.put(&mut changes)?;
        Ok((changes, left))
    }
}
