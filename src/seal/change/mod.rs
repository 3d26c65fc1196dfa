//! Changing the seal while it is open: the record as it shall be, computed from the one that is.
//!
//! Nothing here writes. A [`Change`] is committed in one batch (record, path keys, and where the root is new the system
//! keyring: [`Change::into_changes`]), so a crash leaves the old seal or the new one and never half of each. Members are only ever given new
//! shares; what they held stays with them until the commit, and is worth nothing after it.

mod add;
mod edit;
mod remove;
mod rotate;

use std::time::Duration;

use keyward_sdk::time::Timestamp;

use super::{
    Connect, PathKey, PathKeys, PathRecord, PersonShare, RootLabel, SealError, SealRecord,
    create::new_label,
    record::{Body, split_tag, wrap_root},
    split::For,
};
use crate::keyring::RootKey;

pub use self::{
    add::add_path,
    edit::{Edit, edit_path},
    remove::remove_path,
    rotate::rotate_root,
};

/// What an open installation holds when its seal is changed.
#[derive(Clone, Copy)]
pub struct Held<'a> {
    /// The record as it is.
    pub record: &'a SealRecord,
    /// The root, which must have written it.
    pub root: &'a RootKey,
    /// The copies of the path keys.
    pub keys: &'a PathKeys,
    /// Makes wrappers for members that get a share.
    pub connect: &'a dyn Connect,
    /// For the record.
    pub now: Timestamp,
    /// After how long a member counts as dead.
    pub member_timeout: Duration,
}

/// A changed seal, to be committed whole.
#[derive(Debug)]
pub struct Change {
    /// The record as it shall be.
    pub record: SealRecord,
    /// All path keys as they shall be.
    pub keys: PathKeys,
    /// The new root, if there is one: the system keyring is sealed under it in the same commit.
    pub root: Option<RootKey>,
    /// Whether the system keyring needs a new version in the same commit, because someone who could open the old one no longer
    /// may. Backups from before stay openable by those who could open them then.
    pub new_system_version: bool,
    /// Shares for people, to be shown once after the commit.
    pub shares: Vec<PersonShare>,
}

/// A change in the making: checked against the root, one epoch on.
struct Draft<'a> {
    held: Held<'a>,
    body: Body,
    keys: PathKeys,
    shares: Vec<PersonShare>,
    fresh_root: Option<RootKey>,
}

impl<'a> Draft<'a> {
    /// Begins a change that keeps the root.
    fn keeping_root(held: Held<'a>) -> Result<Self, SealError> {
        held.record.verify(held.root)?;
        let mut body = held.record.body().clone();
        body.epoch = body.epoch.checked_add(1).ok_or(SealError::Epochs)?;
        body.changed = held.now;
        let mut keys = PathKeys::default();
        for path in &body.paths {
            let key = held.keys.of(&path.name, path.epoch).ok_or_else(|| SealError::NoPathKey(path.name.clone()))?;
            keys.put(path.name.clone(), path.epoch, copy(key));
        }
        Ok(Self { held, body, keys, shares: Vec::new(), fresh_root: None })
    }

    /// Begins a change with a new root, which every path that stays will wrap.
    fn with_new_root(held: Held<'a>) -> Result<Self, SealError> {
        let mut draft = Self::keeping_root(held)?;
        let root = RootKey::random();
        draft.body.root = new_label(&root)?;
        draft.fresh_root = Some(root);
        Ok(draft)
    }

    fn root(&self) -> &RootKey {
        self.fresh_root.as_ref().unwrap_or(self.held.root)
    }

    fn making(&self) -> For<'_> {
        For {
            installation: self.body.installation,
            epoch: self.body.epoch,
            label: &self.body.root,
            root: self.root(),
            connect: self.held.connect,
            member_timeout: self.held.member_timeout,
        }
    }

    /// Moves the epoch on until the shares of `name` have a number that no other path's have.
    fn settle_epoch(&mut self, name: &super::Name) -> Result<(), SealError> {
        let id = self.body.installation;
        let taken = |epoch: u32| {
            let others = self.body.paths.iter().filter(|path| path.name != *name);
            let tag = split_tag(id, name, epoch);
            others.map(|path| split_tag(id, &path.name, path.epoch)).any(|other| other == tag)
        };
        let mut epoch = self.body.epoch;
        while taken(epoch) {
            epoch = epoch.checked_add(1).ok_or(SealError::Epochs)?;
        }
        self.body.epoch = epoch;
        Ok(())
    }

    /// Wraps a new root by all paths and signs the record.
    fn finish(mut self, new_system_version: bool) -> Result<Change, SealError> {
        if let Some(root) = &self.fresh_root {
            let (id, label): (_, RootLabel) = (self.body.installation, self.body.root);
            for path in &mut self.body.paths {
                let key =
                    self.keys.of(&path.name, path.epoch).ok_or_else(|| SealError::NoPathKey(path.name.clone()))?;
                let wrapped = wrap_root(id, path, key, &label, root)?;
                path.root = wrapped;
            }
        }
        let record = SealRecord::seal(self.body.clone(), self.root())?;
        Ok(Change { record, keys: self.keys, root: self.fresh_root, new_system_version, shares: self.shares })
    }

    fn put_path(&mut self, made: super::split::MadePath) {
        let super::split::MadePath { record, key, shares } = made;
        self.keys.put(record.name.clone(), record.epoch, key);
        self.shares.extend(shares);
        match self.body.paths.iter_mut().find(|path| path.name == record.name) {
            Some(path) => *path = record,
            None => self.body.paths.push(record),
        }
    }

    fn path(&self, name: &super::Name) -> Result<&PathRecord, SealError> {
        self.body.paths.iter().find(|path| path.name == *name).ok_or_else(|| SealError::NoPath(name.clone()))
    }
}

fn copy(key: &PathKey) -> PathKey {
    PathKey::new(keyward_sdk::secret::Key32::copy_of(key.expose()))
}
