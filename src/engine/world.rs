//! What operations work with. Exists only while unsealed.

use std::sync::{Arc, Weak};

use keyward_sdk::time::Clock;

use super::{
    EngineError, Lifecycle,
    bootstrap::BootstrapRecord,
    cluster::{ClusterKeyRecord, ClusterRecord, JoinRecord, NodeRecord},
    housekeeping::{Cursors, RootAge},
    key::{ImportRecord, Keys},
    settled::{Owed, Settled},
    tenant::{MAIN, TenantRecord, TenantState},
};
use crate::{
    identity::{Identity, IssuerConfig, Issuers, Revocations, RoleConfig, ca::AuthorityRecord},
    keyring::{Table, Vault, View},
    method::TenantId,
    policy::{Policy, PolicyRecord},
    seal::{PathKeys, Renewal},
};

/// The hot copies of control entries that engines read.
#[derive(Clone, Default)]
pub struct Tables {
    /// Authorities: the server's under the system tenant, the nodes' under each tenant.
    pub authorities: Arc<Table<AuthorityRecord>>,
    /// Bootstrap tokens, by hash.
    pub bootstraps: Arc<Table<BootstrapRecord>>,
    /// Wrapping keys that wait for an import, by id.
    pub imports: Arc<Table<ImportRecord>>,
    /// Issuers, by name.
    pub issuers: Arc<Table<IssuerConfig>>,
    /// Named keys, ready for use.
    pub keys: Arc<Keys>,
    /// Clusters, by name.
    pub clusters: Arc<Table<ClusterRecord>>,
    /// The keys of clusters, by cluster id and version.
    pub cluster_keys: Arc<Table<ClusterKeyRecord>>,
    /// Join tokens, by hash.
    pub joins: Arc<Table<JoinRecord>>,
    /// Nodes, by cluster id and name.
    pub nodes: Arc<Table<NodeRecord>>,
    /// The copies of the path keys, one entry under the system tenant.
    pub path_keys: Arc<Table<PathKeys>>,
    /// What a change of the seal left to be done, one entry under the system tenant.
    pub renewal: Arc<Table<Renewal>>,
    /// Since when the root is in force, one entry under the system tenant.
    pub root_age: Arc<Table<RootAge>>,
    /// Policies, by name.
    pub policies: Arc<Table<PolicyRecord>>,
    /// Roles, by name.
    pub roles: Arc<Table<RoleConfig>>,
    /// The tenants, by name, under the system tenant.
    pub tenants: Arc<Table<TenantRecord>>,
}

impl Tables {
    /// As views for [`Vault::open`].
    #[must_use]
    pub fn views(&self) -> Vec<Arc<dyn View>> {
        vec![
            self.authorities.clone(),
            self.bootstraps.clone(),
            self.imports.clone(),
            self.issuers.clone(),
            self.keys.clone(),
            self.clusters.clone(),
            self.cluster_keys.clone(),
            self.joins.clone(),
            self.nodes.clone(),
            self.path_keys.clone(),
            self.renewal.clone(),
            self.root_age.clone(),
            self.policies.clone(),
            self.roles.clone(),
            self.tenants.clone(),
        ]
    }

    /// The id of the tenant `main`.
    ///
    /// # Errors
    /// When the store has none, which `init` made.
    pub fn main_tenant(&self) -> Result<TenantId, EngineError> {
        let found = self.tenants.get(TenantId::SYSTEM, MAIN);
        found.map(|tenant| tenant.id).ok_or_else(|| EngineError::Internal("there is no tenant `main`".to_owned()))
    }
}

/// See the module.
pub struct World {
    /// Storage, keyrings and control state.
    pub vault: Arc<Vault>,
    /// Hot control entries.
    pub tables: Tables,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Who is calling.
    pub identity: Arc<Identity>,
    /// The issuers with their keys.
    pub issuers: Arc<Issuers>,
    /// What was revoked.
    pub revocations: Arc<Revocations>,
    /// What they may do.
    pub policy: Arc<Policy>,
    /// Promises that are kept.
    pub settled: Settled,
    /// Outcomes that are still to be recorded.
    pub owed: Owed,
    /// Where rounds over data ended.
    pub cursors: Cursors,
    pub(super) main: TenantId,
    pub(super) lifecycle: Weak<Lifecycle>,
}

impl World {
    /// Refuses what is asked in a tenant that is suspended, being destroyed, or gone.
    ///
    /// # Errors
    /// [`EngineError::Denied`].
    pub fn active(&self, tenant: TenantId) -> Result<(), EngineError> {
        let tenants = self.tables.tenants.all(TenantId::SYSTEM);
        let active = tenants.iter().any(|(_, record)| record.id == tenant && record.state == TenantState::Active);
        if active { Ok(()) } else { Err(EngineError::Denied) }
    }

    /// The tenant that runs the installation.
    #[must_use]
    pub fn main_tenant(&self) -> TenantId {
        self.main
    }

    /// Where nodes reach the broker, `host:port`, as the settings say.
    ///
    /// # Errors
    /// [`EngineError`] while the broker is being closed.
    pub fn endpoints(&self) -> Result<Vec<String>, EngineError> {
        let lifecycle = self.lifecycle.upgrade().ok_or(EngineError::Sealed)?;
        Ok(lifecycle.parts.endpoints.clone())
    }

    /// The name of a tenant; empty for the installation and for one that is gone.
    #[must_use]
    pub fn tenant_name(&self, id: TenantId) -> String {
        let tenants = self.tables.tenants.all(TenantId::SYSTEM);
        tenants.iter().find(|(_, tenant)| tenant.id == id).map(|(name, _)| name.to_string()).unwrap_or_default()
    }
}
