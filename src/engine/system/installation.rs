//! Shows the installation, and what an operator should look at.

use keyward_sdk::{
    harden::{MemoryLock, memory_lock},
    time::{Span, Timestamp},
};
use rustix::process::{DumpableBehavior, dumpable_behavior};

use super::{SYSTEM, change::record_of};
use crate::{
    engine::{Done, EngineError, Lifecycle, Operation, Reply, World, backup, cluster},
    method::{Action, Method, TenantId, Tenantwide, rows},
    policy::Permit,
    seal::{self, Reach},
};

/// After how long without a backup a warning comes.
const BACKUP_DUE: Span = Span::from_hours(24);

/// See the module.
pub struct GetStatus;

/// What is shown.
pub struct Installed {
    /// The version of this program.
    pub version: &'static str,
    /// The installation, 32 hex digits.
    pub installation: String,
    /// To be pinned in the settings.
    pub root_fingerprint: String,
    /// `production` or `dev`.
    pub store_kind: &'static str,
    /// The system's, then the tenants'.
    pub keyrings: Vec<KeyringStatus>,
    /// When the last backup was handed out whole.
    pub last_backup: Option<Timestamp>,
    /// What protects keys in memory.
    pub memory: String,
    /// The most urgent first.
    pub warnings: Vec<String>,
    /// When the daemon was started.
    pub started: Timestamp,
}

/// One keyring.
pub struct KeyringStatus {
    /// Whose; none: the system's.
    pub tenant: Option<String>,
    /// How many versions it has.
    pub versions: usize,
    /// The one that seals.
    pub primary: u32,
    /// When that was made.
    pub rotated_at: Option<Timestamp>,
}

impl Reply for Installed {}

impl Action for GetStatus {
    const METHOD: &'static Method = &rows::seal::INSTALLATION;
    type Resource = Tenantwide;
    fn resource(&self) -> Tenantwide {
        SYSTEM
    }
}

impl Operation for GetStatus {
    type Reply = Installed;

    async fn execute(&self, _permit: &Permit<Self>, world: &World) -> Result<Done<Installed>, EngineError> {
        let lifecycle = world.lifecycle.upgrade().ok_or(EngineError::Sealed)?;
        let record = record_of(world).await?;
        let last_backup = backup::last(world).await?.map(|last| last.at);
        let (memory, weak) = memory();
        let mut warnings = lifecycle.audit_warnings();
        warnings.extend(dead_members(&seal::status(&record, &lifecycle.proofs())));
        let backed_up = world.vault.storage().snapshots().is_some();
        if backed_up && last_backup.is_none_or(|at| at.saturating_add(BACKUP_DUE) <= world.clock.now()) {
            let seen = last_backup.map_or("there is none".to_owned(), |at| format!("the last is of {at}"));
            warnings.push(format!("no backup is younger than 24 hours, {seen}: run `keyward backup create FILE`"));
        }
        warnings.extend(of_nodes(world).await?);
        warnings.extend(weak);
        let store_kind = store_kind(&lifecycle);
        Ok(Done::Answer(Installed {
            version: env!("CARGO_PKG_VERSION"),
            installation: record.installation().to_string(),
            root_fingerprint: record.root().fingerprint.to_string(),
            store_kind,
            keyrings: keyrings(world),
            last_backup,
            memory,
            warnings,
            started: lifecycle.started(),
        }))
    }
}

/// Only `keyward dev` lets operators' tokens be used without a key, and only it opens a `dev` store.
fn store_kind(lifecycle: &Lifecycle) -> &'static str {
    if lifecycle.parts.operator_bearer { "dev" } else { "production" }
}

/// What the nodes of all clusters say that operators must know.
async fn of_nodes(world: &World) -> Result<Vec<String>, EngineError> {
    let mut warnings = Vec::new();
    for (_, tenant) in world.tables.tenants.all(TenantId::SYSTEM) {
        for (_, cluster) in world.tables.clusters.all(tenant.id) {
            warnings.extend(cluster::warnings(world, tenant.id, &cluster).await?);
        }
    }
    Ok(warnings)
}

fn dead_members(status: &seal::Status) -> Vec<String> {
    let each = status.paths.iter().flat_map(|path| path.members.iter().map(move |member| (path, member)));
    each.filter_map(|(path, member)| match &member.reach {
        Reach::Failed { error, .. } => Some(format!("seal member `{}` of path `{}`: {error}", member.name, path.name)),
        Reach::Person | Reach::Reachable { .. } | Reach::Unknown => None,
    })
    .collect()
}

fn keyrings(world: &World) -> Vec<KeyringStatus> {
    let rings = world.vault.rings();
    let names = world.tables.tenants.all(TenantId::SYSTEM);
    let tenants = names.iter().map(|(name, tenant)| (tenant.id, Some(name.to_string())));
    let all = std::iter::once((TenantId::SYSTEM, None)).chain(tenants);
    all.filter_map(|(id, tenant)| {
        let record = rings.of(id).ok()?.record();
        let primary = record.versions.iter().find(|version| version.number == record.primary);
        let rotated_at = primary.map(|version| version.created_at);
        Some(KeyringStatus { tenant, versions: record.versions.len(), primary: record.primary, rotated_at })
    })
    .collect()
}

/// In words, and what is weak about it.
fn memory() -> (String, Vec<String>) {
    let mut weak = Vec::new();
    let lock = match memory_lock() {
        MemoryLock::Locked { bytes, overflow: 0 } => format!("keys in {} KiB of locked memory", bytes >> 10),
        MemoryLock::Locked { bytes, overflow } => {
            format!("keys in {} KiB of locked memory, {overflow} in ordinary memory for want of room", bytes >> 10)
        }
        MemoryLock::Refused { why } => {
            weak.push(format!("key memory is not locked ({why}) and may be swapped: raise the limit of locked memory"));
            "keys in ordinary memory".to_owned()
        }
    };
    let undumpable = matches!(dumpable_behavior(), Ok(DumpableBehavior::NotDumpable));
    if !undumpable {
        weak.push("other processes of the daemon's user can read its memory".to_owned());
    }
    (format!("{lock}; the process can{} be dumped", if undumpable { "not" } else { "" }), weak)
}
