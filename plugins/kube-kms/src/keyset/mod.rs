//! A cluster's key on a node: every live version, which one encrypts, and how long all that holds without the broker.

mod codec;
mod file;
mod store;

use std::{sync::Arc, time::Duration};

use keyward_kit::cluster::{ClusterId, ClusterKeyId, KeyId, SeedPlace};
use keyward_sdk::{secret_key, time::Timestamp};

pub use self::{
    codec::{CodecError, MAX_VERSIONS, decode, encode},
    file::{KeysetFile, KeysetFileError, parse_keyset_file},
    store::{FileStore, KeysetStore, StoreError, file_protector},
};

secret_key! {
    /// One version of a cluster's key.
    pub ClusterKey
}

/// Where Encrypt and Decrypt are done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// On the node.
    Local,
    /// At the broker; the key never leaves it.
    Remote,
}

impl Mode {
    /// The name in settings and texts.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Remote => "remote",
        }
    }
}

/// What a version may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionState {
    /// Neither for now.
    Disabled,
    /// Decrypts.
    DecryptOnly,
    /// Decrypts, and encrypts as the primary.
    Enabled,
}

/// One version.
#[derive(Debug)]
pub struct Version {
    /// Its number.
    pub version: u32,
    /// Made with it, so that its key_id is never another's.
    pub random: [u8; 8],
    /// What it may be used for.
    pub state: VersionState,
    /// The key; none in mode `remote`.
    pub material: Option<ClusterKey>,
}

/// How long a node goes on without the broker. `None` is without end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Reads and writes.
    pub offline_max: Option<Duration>,
    /// Writes; never longer than `offline_max`.
    pub offline_writes_max: Option<Duration>,
}

/// The keyset.
#[derive(Clone, Debug)]
pub struct Keyset {
    /// Where the key belongs.
    pub place: SeedPlace,
    /// Grows with every change.
    pub generation: u64,
    /// Where the work is done.
    pub mode: Mode,
    /// The version that encrypts.
    pub primary: u32,
    /// The version that will, and from when on.
    pub next: Option<(u32, Timestamp)>,
    /// How long it holds without the broker.
    pub limits: Limits,
    /// All live versions, oldest first.
    pub versions: Vec<Arc<Version>>,
}

/// Why a keyset makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeysetError {
    /// No version, or too many.
    #[error("keyset has {0} versions, 1 to {MAX_VERSIONS} are allowed")]
    Count(usize),
    /// Two versions of one number, or out of order.
    #[error("keyset names version {0} twice or out of order")]
    Order(u32),
    /// The primary is not there or may not encrypt.
    #[error("version {0} is to encrypt, but the keyset does not allow it")]
    Primary(u32),
    /// The key of a version is missing, or is there in mode `remote`.
    #[error("version {0} comes with{1} its key, which does not fit the cluster's mode")]
    Material(u32, &'static str),
}

impl Keyset {
    /// Checks what must hold of any keyset.
    ///
    /// # Errors
    /// [`KeysetError`] for the first thing that does not.
    pub fn check(self) -> Result<Self, KeysetError> {
        if self.versions.is_empty() || self.versions.len() > MAX_VERSIONS {
            return Err(KeysetError::Count(self.versions.len()));
        }
        let mut last = 0;
        for version in &self.versions {
            if version.version <= last {
                return Err(KeysetError::Order(version.version));
            }
            last = version.version;
            match (self.mode, version.material.is_some(), version.state) {
                (Mode::Local, true, _) | (Mode::Remote, false, _) | (Mode::Local, false, VersionState::Disabled) => {}
                (Mode::Local, false, _) => return Err(KeysetError::Material(version.version, "out")),
                (Mode::Remote, true, _) => return Err(KeysetError::Material(version.version, "")),
            }
        }
        let encrypts = |number: u32| self.version(number).is_some_and(|version| version.state == VersionState::Enabled);
        match (encrypts(self.primary), self.next) {
            (false, _) => Err(KeysetError::Primary(self.primary)),
            (true, Some((next, _))) if !encrypts(next) => Err(KeysetError::Primary(next)),
            _ => Ok(self),
        }
    }

    /// A version by its number.
    #[must_use]
    pub fn version(&self, number: u32) -> Option<&Arc<Version>> {
        self.versions.iter().find(|version| version.version == number)
    }

    /// The key_id of a version.
    #[must_use]
    pub fn key_id(&self, version: &Version) -> KeyId {
        KeyId::of(&self.place.cluster, &self.place.key, version.version, version.random)
    }

    /// The keyset with its next primary in place, if its time has come. It is stored before it is told, so a clock that is
    /// set back brings no earlier primary again.
    #[must_use]
    pub fn flipped(&self, now: Timestamp) -> Option<Self> {
        let (next, at) = self.next?;
        (at <= now).then(|| Self { primary: next, next: None, ..self.clone() })
    }

    /// The ids of cluster and key, for logs.
    #[must_use]
    pub fn ids(&self) -> (ClusterId, ClusterKeyId) {
        (self.place.cluster, self.place.key)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A keyset with versions 1 to `count`, the last one primary.
    pub(crate) fn keyset(mode: Mode, generation: u64, count: u32) -> Keyset {
        let versions = (1..=count).map(|version| {
            let material = (mode == Mode::Local).then(ClusterKey::random);
            Arc::new(Version { version, random: [version as u8; 8], state: VersionState::Enabled, material })
        });
        let place = SeedPlace {
            tenant: [1; 16],
            cluster: ClusterId::from_bytes([2; 16]),
            key: ClusterKeyId::from_bytes([3; 16]),
        };
        let limits = Limits { offline_max: Some(Duration::from_secs(2_592_000)), offline_writes_max: None };
        Keyset { place, generation, mode, primary: count, next: None, limits, versions: versions.collect() }
    }

    #[test]
    fn a_keyset_that_makes_no_sense_is_refused() {
        let good = || keyset(Mode::Local, 1, 3);
        assert!(good().check().is_ok());
        assert!(matches!(Keyset { versions: vec![], ..good() }.check(), Err(KeysetError::Count(0))));
        assert!(matches!(Keyset { primary: 9, ..good() }.check(), Err(KeysetError::Primary(9))));
        assert!(matches!(Keyset { next: Some((9, Timestamp::MAX)), ..good() }.check(), Err(KeysetError::Primary(9))));
        assert!(matches!(Keyset { mode: Mode::Remote, ..good() }.check(), Err(KeysetError::Material(1, _))));
        assert!(matches!(
            Keyset { mode: Mode::Local, ..keyset(Mode::Remote, 1, 1) }.check(),
            Err(KeysetError::Material(..))
        ));
        let mut doubled = good();
        doubled.versions.push(doubled.versions[0].clone());
        assert!(matches!(doubled.check(), Err(KeysetError::Order(1))));
    }

    #[test]
    fn the_next_primary_takes_over_at_its_time_and_for_good() {
        let waiting = Keyset { primary: 1, next: Some((2, Timestamp::from_secs(100))), ..keyset(Mode::Local, 1, 2) };
        assert!(waiting.flipped(Timestamp::from_secs(99)).is_none());
        let flipped = waiting.flipped(Timestamp::from_secs(100)).unwrap();
        assert_eq!((flipped.primary, flipped.next), (2, None));
        assert!(flipped.flipped(Timestamp::from_secs(1)).is_none());
    }
}
