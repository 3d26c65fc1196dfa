//! The key_id that a provider tells kube-apiserver and that lies, in clear, beside every object in etcd:
//! `kw1.<cluster>.<key>.<version>.<random>`, the first two as the first 8 bytes of the id in hex.
//!
//! The random bytes are made with the version, so no id is ever used twice, not even by a broker that was restored from a
//! backup and makes the same version number again.

use std::{fmt, str::FromStr};

use data_encoding::HEXLOWER;

use super::{ClusterId, ClusterKeyId};

/// The id of one version of one cluster's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyId {
    cluster: [u8; 8],
    key: [u8; 8],
    version: u32,
    random: [u8; 8],
}

/// The text is no key_id of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a key_id of Keyward; another provider may have written it")]
pub struct KeyIdError;

fn short(id: &[u8; 16]) -> [u8; 8] {
    let [a, b, c, d, e, f, g, h, ..] = *id;
    [a, b, c, d, e, f, g, h]
}

impl KeyId {
    /// The id of `version`, made with `random`.
    #[must_use]
    pub fn of(cluster: &ClusterId, key: &ClusterKeyId, version: u32, random: [u8; 8]) -> Self {
        Self { cluster: short(cluster.as_bytes()), key: short(key.as_bytes()), version, random }
    }

    /// The version.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Whether it is of this cluster.
    #[must_use]
    pub fn is_of(&self, cluster: &ClusterId) -> bool {
        self.cluster == short(cluster.as_bytes())
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [cluster, key, random] = [self.cluster, self.key, self.random].map(|bytes| HEXLOWER.encode(&bytes));
        write!(f, "kw1.{cluster}.{key}.{}.{random}", self.version)
    }
}

impl FromStr for KeyId {
    type Err = KeyIdError;

    /// Takes exactly what `Display` writes, so that one id has one spelling.
    fn from_str(text: &str) -> Result<Self, KeyIdError> {
        let hex = |text: &str| -> Result<[u8; 8], KeyIdError> {
            HEXLOWER.decode(text.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok()).ok_or(KeyIdError)
        };
        if text.len() > 80 {
            return Err(KeyIdError);
        }
        let mut parts = text.split('.');
        let [Some("kw1"), Some(cluster), Some(key), Some(version), Some(random), None] =
            std::array::from_fn(|_| parts.next())
        else {
            return Err(KeyIdError);
        };
        let read = Self {
            cluster: hex(cluster)?,
            key: hex(key)?,
            version: version.parse().map_err(|_| KeyIdError)?,
            random: hex(random)?,
        };
        if read.to_string() == text { Ok(read) } else { Err(KeyIdError) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_key_id_reads_back_as_it_was_shown(cluster: [u8; 16], key: [u8; 16], version: u32, random: [u8; 8]) {
            let id = KeyId::of(&ClusterId::from_bytes(cluster), &ClusterKeyId::from_bytes(key), version, random);
            prop_assert_eq!(id.to_string().parse(), Ok(id));
            prop_assert!(id.to_string().len() <= 1024);
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,100}") {
            if let Ok(id) = text.parse::<KeyId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }

    #[test]
    fn the_same_version_number_made_twice_has_two_ids() {
        let (cluster, key) = (ClusterId::random(), ClusterKeyId::random());
        assert_ne!(KeyId::of(&cluster, &key, 7, [1; 8]).to_string(), KeyId::of(&cluster, &key, 7, [2; 8]).to_string());
    }

    #[test]
    fn a_second_spelling_is_refused() {
        let id = KeyId::of(&ClusterId::random(), &ClusterKeyId::random(), 7, [0xab; 8]).to_string();
        for other in [
            id.to_uppercase(),
            id.replace(".7.", ".07."),
            id.replace(".7.", ".+7."),
            format!("{id}."),
            format!(" {id}"),
        ] {
            assert_eq!(other.parse::<KeyId>(), Err(KeyIdError), "{other}");
        }
    }
}
