//! What operations work with. Exists only while unsealed.

use std::sync::Arc;

use keyward_sdk::time::Clock;

use super::tenant::TenantRecord;
use crate::keyring::{Table, Vault, View};

/// The hot copies of control entries that engines read.
#[derive(Default)]
pub struct Tables {
    /// The tenants, by name, under the system tenant.
    pub tenants: Arc<Table<TenantRecord>>,
}

impl Tables {
    /// As views for [`Vault::open`].
    #[must_use]
    pub fn views(&self) -> Vec<Arc<dyn View>> {
        vec![self.tenants.clone()]
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
}
