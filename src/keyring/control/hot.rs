//! What is known of the control state in memory.

use std::{array, collections::HashMap};

use super::{
    Head,
    index::{BUCKETS, Bucket, HeadRecord},
};
use crate::{keyring::VaultError, method::TenantId, storage::Revision};

/// One tenant's control state, without the values, which the views hold.
#[derive(Clone)]
pub(in crate::keyring) struct TenantHot {
    pub(in crate::keyring) counter: u64,
    pub(in crate::keyring) head_at: Option<Revision>,
    pub(in crate::keyring) buckets: [Bucket; BUCKETS],
}

impl Default for TenantHot {
    fn default() -> Self {
        Self { counter: 0, head_at: None, buckets: array::from_fn(|_| Bucket::default()) }
    }
}

impl TenantHot {
    /// The head that belongs to the buckets.
    pub(in crate::keyring) fn head(&self) -> Result<HeadRecord, VaultError> {
        let buckets = self.buckets.iter().map(Bucket::digest).collect::<Result<_, _>>()?;
        Ok(HeadRecord { counter: self.counter, buckets })
    }
}

/// All tenants.
#[derive(Clone, Default)]
pub(in crate::keyring) struct Hot {
    pub(in crate::keyring) tenants: HashMap<TenantId, TenantHot>,
}

impl Hot {
    pub(in crate::keyring) fn counter(&self, tenant: TenantId) -> u64 {
        self.tenants.get(&tenant).map_or(0, |t| t.counter)
    }

    pub(in crate::keyring) fn heads(&self) -> Result<Vec<Head>, VaultError> {
        let mut heads = self
            .tenants
            .iter()
            .map(|(tenant, hot)| Ok(Head { tenant: *tenant, counter: hot.counter, digest: hot.head()?.digest() }))
            .collect::<Result<Vec<_>, VaultError>>()?;
        heads.sort_by_key(|head| head.tenant);
        Ok(heads)
    }
}
