//! What falls due by itself, for the job that runs every minute.

use keyward_sdk::time::Timestamp;

use super::{ImportRecord, KeyRecord, Material, VersionState, rotate};
use crate::{
    engine::{EngineError, World, offload::offload_if},
    keyring::Changes,
    method::TenantId,
};

/// The most bytes of one batch, below what the store takes.
const BYTES: usize = 512 << 10;

/// What is due in one tenant.
pub struct Due {
    /// To be committed.
    pub changes: Changes,
    /// In which tenant.
    pub tenant: TenantId,
    /// Which keys, and wrapping keys by their id.
    pub names: Vec<String>,
}

/// New versions for at most `at_once` keys of one tenant whose period is over at `now`; none when no key is due. A key that cannot be
/// rotated (it has its most versions) is left as it is, and does not hold up others.
///
/// # Errors
/// [`EngineError`] when the changes cannot be made.
pub async fn rotate_due(world: &World, now: Timestamp, at_once: usize) -> Result<Option<Due>, EngineError> {
    for tenant in tenants(world) {
        let counter = world.vault.counter(tenant);
        let mut batch = Room::new(tenant, counter, at_once);
        for key in world.tables.keys.list(tenant, "", "", usize::MAX) {
            let info = key.info();
            if info.next_rotation().is_none_or(|at| at > now) || rotate::rotates_by_itself(info).is_err() {
                continue;
            }
            let (mut record, kind) = (key.record.clone(), info.kind);
            let material = offload_if(kind.is_rsa(), move || Material::generate(kind)).await?;
            if record.add_version(material, now).is_err() {
                continue;
            }
            if !batch.add(&record)? {
                break;
            }
        }
        if let Some(due) = batch.finish() {
            return Ok(Some(due));
        }
    }
    Ok(None)
}

/// The end of at most `at_once` keys, versions and wrapping keys of one tenant whose time has come; none when nothing is due.
///
/// # Errors
/// [`EngineError`] when the changes cannot be made.
pub fn destroy_due(world: &World, now: Timestamp, at_once: usize) -> Result<Option<Due>, EngineError> {
    for tenant in tenants(world) {
        let mut batch = Room::new(tenant, world.vault.counter(tenant), at_once);
        for (name, import) in world.tables.imports.all(tenant) {
            if import.expires_at <= now && batch.room() {
                batch.changes.delete_control::<ImportRecord>(tenant, &name);
                batch.names.push(format!("import {name}"));
            }
        }
        for key in world.tables.keys.list(tenant, "", "", usize::MAX) {
            let info = key.info();
            if info.destroy_at.is_some_and(|at| at <= now) {
                if batch.room() {
                    batch.changes.delete_control::<KeyRecord>(tenant, info.path.as_str());
                    batch.names.push(info.path.to_string());
                }
            } else if info.versions.iter().any(|v| matches!(v.state, VersionState::Scheduled(at) if at <= now)) {
                let mut record = key.record.clone();
                record.destroy_due(now);
                if !batch.add(&record)? {
                    break;
                }
            }
        }
        if let Some(due) = batch.finish() {
            return Ok(Some(due));
        }
    }
    Ok(None)
}

fn tenants(world: &World) -> Vec<TenantId> {
    world.tables.tenants.all(TenantId::SYSTEM).iter().map(|(_, tenant)| tenant.id).collect()
}

/// A batch that stays within the limits of the store.
struct Room {
    tenant: TenantId,
    counter: u64,
    changes: Changes,
    names: Vec<String>,
    bytes: usize,
    at_once: usize,
}

impl Room {
    fn new(tenant: TenantId, counter: u64, at_once: usize) -> Self {
        Self { tenant, counter, changes: Changes::new(), names: Vec::new(), bytes: 0, at_once }
    }

    fn room(&self) -> bool {
        self.names.len() < self.at_once
    }

    /// Adds a record, if there is room for it. One that has become too large is left out.
    fn add(&mut self, record: &KeyRecord) -> Result<bool, EngineError> {
        let bytes = crate::keyring::encode(record)?.len();
        if !self.room() || (!self.names.is_empty() && self.bytes + bytes > BYTES) {
            return Ok(false);
        }
        match record.store(self.tenant, &mut self.changes) {
            Ok(()) => {
                self.names.push(record.info.path.to_string());
                self.bytes += bytes;
                Ok(true)
            }
            Err(EngineError::Limit { .. }) => Ok(true),
            Err(error) => Err(error),
        }
    }

    fn finish(mut self) -> Option<Due> {
        if self.changes.is_empty() {
            return None;
        }
        self.changes.based_on(self.tenant, self.counter);
        Some(Due { changes: self.changes, tenant: self.tenant, names: self.names })
    }
}
