//! Sealing the seeds that kube-apiserver hands over, on a node or at the broker: the same bytes either way, so a cluster can
//! change its mode and go on reading.
//!
//! The associated data are the cluster's id and the key_id, never the request's uid, which differs between Encrypt and
//! Decrypt.

use keyward_sdk::{
    envelope::{Context, EnvelopeError, EnvelopeKey, Header, OVERHEAD},
    secret::{Key32, Secret},
};

use super::{ClusterId, ClusterKeyId, KeyId};

/// No ciphertext is longer: kube-apiserver refuses more.
pub const MAX_CIPHERTEXT: usize = 1_024;
/// No seed is longer. Kubernetes sends 32 bytes (v2), 4 to 32 (v1).
pub const MAX_SEED: usize = MAX_CIPHERTEXT - OVERHEAD;

const PURPOSE: &str = "kube-kms";

/// Where a key belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeedPlace {
    /// The tenant's id.
    pub tenant: [u8; 16],
    /// The cluster.
    pub cluster: ClusterId,
    /// The cluster's key.
    pub key: ClusterKeyId,
}

/// One version of a cluster's key, ready to seal and open.
#[derive(Debug)]
pub struct SeedKey {
    place: SeedPlace,
    version: u32,
    key_id: String,
    aad: Vec<u8>,
    key: EnvelopeKey,
}

/// Why a seed was not sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SeedError {
    /// Empty, or longer than an answer may be.
    #[error("plaintext has {0} bytes, 1 to {MAX_SEED} are allowed")]
    Plaintext(usize),
    /// Not what this key sealed.
    #[error("ciphertext does not open: {0}")]
    Ciphertext(EnvelopeError),
    /// The key of another version sealed it.
    #[error("ciphertext is of version {0} of the key, its key_id names another")]
    Version(u32),
}

impl SeedKey {
    /// The version made with `random`, of the key at `place`.
    #[must_use]
    pub fn new(place: SeedPlace, version: u32, random: [u8; 8], key: &Key32) -> Self {
        let key_id = KeyId::of(&place.cluster, &place.key, version, random).to_string();
        let aad = [place.cluster.as_bytes().as_slice(), key_id.as_bytes()].concat();
        Self { place, version, key_id, aad, key: EnvelopeKey::new(key) }
    }

    /// The version's key_id.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The version.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Seals a seed.
    ///
    /// # Errors
    /// [`SeedError`] for one that is empty or too long.
    pub fn seal(&self, seed: &[u8]) -> Result<Vec<u8>, SeedError> {
        if seed.is_empty() || seed.len() > MAX_SEED {
            return Err(SeedError::Plaintext(seed.len()));
        }
        self.key.seal(&self.context(), self.version, &self.aad, seed).map_err(SeedError::Ciphertext)
    }

    /// Opens a seed.
    ///
    /// # Errors
    /// [`SeedError`] for what this version did not seal.
    pub fn open(&self, ciphertext: &[u8]) -> Result<Secret, SeedError> {
        if ciphertext.len() > MAX_CIPHERTEXT {
            return Err(SeedError::Ciphertext(EnvelopeError::TooLong(ciphertext.len())));
        }
        let header = Header::parse(ciphertext).map_err(SeedError::Ciphertext)?;
        if header.version != self.version {
            return Err(SeedError::Version(header.version));
        }
        self.key.open(&self.context(), self.version, &self.aad, ciphertext).map_err(SeedError::Ciphertext)
    }

    fn context(&self) -> Context<'_> {
        Context { purpose: PURPOSE, tenant: self.place.tenant, key_id: self.place.key.as_bytes() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> SeedPlace {
        SeedPlace { tenant: [1; 16], cluster: ClusterId::from_bytes([2; 16]), key: ClusterKeyId::from_bytes([3; 16]) }
    }

    fn key(place: SeedPlace, version: u32, random: u8) -> SeedKey {
        SeedKey::new(place, version, [random; 8], &Key32::copy_of(&[9; 32]))
    }

    #[test]
    fn a_seed_comes_back_and_fits_the_limit_of_kubernetes() {
        let key = key(place(), 1, 1);
        let sealed = key.seal(&[7; MAX_SEED]).unwrap();
        assert_eq!(sealed.len(), MAX_CIPHERTEXT);
        assert_eq!(key.open(&sealed).unwrap().expose(), [7; MAX_SEED]);
        assert_eq!(key.seal(&[]), Err(SeedError::Plaintext(0)));
        assert!(key.seal(&[7; MAX_SEED + 1]).is_err());
    }

    #[test]
    fn a_seed_opens_only_where_it_was_sealed() {
        let sealed = key(place(), 1, 1).seal(b"seed").unwrap();
        let elsewhere = [
            key(SeedPlace { tenant: [8; 16], ..place() }, 1, 1),
            key(SeedPlace { cluster: ClusterId::from_bytes([8; 16]), ..place() }, 1, 1),
            key(SeedPlace { key: ClusterKeyId::from_bytes([8; 16]), ..place() }, 1, 1),
            key(place(), 2, 1),
            key(place(), 1, 2),
        ];
        for other in elsewhere {
            assert!(other.open(&sealed).is_err(), "{}", other.key_id());
        }
    }

    #[test]
    fn a_flipped_bit_is_refused() {
        let key = key(place(), 1, 1);
        let sealed = key.seal(b"seed").unwrap();
        for at in 0..sealed.len() {
            let mut bad = sealed.clone();
            bad[at] ^= 1;
            assert!(key.open(&bad).is_err(), "{at}");
        }
        assert!(key.open(&sealed[..sealed.len() - 1]).is_err() && key.open(&[]).is_err());
    }
}
