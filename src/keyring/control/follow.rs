//! Takes one commit, as the watch shows it, into the hot state.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use bytes::Bytes;
use keyward_sdk::secret::Secret;

use super::{
    Hot, KEYRING, View,
    commit::unstamp,
    index::{Bucket, HeadRecord},
    load::older,
};
use crate::{
    keyring::{
        Keyring, Rings, VaultError, codec,
        place::{self, ControlPlace},
        root::Roots,
    },
    method::TenantId,
    storage::{Change, Entry},
};

/// What one commit changed of one tenant.
#[derive(Default)]
struct Touched {
    head: Option<Entry>,
    index: BTreeMap<usize, Option<Bytes>>,
    entries: BTreeMap<String, Option<Bytes>>,
}

/// Applies a commit: opens what it wrote, checks it against head and index, and hands it to the views.
///
/// # Errors
/// [`VaultError`]: the control state cannot be trusted any longer; the caller stops answering.
pub(in crate::keyring) fn apply_commit(
    changes: Vec<Change>,
    hot: &mut Hot,
    rings: &mut Rings,
    roots: &Roots,
    views: &[Arc<dyn View>],
) -> Result<(), VaultError> {
    let mut tenants = sort(changes);
    if let Some(system) = tenants.remove(&TenantId::SYSTEM) {
        take_system_ring(&system, rings, roots)?;
        for (key, value) in take(TenantId::SYSTEM, system, hot, rings, views)? {
            if let Some(owner) = key.strip_prefix("keyring/").and_then(TenantId::from_hex) {
                take_ring(owner, value, hot, rings, views)?;
            }
        }
    }
    for (tenant, touched) in tenants {
        if rings.of(tenant).is_ok() {
            take(tenant, touched, hot, rings, views)?;
        }
    }
    Ok(())
}

fn sort(changes: Vec<Change>) -> HashMap<TenantId, Touched> {
    let mut tenants: HashMap<TenantId, Touched> = HashMap::new();
    for change in changes {
        let (path, entry) = match change {
            Change::Put(path, entry) => (path, Some(entry)),
            Change::Delete(path) => (path, None),
        };
        match place::parse(&path) {
            Some(ControlPlace::Head(tenant)) => tenants.entry(tenant).or_default().head = entry,
            Some(ControlPlace::Index(tenant, bucket)) => {
                tenants.entry(tenant).or_default().index.insert(bucket, entry.map(|e| e.value));
            }
            Some(ControlPlace::Entry(tenant, key)) => {
                tenants.entry(tenant).or_default().entries.insert(key.to_owned(), entry.map(|e| e.value));
            }
            None => {}
        }
    }
    tenants
}

/// The system keyring comes first: everything else of the commit may be under its new version.
fn take_system_ring(system: &Touched, rings: &mut Rings, roots: &Roots) -> Result<(), VaultError> {
    let key = format!("{KEYRING}/{}", TenantId::SYSTEM);
    let Some(Some(value)) = system.entries.get(&key) else { return Ok(()) };
    let (counter, sealed) = unstamp(value).ok_or_else(|| older(TenantId::SYSTEM, "the system keyring is cut short"))?;
    let record = codec::decode(roots.open_ring(counter, sealed)?.expose(), &key)?;
    rings.insert(TenantId::SYSTEM, Keyring::new(record)?);
    Ok(())
}

/// A tenant's keyring was written or removed.
fn take_ring(
    owner: TenantId,
    value: Option<Secret>,
    hot: &mut Hot,
    rings: &mut Rings,
    views: &[Arc<dyn View>],
) -> Result<(), VaultError> {
    if let Some(value) = value {
        rings.insert(owner, Keyring::new(codec::decode(value.expose(), KEYRING)?)?);
        return Ok(());
    }
    rings.remove(owner);
    if let Some(gone) = hot.tenants.remove(&owner) {
        for key in gone.buckets.iter().flat_map(|b| b.0.keys()) {
            show(views, owner, key, None)?;
        }
        views.iter().for_each(|view| view.settled(owner));
    }
    Ok(())
}

fn take(
    tenant: TenantId,
    touched: Touched,
    hot: &mut Hot,
    rings: &Rings,
    views: &[Arc<dyn View>],
) -> Result<Vec<(String, Option<Secret>)>, VaultError> {
    let mut next = hot.tenants.get(&tenant).cloned().unwrap_or_default();
    let entry = touched.head.ok_or_else(|| older(tenant, "a commit came without its head"))?;
    if next.head_at.is_some_and(|seen| entry.revision <= seen) {
        return Ok(Vec::new());
    }
    let head: HeadRecord = open(rings, tenant, place::head(tenant)?.as_str(), &entry.value)?;
    if head.counter <= next.counter && next.head_at.is_some() {
        return Err(older(tenant, &format!("a head at {} came after the one at {}", head.counter, next.counter)));
    }
    next.counter = head.counter;
    next.head_at = Some(entry.revision);
    for (at, value) in touched.index {
        let bucket = match value {
            Some(value) => open(rings, tenant, place::index(tenant, at)?.as_str(), &value)?,
            None => Bucket::default(),
        };
        if let Some(slot) = next.buckets.get_mut(at) {
            *slot = bucket;
        }
    }
    if next.head()? != head {
        return Err(older(tenant, &format!("the index does not belong to the head at {}", head.counter)));
    }
    let mut values = Vec::with_capacity(touched.entries.len());
    for (key, value) in touched.entries {
        let value = match value {
            Some(_) if key == format!("{KEYRING}/{}", TenantId::SYSTEM) => continue,
            Some(value) => {
                let (counter, sealed) =
                    unstamp(&value).ok_or_else(|| older(tenant, &format!("`{key}` is cut short")))?;
                if counter != head.counter {
                    return Err(older(
                        tenant,
                        &format!("`{key}` came with counter {counter} under the head at {}", head.counter),
                    ));
                }
                Some(rings.open(tenant, place::entry(tenant, &key)?.as_str(), counter, sealed)?)
            }
            None => None,
        };
        show(views, tenant, &key, value.as_ref().map(Secret::expose))?;
        values.push((key, value));
    }
    hot.tenants.insert(tenant, next);
    views.iter().for_each(|view| view.settled(tenant));
    Ok(values)
}

pub(super) fn show(
    views: &[Arc<dyn View>],
    tenant: TenantId,
    key: &str,
    value: Option<&[u8]>,
) -> Result<(), VaultError> {
    let Some((kind, name)) = key.split_once('/') else { return Ok(()) };
    views.iter().filter(|view| view.kind() == kind).try_for_each(|view| view.apply(tenant, name, value))
}

fn open<T: serde::de::DeserializeOwned>(
    rings: &Rings,
    tenant: TenantId,
    path: &str,
    value: &[u8],
) -> Result<T, VaultError> {
    let (counter, sealed) = unstamp(value).ok_or_else(|| older(tenant, &format!("`{path}` is cut short")))?;
    codec::decode(rings.open(tenant, path, counter, sealed)?.expose(), path)
}
