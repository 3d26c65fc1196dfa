//! Putting a new or changed seal into the store, whole: record, path keys and keyrings in one commit.

use keyward_sdk::time::Timestamp;

use super::{Change, Made, PathKeys, PersonShare, Renewal, renewal::RINGS};
use crate::{
    keyring::{Changes, ControlType, KeyringRecord, Rings, VaultError, decode, encode},
    method::TenantId,
};

impl ControlType for PathKeys {
    const KIND: &'static str = "path-keys";
}

/// The one entry of its kind.
pub const PATH_KEYS: &str = "all";

impl Made {
    /// What the first commit of an installation holds for the seal: record, path keys, system keyring.
    ///
    /// # Errors
    /// [`VaultError::Format`] for what cannot be encoded; does not happen.
    pub fn changes(&self, now: Timestamp) -> Result<Changes, VaultError> {
        let mut changes = Changes::new();
        changes.put_seal(written(&self.record)?.into());
        changes.put_control(TenantId::SYSTEM, PATH_KEYS, &self.keys)?;
        changes.put_ring(TenantId::SYSTEM, KeyringRecord::generate(now));
        Ok(changes)
    }
}

impl Change {
    /// What the commit holds, for whoever commits it with more: the pipeline. `counter` is that of the system's control
    /// state, read before record and path keys were: a change that came in between is a conflict, and the caller begins
    /// again. `pending` is what an earlier change left to be done.
    ///
    /// Where the system keyring gets a new version, tenants' keyrings get one as well, as many as fit in the same commit; the
    /// rest is written down as a [`Renewal`]. Nothing is unreadable meanwhile: older versions still open.
    ///
    /// # Errors
    /// [`VaultError::Format`] for what cannot be encoded.
    pub fn into_changes(
        self,
        rings: &Rings,
        counter: u64,
        now: Timestamp,
        pending: &Renewal,
    ) -> Result<Written, VaultError> {
        let mut changes = Changes::new();
        changes.based_on(TenantId::SYSTEM, counter);
        changes.put_seal(written(&self.record)?.into());
        changes.put_control(TenantId::SYSTEM, PATH_KEYS, &self.keys)?;
        if self.new_system_version {
            changes.put_ring(TenantId::SYSTEM, rings.of(TenantId::SYSTEM)?.record().rotated(now));
            let mut tenants: Vec<TenantId> = rings.tenants().filter(|tenant| *tenant != TenantId::SYSTEM).collect();
            tenants.sort_unstable();
            let rest = tenants.split_off(tenants.len().min(RINGS));
            for tenant in tenants {
                changes.put_ring(tenant, rings.of(tenant)?.record().rotated(now));
            }
            Renewal { tenants: rest, ..pending.clone() }.put(&mut changes)?;
        } else if self.root.is_some() {
            // Written again as it is: writing seals it under the new root. Key records are never cloned; this copy is wiped
            // like its original.
            let copy = decode(&encode(rings.of(TenantId::SYSTEM)?.record())?, "keyring")?;
            changes.put_ring(TenantId::SYSTEM, copy);
        }
        if let Some(root) = self.root {
            changes.put_root(root);
        }
        Ok(Written { changes, shares: self.shares })
    }
}

/// A change as it is to be committed.
#[must_use = "people's shares are shown after the commit or never"]
pub struct Written {
    /// To be committed whole.
    pub changes: Changes,
    /// For people, to be shown once, after the commit.
    pub shares: Vec<PersonShare>,
}

fn written(record: &super::SealRecord) -> Result<Vec<u8>, VaultError> {
    record.encode().map_err(|why| VaultError::Format { place: "the seal record".to_owned(), why: why.to_string() })
}
