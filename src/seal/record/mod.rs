//! The seal record: what an installation knows of its seal while it is sealed. No secret is in it.
//!
//! CBOR, one spelling a record: what is read and would be written otherwise is refused. The MAC is under a key derived from
//! the root, so it can only be checked once the root is open; until then nothing of the record is believed beyond being
//! tried. Formats are added to, never changed: tests/vectors/seal.json holds what shipped.

mod check;
mod codec;
mod labels;
mod octets;
mod root;

use std::collections::BTreeMap;

use keyward_sdk::{time::Timestamp, wrapper::Wrapped};
use serde::{Deserialize, Serialize};

use super::{Name, error::OpenError};
use crate::keyring::RootKey;

pub(super) use self::{
    check::{MAX_LABEL, MAX_MEMBERS, MAX_PATHS, MAX_SETTINGS},
    labels::{Labels, same_installation, split_tag},
    root::{open_root, wrap_root},
};
pub use self::{codec::RecordError, root::RootFingerprint};

/// The longest record, in bytes.
pub const MAX_RECORD: usize = 256 << 10;

keyward_sdk::random_id! {
    /// Names an installation for ever; made by `init`.
    pub InstallationId
}

/// How the root is kept. See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealRecord {
    body: Body,
    mac: [u8; 32],
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Body {
    pub(super) installation: InstallationId,
    pub(super) epoch: u32,
    pub(super) created: Timestamp,
    pub(super) changed: Timestamp,
    pub(super) root: RootLabel,
    pub(super) paths: Vec<PathRecord>,
}

/// Which root it is, without telling anything of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RootLabel {
    /// Random bytes made with this version of the root.
    #[serde(with = "octets")]
    pub version: [u8; 8],
    /// Derived from the root; may be shown and pinned.
    pub fingerprint: RootFingerprint,
}

/// One seal path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PathRecord {
    /// Its name.
    pub name: Name,
    /// The record's epoch in which its shares were made. Another one means other shares.
    pub epoch: u32,
    /// How many members it takes.
    pub k: u8,
    /// The members, by index from 1.
    pub members: Vec<MemberRecord>,
    /// The root, wrapped by the path key.
    #[serde(with = "octets")]
    pub root: Vec<u8>,
}

/// One member of a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberRecord {
    /// Its name, unique in the path.
    pub name: Name,
    /// Which share it holds, from 1.
    pub index: u8,
    /// Hash of the share with its labels: tells a wrong share, and says nothing of a right one (it is 32 random bytes).
    #[serde(with = "octets")]
    pub check: [u8; 32],
    /// Who holds the share.
    pub holder: Holder,
}

/// Who holds a share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Holder {
    /// A person, on paper; nothing of the share is kept here.
    Person {
        /// Whom to ask.
        label: String,
    },
    /// A key outside the store, under which the share lies here.
    Wrapper {
        /// The kind of backend.
        kind: String,
        /// Its settings; secrets by reference.
        settings: BTreeMap<String, String>,
        /// The share.
        share: Wrapped,
    },
}

impl SealRecord {
    /// Signs a body with the root that it is about.
    pub(super) fn seal(body: Body, root: &RootKey) -> Result<Self, RecordError> {
        body.check()?;
        let mac = root::mac_key(root)?.tag(&codec::mac_input(&body)?);
        let record = Self { body, mac };
        record.encode()?; // nothing that could not be read again is handed out
        Ok(record)
    }

    /// Whether this record is the one that the holder of `root` wrote.
    ///
    /// # Errors
    /// [`OpenError::Changed`] when it is not.
    pub fn verify(&self, root: &RootKey) -> Result<(), OpenError> {
        let changed = || OpenError::Changed { odd: Vec::new() };
        let input = codec::mac_input(&self.body).map_err(|_| changed())?;
        let key = root::mac_key(root).map_err(|_| changed())?;
        key.verify(&input, &self.mac).map_err(|_| changed())?;
        if RootFingerprint::of(root) == Ok(self.body.root.fingerprint) { Ok(()) } else { Err(changed()) }
    }

    /// Which installation.
    #[must_use]
    pub fn installation(&self) -> InstallationId {
        self.body.installation
    }

    /// Grows with each change.
    #[must_use]
    pub fn epoch(&self) -> u32 {
        self.body.epoch
    }

    /// When the installation was made.
    #[must_use]
    pub fn created(&self) -> Timestamp {
        self.body.created
    }

    /// When the seal was last changed.
    #[must_use]
    pub fn changed(&self) -> Timestamp {
        self.body.changed
    }

    /// Which root.
    #[must_use]
    pub fn root(&self) -> RootLabel {
        self.body.root
    }

    /// The paths.
    #[must_use]
    pub fn paths(&self) -> &[PathRecord] {
        &self.body.paths
    }

    /// The path of that name.
    #[must_use]
    pub fn path(&self, name: &Name) -> Option<&PathRecord> {
        self.body.paths.iter().find(|path| path.name == *name)
    }

    /// Whether a path has both: then what people give may need what keys give.
    #[must_use]
    pub fn mixes_people_and_keys(&self) -> bool {
        self.paths().iter().any(|path| {
            let people = path.members.iter().filter(|member| matches!(member.holder, Holder::Person { .. })).count();
            people > 0 && people < path.members.len()
        })
    }

    pub(super) fn body(&self) -> &Body {
        &self.body
    }

    /// The record as someone without the root could change it.
    #[cfg(test)]
    pub(super) fn tampered(&self, change: impl FnOnce(&mut Body)) -> Self {
        let mut record = self.clone();
        change(&mut record.body);
        record
    }
}

impl PathRecord {
    /// How many members it has.
    #[must_use]
    pub fn n(&self) -> u8 {
        // Checked to be few when the record was read or made.
        u8::try_from(self.members.len()).unwrap_or(u8::MAX)
    }

    /// The labels that `member`'s share is bound to.
    pub(super) fn labels<'a>(&'a self, installation: InstallationId, member: &'a MemberRecord) -> Labels<'a> {
        Labels {
            installation,
            path: &self.name,
            epoch: self.epoch,
            member: &member.name,
            index: member.index,
            k: self.k,
            n: self.n(),
        }
    }
}
