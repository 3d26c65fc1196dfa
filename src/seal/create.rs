//! Making a seal where there is none.

use std::time::Duration;

use keyward_sdk::{crypto::random, time::Timestamp};

use super::{
    Connect, InstallationId, NewPath, PathKeys, PersonShare, RecordError, RootFingerprint, RootLabel, SealError,
    SealRecord,
    record::{Body, MAX_PATHS},
    split::{For, MadePath, make_path},
};
use crate::keyring::RootKey;

/// A new seal. The record and the path keys are to be stored in one commit with the system keyring, the shares shown.
#[derive(Debug)]
pub struct Made {
    /// The record.
    pub record: SealRecord,
    /// The root, for the first system keyring.
    pub root: RootKey,
    /// The path keys, for the system keyring to seal.
    pub keys: PathKeys,
    /// For people, in the order of paths and members.
    pub shares: Vec<PersonShare>,
}

/// Makes an installation's id, its root and its paths.
///
/// # Errors
/// [`SealError`] when a path cannot be as asked, or a member cannot hold its share. Nothing is left behind at members.
pub async fn create(
    paths: &[NewPath],
    connect: &dyn Connect,
    now: Timestamp,
    member_timeout: Duration,
) -> Result<Made, SealError> {
    if paths.is_empty() || paths.len() > MAX_PATHS {
        let why = format!("{} seal paths were asked for; an installation has 1 to {MAX_PATHS}", paths.len());
        return Err(RecordError::Content(why).into());
    }
    for (at, path) in paths.iter().enumerate() {
        path.check()?;
        if paths.iter().skip(at + 1).any(|other| other.name == path.name) {
            return Err(SealError::PathExists(path.name.clone()));
        }
    }
    let installation = id_that_tells_apart(paths);
    let root = RootKey::random();
    let label = new_label(&root)?;
    let mut keys = PathKeys::default();
    let mut shares = Vec::new();
    let mut records = Vec::with_capacity(paths.len());
    for path in paths {
        let of = For { installation, epoch: 1, label: &label, root: &root, connect, member_timeout };
        let MadePath { record, key, shares: shown } = make_path(&of, path).await?;
        keys.put(record.name.clone(), record.epoch, key);
        shares.extend(shown);
        records.push(record);
    }
    let body = Body { installation, epoch: 1, created: now, changed: now, root: label, paths: records };
    Ok(Made { record: SealRecord::seal(body, &root)?, root, keys, shares })
}

pub(super) fn new_label(root: &RootKey) -> Result<RootLabel, SealError> {
    Ok(RootLabel { version: random::array(), fingerprint: RootFingerprint::of(root)? })
}

/// An id under which the shares of these paths have different numbers; nearly always the first.
fn id_that_tells_apart(paths: &[NewPath]) -> InstallationId {
    loop {
        let id = InstallationId::random();
        let mut tags: Vec<u32> = paths.iter().map(|path| super::record::split_tag(id, &path.name, 1)).collect();
        tags.sort_unstable();
        tags.dedup();
        if tags.len() == paths.len() {
            return id;
        }
    }
}
