//! What a share is bound to, so that a share of another place is told apart and opens nothing.

use keyward_sdk::{
    crypto::digest::{Sha256, sha256_parts},
    secret::{Secret, same},
};

use super::InstallationId;
use crate::seal::Name;

/// The place of one share.
#[derive(Clone, Copy, Debug)]
pub(in crate::seal) struct Labels<'a> {
    pub(in crate::seal) installation: InstallationId,
    pub(in crate::seal) path: &'a Name,
    pub(in crate::seal) epoch: u32,
    pub(in crate::seal) member: &'a Name,
    pub(in crate::seal) index: u8,
    pub(in crate::seal) k: u8,
    pub(in crate::seal) n: u8,
}

impl Labels<'_> {
    /// The associated data under which a wrapper keeps the share. Names are after their length, the rest is of fixed
    /// length, so no two places give the same bytes.
    pub(in crate::seal) fn aad(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(128);
        bytes.extend_from_slice(b"keyward/seal/share/1");
        bytes.extend_from_slice(self.installation.as_bytes());
        bytes.extend_from_slice(&self.epoch.to_be_bytes());
        bytes.extend_from_slice(&[self.index, self.k, self.n]);
        for name in [self.path, self.member] {
            bytes.push(name.as_str().len() as u8); // at most Name::MAX
            bytes.extend_from_slice(name.as_str().as_bytes());
        }
        bytes
    }

    /// The hash by which a share is known.
    pub(in crate::seal) fn check(&self, share: &Secret) -> Sha256 {
        sha256_parts(&[b"keyward/seal/check/1", &self.aad(), share.expose()])
    }

    /// Whether `share` is the one with this hash.
    pub(in crate::seal) fn fits(&self, share: &Secret, check: &Sha256) -> bool {
        same(&self.check(share), check)
    }
}

/// The number that stands on the shares of one path of one epoch: two bytes for the installation and two for path and epoch.
/// It tells people's shares apart when they are mixed up; it proves nothing, the hash does.
pub(in crate::seal) fn split_tag(installation: InstallationId, path: &Name, epoch: u32) -> u32 {
    let [a, b, ..] = sha256_parts(&[b"keyward/seal/installation/1", installation.as_bytes()]);
    let [c, d, ..] = sha256_parts(&[
        b"keyward/seal/split/1",
        installation.as_bytes(),
        &epoch.to_be_bytes(),
        path.as_str().as_bytes(),
    ]);
    u32::from_be_bytes([a, b, c, d])
}

/// Whether two such numbers are of one installation, as far as they tell.
pub(in crate::seal) fn same_installation(a: u32, b: u32) -> bool {
    a >> 16 == b >> 16
}
