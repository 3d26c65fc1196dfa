//! Typed, hot copies of control entries.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    keyring::{ControlType, VaultError, codec},
    method::TenantId,
};

/// Why a view cannot take an entry.
pub type ViewError = VaultError;

/// Something that keeps control entries of one kind hot.
pub trait View: Send + Sync {
    /// The kind.
    fn kind(&self) -> &'static str;
    /// Takes a new value, or the end of an entry. Called in commit order, never twice at a time.
    ///
    /// # Errors
    /// [`ViewError`] when the value is not what this version of Keyward writes.
    fn apply(&self, tenant: TenantId, name: &str, value: Option<&[u8]>) -> Result<(), ViewError>;
    /// Called after all changes of one commit were applied.
    fn settled(&self, _tenant: TenantId) {}
}

type Rows<T> = HashMap<TenantId, BTreeMap<Arc<str>, Arc<T>>>;

/// The usual view: decoded entries by tenant and name.
pub struct Table<T> {
    rows: RwLock<Rows<T>>,
    generation: AtomicU64,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { rows: RwLock::default(), generation: AtomicU64::new(0) }
    }
}

impl<T> Table<T> {
    fn read(&self) -> RwLockReadGuard<'_, Rows<T>> {
        self.rows.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Rows<T>> {
        self.rows.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// One entry.
    #[must_use]
    pub fn get(&self, tenant: TenantId, name: &str) -> Option<Arc<T>> {
        self.read().get(&tenant)?.get(name).cloned()
    }

    /// Entries after `after` in byte order, at most `limit`.
    #[must_use]
    pub fn list(&self, tenant: TenantId, after: &str, limit: usize) -> Vec<(Arc<str>, Arc<T>)> {
        use std::ops::Bound::{Excluded, Unbounded};
        self.read().get(&tenant).map_or_else(Vec::new, |rows| {
            rows.range::<str, _>((Excluded(after), Unbounded))
                .take(limit)
                .map(|(n, v)| (n.clone(), v.clone()))
                .collect()
        })
    }

    /// Every entry of a tenant.
    #[must_use]
    pub fn all(&self, tenant: TenantId) -> Vec<(Arc<str>, Arc<T>)> {
        self.list(tenant, "", usize::MAX)
    }

    /// Grows with each change, so that what was derived from the table can be told to be old.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }
}

impl<T: ControlType> View for Table<T> {
    fn kind(&self) -> &'static str {
        T::KIND
    }

    fn apply(&self, tenant: TenantId, name: &str, value: Option<&[u8]>) -> Result<(), ViewError> {
        let decoded = value.map(|bytes| codec::decode::<T>(bytes, &format!("{}/{name}", T::KIND))).transpose()?;
        let mut rows = self.write();
        match decoded {
            Some(value) => {
                rows.entry(tenant).or_default().insert(name.into(), Arc::new(value));
            }
            None => {
                if let Some(rows) = rows.get_mut(&tenant) {
                    rows.remove(name);
                }
            }
        }
        self.generation.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }
}
