//! The keys that requests use: decoded once a change, prepared once a version, never read from the store.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Bound::{Excluded, Included, Unbounded},
    sync::{
        Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard,
        atomic::{AtomicU64, Ordering},
    },
};

use keyward_sdk::crypto::CryptoError;

use super::{KeyInfo, KeyRecord, Material, Prepared, Use, VersionState};
use crate::{
    engine::EngineError,
    keyring::{ControlType, VaultError, View, decode},
    method::{Attribute, Attributes, NamePath, ResourceKind, TenantId},
};

/// A key as requests use it.
pub struct HotKey {
    /// As it is stored.
    pub record: KeyRecord,
    tenant: TenantId,
    versions: BTreeMap<u32, Arc<HotVersion>>,
}

/// A version with its material.
pub struct HotVersion {
    /// Its number.
    pub number: u32,
    id: [u8; 8],
    material: Arc<Material>,
    prepared: OnceLock<Result<Prepared, CryptoError>>,
    uses: AtomicU64,
}

impl HotKey {
    /// Makes a record usable. Versions that `before` has prepared already are taken from there.
    #[must_use]
    pub fn new(tenant: TenantId, record: KeyRecord, before: Option<&Self>) -> Self {
        let mut versions = BTreeMap::new();
        for (info, material) in record.info.versions.iter().filter_map(|v| Some((v, record.material.get(&v.number)?))) {
            let known = before.and_then(|key| key.versions.get(&info.number)).filter(|known| known.id == info.id);
            let version = known.cloned().unwrap_or_else(|| {
                Arc::new(HotVersion {
                    number: info.number,
                    id: info.id,
                    material: material.clone(),
                    prepared: OnceLock::new(),
                    uses: AtomicU64::new(0),
                })
            });
            versions.insert(info.number, version);
        }
        Self { record, tenant, versions }
    }

    /// Whose it is.
    #[must_use]
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// All but the material.
    #[must_use]
    pub fn info(&self) -> &KeyInfo {
        &self.record.info
    }

    /// How often each version was used since the start.
    #[must_use]
    pub fn uses(&self) -> BTreeMap<u32, u64> {
        self.versions.iter().map(|(number, version)| (*number, version.uses.load(Ordering::Relaxed))).collect()
    }

    /// A version that may do this now; 0 is the primary.
    ///
    /// # Errors
    /// [`EngineError::State`] with what stands against it.
    pub fn version_for(&self, to: Use, number: u32) -> Result<&HotVersion, EngineError> {
        let info = self.info();
        if !info.uses.contains(&to) {
            let what = format!("key `{}` may not be used to {to}; that was fixed when it was made", info.path);
            return Err(EngineError::state("OPERATION_NOT_ALLOWED", what));
        }
        if info.destroy_at.is_some() {
            let what = format!("key `{}` is to be destroyed; cancel that first", info.path);
            return Err(EngineError::state("KEY_DESTROYING", what));
        }
        let number = if number == 0 { info.primary } else { number };
        let makes = matches!(to, Use::Encrypt | Use::Sign | Use::Mac);
        let refuse = |reason, what: &str| {
            Err(EngineError::state(reason, format!("version {number} of key `{}` {what}", info.path)))
        };
        match info.version(number)?.state {
            VersionState::Enabled => {}
            VersionState::DecryptOnly if !makes => {}
            VersionState::DecryptOnly => {
                return refuse("KEY_VERSION_DECRYPT_ONLY", "makes nothing new; rotate the key");
            }
            VersionState::Disabled => return refuse("KEY_VERSION_DISABLED", "is disabled"),
            VersionState::Scheduled(_) => {
                return refuse("KEY_VERSION_DESTROYING", "is to be destroyed; cancel that first");
            }
            VersionState::Destroyed => return refuse("KEY_VERSION_DESTROYED", "was destroyed"),
        }
        let version = self.material(number)?;
        version.uses.fetch_add(1, Ordering::Relaxed);
        Ok(version)
    }

