//! Tenants whose keyrings are still sealed under an older version of the system keyring: a change of the seal had no room
//! for them in its commit. They open meanwhile; a job seals them anew.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use crate::method::TenantId;

/// See the module.
#[derive(Default)]
pub struct Behind(Mutex<BTreeSet<TenantId>>);

impl Behind {
    /// Remembers some.
    pub fn add(&self, tenants: impl IntoIterator<Item = TenantId>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(tenants);
    }

    /// Takes all of them.
    #[must_use]
    pub fn take(&self) -> Vec<TenantId> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_iter().collect()
    }
}
