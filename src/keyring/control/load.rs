//! Reads the whole control state and checks that its parts fit together.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use bytes::Bytes;
use keyward_sdk::{crypto::digest::sha256, secret::Secret};

use super::{
    Hot, KEYRING, SEAL_DIGEST, TenantHot, View,
    commit::unstamp,
    follow::show,
    index::{BUCKETS, Bucket, HeadRecord, bucket_of},
};
use crate::{
    keyring::{
        Keyring, Rings, VaultError, codec,
        place::{self, CONTROL_PREFIX, ControlPlace},
        root::Roots,
    },
    method::TenantId,
    storage::{Entry, MAX_LIST, Revision, Storage},
};

/// The stored parts of one tenant, still sealed.
#[derive(Default)]
struct Parts {
    head: Option<Entry>,
    index: BTreeMap<usize, Bytes>,
    entries: BTreeMap<String, Bytes>,
}

/// What was loaded.
pub(in crate::keyring) struct Loaded {
    pub(in crate::keyring) rings: Rings,
    pub(in crate::keyring) hot: Hot,
    /// Commits up to this one are in what was loaded.
    pub(in crate::keyring) revision: Revision,
}

/// Loads everything, shows the views what differs from `before` (all of it at the first time), and refuses what is older
/// than its index, its head, or `before`.
pub(in crate::keyring) async fn load(
    storage: &dyn Storage,
    installation: [u8; 16],
    roots: &Roots,
    before: &Hot,
    views: &[Arc<dyn View>],
) -> Result<Loaded, VaultError> {
    let revision = storage.revision().await?;
    let mut tenants = read_all(storage).await?;
    let mut rings = Rings::new(installation);
    let mut hot = Hot::default();
    let system = tenants.remove(&TenantId::SYSTEM).unwrap_or_default();
    let key = format!("{KEYRING}/{}", TenantId::SYSTEM);
    let (counter, sealed) = system
        .entries
        .get(&key)
        .and_then(|value| unstamp(value))
        .ok_or_else(|| older(TenantId::SYSTEM, "the system keyring is missing"))?;
    let record = codec::decode(roots.open_ring(counter, sealed)?.expose(), &key)?;
    rings.insert(TenantId::SYSTEM, Keyring::new(record)?);
    let seal = storage.get(&place::seal()?).await?;
    let (state, values) = open_tenant(TenantId::SYSTEM, &system, &rings)?;
    check_seal(&values, seal.as_ref())?;
    for (name, value) in values.iter().filter_map(|(k, v)| Some((k.strip_prefix("keyring/")?, v))) {
        let owner = TenantId::from_hex(name).ok_or_else(|| older(TenantId::SYSTEM, "a keyring has a strange name"))?;
        rings.insert(owner, Keyring::new(codec::decode(value.expose(), KEYRING)?)?);
    }
    let mut shown = vec![(TenantId::SYSTEM, values)];
    hot.tenants.insert(TenantId::SYSTEM, state);
    for (tenant, parts) in tenants {
        // What a destroyed tenant leaves behind cannot be read any more, by anyone.
        if rings.of(tenant).is_err() {
            continue;
        }
        let (state, values) = open_tenant(tenant, &parts, &rings)?;
        shown.push((tenant, values));
        hot.tenants.insert(tenant, state);
    }
    // Everything was opened and fits together: only now is anything shown.
    for (tenant, seen) in &before.tenants {
        match hot.tenants.get(tenant) {
            Some(now) if now.counter >= seen.counter => {}
            Some(now) => {
                return Err(older(*tenant, &format!("it is at {}, and was at {} before", now.counter, seen.counter)));
            }
            None => shown.push((*tenant, Values::new())),
        }
    }
    for (tenant, values) in &shown {
        show_changes(*tenant, before.tenants.get(tenant), hot.tenants.get(tenant), values, views)?;
        views.iter().for_each(|view| view.settled(*tenant));
    }
    Ok(Loaded { rings, hot, revision })
}

async fn read_all(storage: &dyn Storage) -> Result<HashMap<TenantId, Parts>, VaultError> {
    let mut tenants: HashMap<TenantId, Parts> = HashMap::new();
    let mut after = None;
    loop {
        let page = storage.list(CONTROL_PREFIX, after.as_ref(), MAX_LIST).await?;
        let Some((last, _)) = page.last() else { return Ok(tenants) };
        after = Some(last.clone());
        for (path, entry) in page {
            match place::parse(&path) {
                Some(ControlPlace::Head(tenant)) => tenants.entry(tenant).or_default().head = Some(entry),
                Some(ControlPlace::Index(tenant, bucket)) => {
                    tenants.entry(tenant).or_default().index.insert(bucket, entry.value);
                }
                Some(ControlPlace::Entry(tenant, key)) => {
                    tenants.entry(tenant).or_default().entries.insert(key.to_owned(), entry.value);
                }
                None => return Err(older(TenantId::SYSTEM, &format!("`{path}` does not belong there"))),
            }
        }
    }
}