    /// A version that still has its material, whatever it may do.
    ///
    /// # Errors
    /// [`EngineError::State`] when it was destroyed.
    pub fn material(&self, number: u32) -> Result<&HotVersion, EngineError> {
        let destroyed = || {
            EngineError::state(
                "KEY_VERSION_DESTROYED",
                format!("version {number} of key `{}` was destroyed", self.info().path),
            )
        };
        self.versions.get(&number).map(|version| &**version).ok_or_else(destroyed)
    }

    /// A version ready for use.
    ///
    /// # Errors
    /// [`EngineError::Internal`] when the stored material is no key.
    pub fn prepared<'k>(&self, version: &'k HotVersion) -> Result<&'k Prepared, EngineError> {
        let prepared = version.prepared.get_or_init(|| Prepared::new(self.info(), &version.material));
        prepared.as_ref().map_err(|error| EngineError::Internal(format!("key `{}`: {error}", self.info().path)))
    }
}

type Rows = HashMap<TenantId, BTreeMap<Arc<str>, Arc<HotKey>>>;

/// All keys of all tenants.
#[derive(Default)]
pub struct Keys {
    rows: RwLock<Rows>,
}

impl Keys {
    fn read(&self) -> RwLockReadGuard<'_, Rows> {
        self.rows.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// One key, if there is one.
    #[must_use]
    pub fn get(&self, tenant: TenantId, path: &NamePath) -> Option<Arc<HotKey>> {
        self.read().get(&tenant)?.get(path.as_str()).cloned()
    }

    /// One key.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub fn find(&self, tenant: TenantId, path: &NamePath) -> Result<Arc<HotKey>, EngineError> {
        self.get(tenant, path).ok_or_else(|| EngineError::not_found(ResourceKind::Key, path.as_str()))
    }

    /// What policies can read of a key.
    #[must_use]
    pub fn attributes(&self, tenant: TenantId, path: &NamePath) -> Attributes {
        self.get(tenant, path).map_or_else(Attributes::new, |key| {
            let info = key.info();
            attributes(info.exportable, info.origin, info.kind)
        })
    }

    /// Keys that begin with `prefix`, after `after` in byte order, at most `limit`.
    #[must_use]
    pub fn list(&self, tenant: TenantId, prefix: &str, after: &str, limit: usize) -> Vec<Arc<HotKey>> {
        let rows = self.read();
        let Some(rows) = rows.get(&tenant) else { return Vec::new() };
        let from = if after < prefix { Included(prefix) } else { Excluded(after) };
        let found = rows.range::<str, _>((from, Unbounded)).take_while(|(path, _)| path.starts_with(prefix));
        found.take(limit).map(|(_, key)| key.clone()).collect()
    }

    /// How many keys a tenant has.
    #[must_use]
    pub fn count(&self, tenant: TenantId) -> usize {
        self.read().get(&tenant).map_or(0, BTreeMap::len)
    }
}

/// The attributes of a key, in their order.
pub(super) fn attributes(exportable: bool, origin: super::Origin, kind: super::KeyType) -> Attributes {
    vec![
        Attribute::Bool("exportable", exportable),
        Attribute::Text("origin", origin.name().to_owned()),
        Attribute::Text("type", kind.name().to_owned()),
    ]
}

impl View for Keys {
    fn kind(&self) -> &'static str {
        KeyRecord::KIND
    }

    fn apply(&self, tenant: TenantId, name: &str, value: Option<&[u8]>) -> Result<(), VaultError> {
        let record = value.map(|bytes| decode::<KeyRecord>(bytes, &format!("key/{name}"))).transpose()?;
        let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        let rows = rows.entry(tenant).or_default();
        match record {
            Some(record) => {
                let key = HotKey::new(tenant, record, rows.get(name).map(|key| &**key));
                rows.insert(name.into(), Arc::new(key));
            }
            None => {
                rows.remove(name);
            }
        }
        Ok(())
    }
}
