//! Putting a new or changed seal into the store, whole: record, path keys and keyrings in one commit.

use keyward_sdk::time::Timestamp;

use super::{Change, Made, PathKeys, PersonShare};
use crate::{
    keyring::{Changes, ControlType, KeyringRecord, Rings, Vault, VaultError, decode, encode},
    method::TenantId,
};

impl ControlType for PathKeys {
    const KIND: &'static str = "path-keys";
}

/// The one entry of its kind.
pub const PATH_KEYS: &str = "all";

/// How many tenants' keyrings are sealed anew in one commit: the batch has room for them beside the seal's own entries
/// and the promise and reply of the request.
const RINGS: usize = 48;
/// How often a step is tried again that another change of the system's state came before.
const RETRIES: usize = 10;

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
    /// again.
    ///
    /// Where the system keyring gets a new version, tenants' keyrings are sealed under it, as many as fit in the same
    /// commit; [`catch_up`] does the rest. Killed in between, the next such change catches up, and nothing is unreadable
    /// meanwhile: the old version still opens.
    ///
    /// # Errors
    /// [`VaultError::Format`] for what cannot be encoded.
    pub fn into_changes(self, rings: &Rings, counter: u64, now: Timestamp) -> Result<Written, VaultError> {
        let mut changes = Changes::new();
        changes.based_on(TenantId::SYSTEM, counter);
        changes.put_seal(written(&self.record)?.into());
        changes.put_control(TenantId::SYSTEM, PATH_KEYS, &self.keys)?;
        let mut behind = Vec::new();
        if self.new_system_version {
            changes.put_ring(TenantId::SYSTEM, rings.of(TenantId::SYSTEM)?.record().rotated(now));
            behind = rings.tenants().filter(|tenant| *tenant != TenantId::SYSTEM).collect();
            let first = behind.drain(..behind.len().min(RINGS));
            seal_anew(rings, first, &mut changes)?;
        } else if self.root.is_some() {
            seal_anew(rings, [TenantId::SYSTEM], &mut changes)?;
        }
        if let Some(root) = self.root {
            changes.put_root(root);
        }
        Ok(Written { changes, behind, shares: self.shares })
    }

    /// Commits the change by itself, catches up, and gives the shares to be shown.
    ///
    /// # Errors
    /// [`NotCommitted`]. With [`VaultError::Conflict`] nothing was written.
    pub async fn commit(mut self, vault: &Vault, counter: u64, now: Timestamp) -> Result<Committed, Box<NotCommitted>> {
        let shares = std::mem::take(&mut self.shares);
        match self.store(vault, counter, now).await {
            Ok(behind) => Ok(Committed { shares, behind: catch_up(vault, &behind).await.err() }),
            Err(error) => Err(Box::new(NotCommitted { error, shares })),
        }
    }

    async fn store(self, vault: &Vault, counter: u64, now: Timestamp) -> Result<Vec<TenantId>, VaultError> {
        let Written { changes, behind, .. } = self.into_changes(&vault.rings(), counter, now)?;
        vault.commit(changes).await?;
        Ok(behind)
    }
}

/// A change as it is to be committed.
#[must_use = "people's shares are shown after the commit or never"]
pub struct Written {
    /// To be committed whole.
    pub changes: Changes,
    /// Tenants whose keyrings did not fit, for [`catch_up`].
    pub behind: Vec<TenantId>,
    /// For people, to be shown once, after the commit.
    pub shares: Vec<PersonShare>,
}

/// The change stands.
#[derive(Debug)]
#[must_use = "people's shares are shown now or never"]
pub struct Committed {
    /// For people, to be shown once.
    pub shares: Vec<PersonShare>,
    /// Why some tenants' keyrings are still sealed under the old system version. They open; the next such change catches up.
    pub behind: Option<VaultError>,
}

/// The change was not made, or it is not known whether it was.
#[derive(Debug, thiserror::Error)]
#[error("seal was not changed: {error}")]
pub struct NotCommitted {
    /// Why.
    #[source]
    pub error: VaultError,
    /// Void, unless the outcome is unknown: then they are shown with a warning, since the change may stand.
    pub shares: Vec<PersonShare>,
}

/// Seals keyrings under the newest system version, as they are at that moment.
///
/// # Errors
/// Why some were not; the others were.
pub async fn catch_up(vault: &Vault, tenants: &[TenantId]) -> Result<(), VaultError> {
    let mut failed = None;
    for some in tenants.chunks(RINGS) {
        failed = catch_up_some(vault, some).await.err().or(failed);
    }
    failed.map_or(Ok(()), Err)
}

async fn catch_up_some(vault: &Vault, tenants: &[TenantId]) -> Result<(), VaultError> {
    for _ in 0..RETRIES {
        let mut changes = Changes::new();
        changes.based_on(TenantId::SYSTEM, vault.counter(TenantId::SYSTEM));
        let rings = vault.rings();
        let there = tenants.iter().copied().filter(|tenant| rings.of(*tenant).is_ok());
        seal_anew(&rings, there, &mut changes)?;
        match vault.commit(changes).await {
            Err(VaultError::Conflict) => {}
            other => return other.map(drop),
        }
    }
    Err(VaultError::Conflict)
}

/// Writes keyrings again as they are; writing seals them under what is primary then.
fn seal_anew(
    rings: &Rings,
    tenants: impl IntoIterator<Item = TenantId>,
    changes: &mut Changes,
) -> Result<(), VaultError> {
    for tenant in tenants {
        // Key records are never cloned; this copy is wiped like its original.
        let copy = decode(&encode(rings.of(tenant)?.record())?, "keyring")?;
        changes.put_ring(tenant, copy);
    }
    Ok(())
}

fn written(record: &super::SealRecord) -> Result<Vec<u8>, VaultError> {
    record.encode().map_err(|why| VaultError::Format { place: "the seal record".to_owned(), why: why.to_string() })
}