type Values = BTreeMap<String, Secret>;

fn open_tenant(tenant: TenantId, parts: &Parts, rings: &Rings) -> Result<(TenantHot, Values), VaultError> {
    let head_entry = parts.head.as_ref().ok_or_else(|| older(tenant, "its head is missing"))?;
    let head: HeadRecord = open(rings, tenant, place::head(tenant)?.as_str(), &head_entry.value)?.1;
    let mut state = TenantHot { counter: head.counter, head_at: Some(head_entry.revision), ..TenantHot::default() };
    for (at, bucket) in state.buckets.iter_mut().enumerate() {
        if let Some(value) = parts.index.get(&at) {
            *bucket = open::<Bucket>(rings, tenant, place::index(tenant, at)?.as_str(), value)?.1;
        }
        if head.buckets.get(at) != Some(&bucket.digest()?) || head.buckets.len() != BUCKETS {
            return Err(older(
                tenant,
                &format!("part {at} of its index is not the one that its head at {} names", head.counter),
            ));
        }
    }
    let mut values = Values::new();
    for (key, expected) in state.buckets.iter().flat_map(|b| &b.0) {
        let value = parts
            .entries
            .get(key)
            .ok_or_else(|| older(tenant, &format!("`{key}`, written at {expected}, is missing")))?;
        let (counter, sealed) = unstamp(value).ok_or_else(|| older(tenant, &format!("`{key}` is cut short")))?;
        if counter != *expected {
            return Err(older(
                tenant,
                &format!("`{key}` is the copy written at {counter}, the last was written at {expected}"),
            ));
        }
        if tenant == TenantId::SYSTEM && *key == format!("{KEYRING}/{}", TenantId::SYSTEM) {
            continue;
        }
        values.insert(key.clone(), rings.open(tenant, place::entry(tenant, key)?.as_str(), counter, sealed)?);
    }
    if let Some(stray) =
        parts.entries.keys().find(|key| !state.buckets.get(bucket_of(key)).is_some_and(|b| b.0.contains_key(*key)))
    {
        return Err(older(tenant, &format!("`{stray}` was removed and is there again")));
    }
    Ok((state, values))
}

fn open<T: serde::de::DeserializeOwned>(
    rings: &Rings,
    tenant: TenantId,
    path: &str,
    value: &[u8],
) -> Result<(u64, T), VaultError> {
    let (counter, sealed) = unstamp(value).ok_or_else(|| older(tenant, &format!("`{path}` is cut short")))?;
    Ok((counter, codec::decode(rings.open(tenant, path, counter, sealed)?.expose(), path)?))
}

fn check_seal(values: &Values, seal: Option<&Entry>) -> Result<(), VaultError> {
    let expected: Option<[u8; 32]> =
        values.get(SEAL_DIGEST).map(|value| codec::decode(value.expose(), SEAL_DIGEST)).transpose()?;
    if seal.map(|entry| sha256(&entry.value)) == expected {
        return Ok(());
    }
    Err(older(TenantId::SYSTEM, "the seal record is not the one that was written last"))
}

/// Shows what was written or removed between two states of a tenant.
fn show_changes(
    tenant: TenantId,
    before: Option<&TenantHot>,
    now: Option<&TenantHot>,
    values: &Values,
    views: &[Arc<dyn View>],
) -> Result<(), VaultError> {
    let written = |state: Option<&TenantHot>, key: &str| state?.buckets.get(bucket_of(key))?.0.get(key).copied();
    for (key, value) in values.iter().filter(|(key, _)| written(before, key) != written(now, key)) {
        show(views, tenant, key, Some(value.expose()))?;
    }
    let known = before.into_iter().flat_map(|state| &state.buckets).flat_map(|bucket| bucket.0.keys());
    for key in known.filter(|key| written(now, key).is_none()) {
        show(views, tenant, key, None)?;
    }
    Ok(())
}

pub(super) fn older(tenant: TenantId, what: &str) -> VaultError {
    VaultError::Rollback { tenant, what: what.to_owned() }
}
