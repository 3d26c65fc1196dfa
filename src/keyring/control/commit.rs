//! Seals the control part of a batch.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use keyward_sdk::crypto::digest::sha256;

use super::{Hot, KEYRING, SEAL_DIGEST, index::bucket_of};
use crate::{
    keyring::{Changes, Keyring, Rings, RootKey, VaultError, codec, place},
    method::TenantId,
    storage::{Batch, Expect},
};

/// Adds to `batch` what `changes` mean for the control state: entries, index buckets and heads.
pub(in crate::keyring) fn seal_control(
    changes: &Changes,
    hot: &Hot,
    rings: &Rings,
    root: &RootKey,
    batch: &mut Batch,
) -> Result<(), VaultError> {
    for (tenant, counter) in &changes.basis {
        if hot.counter(*tenant) != *counter {
            return Err(VaultError::Conflict);
        }
    }
    let mut rings = rings.clone();
    let mut entries: BTreeMap<(TenantId, String), Option<Sealable<'_>>> = BTreeMap::new();
    for ((tenant, key), value) in &changes.control {
        entries.insert((*tenant, key.clone()), value.as_ref().map(|v| Sealable::Plain(v)));
    }
    for (tenant, ring) in &changes.rings {
        let key = (TenantId::SYSTEM, format!("{KEYRING}/{tenant}"));
        match ring {
            Some(record) => {
                let encoded = codec::encode(record)?;
                rings.insert(*tenant, Keyring::new(codec::decode(&encoded, KEYRING)?)?);
                let sealable =
                    if *tenant == TenantId::SYSTEM { Sealable::SystemRing(encoded) } else { Sealable::Owned(encoded) };
                entries.insert(key, Some(sealable));
            }
            None => {
                entries.insert(key, None);
            }
        }
    }
    if let Some(seal) = &changes.seal {
        batch.put.push((place::seal()?, seal.clone()));
        let digest = codec::encode(&sha256(seal))?;
        entries.insert((TenantId::SYSTEM, SEAL_DIGEST.to_owned()), Some(Sealable::Owned(digest)));
    }
    let tenants: BTreeSet<_> = entries.keys().map(|(tenant, _)| *tenant).collect();
    for tenant in changes.basis.keys().filter(|tenant| !tenants.contains(tenant)) {
        let head_at = hot.tenants.get(tenant).and_then(|t| t.head_at);
        batch.expect.push((place::head(*tenant)?, head_at.map_or(Expect::Absent, Expect::At)));
    }
    for tenant in tenants {
        let mut next = hot.tenants.get(&tenant).cloned().unwrap_or_default();
        batch.expect.push((place::head(tenant)?, next.head_at.map_or(Expect::Absent, Expect::At)));
        next.counter += 1;
        let mut touched = BTreeSet::new();
        for ((_, key), value) in entries.iter().filter(|((t, _), _)| *t == tenant) {
            let path = place::entry(tenant, key)?;
            let bucket = bucket_of(key);
            touched.insert(bucket);
            let Some(rows) = next.buckets.get_mut(bucket).map(|b| &mut b.0) else { continue };
            match value {
                Some(value) => {
                    rows.insert(key.clone(), next.counter);
                    let sealed = match value {
                        Sealable::Plain(plain) => rings.seal(tenant, path.as_str(), next.counter, plain)?,
                        Sealable::Owned(plain) => rings.seal(tenant, path.as_str(), next.counter, plain)?,
                        Sealable::SystemRing(plain) => root.seal_ring(next.counter, plain)?,
                    };
                    batch.put.push((path, stamped(next.counter, &sealed)));
                }
                None => {
                    rows.remove(key);
                    batch.delete.push(path);
                }
            }
        }
        for bucket in touched {
            let path = place::index(tenant, bucket)?;
            let Some(rows) = next.buckets.get(bucket) else { continue };
            if rows.0.is_empty() {
                batch.delete.push(path);
            } else {
                let sealed = rings.seal(tenant, path.as_str(), next.counter, &codec::encode(rows)?)?;
                batch.put.push((path, stamped(next.counter, &sealed)));
            }
        }
        let path = place::head(tenant)?;
        let sealed = rings.seal(tenant, path.as_str(), next.counter, &codec::encode(&next.head()?)?)?;
        batch.put.push((path, stamped(next.counter, &sealed)));
    }
    Ok(())
}

enum Sealable<'a> {
    Plain(&'a [u8]),
    Owned(zeroize::Zeroizing<Vec<u8>>),
    SystemRing(zeroize::Zeroizing<Vec<u8>>),
}

/// The counter of the write, in clear before the sealed value (which is bound to it).
fn stamped(counter: u64, sealed: &[u8]) -> Bytes {
    let mut value = Vec::with_capacity(8 + sealed.len());
    value.extend_from_slice(&counter.to_be_bytes());
    value.extend_from_slice(sealed);
    value.into()
}

/// Takes apart what [`stamped`] joined.
pub(in crate::keyring) fn unstamp(value: &[u8]) -> Option<(u64, &[u8])> {
    let (counter, sealed) = value.split_first_chunk::<8>()?;
    Some((u64::from_be_bytes(*counter), sealed))
}
