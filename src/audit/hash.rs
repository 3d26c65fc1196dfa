//! Keyed hashes of secret values: whether two records were about the same value can be told, the value cannot.

use keyward_sdk::{
    crypto::hmac::HmacKey,
    secret::{Key32, Secret},
};

/// Hashes the secret values of one tenant, under its audit hash key. There is none while sealed.
pub struct SecretHasher(HmacKey);

impl SecretHasher {
    /// For the tenant with this audit hash key.
    #[must_use]
    pub fn new(audit_hash_key: &Key32) -> Self {
        Self(HmacKey::new(audit_hash_key.expose()))
    }

    /// The keyed hash of a value.
    #[must_use]
    pub fn hash(&self, value: &Secret) -> [u8; 32] {
        self.0.tag_parts(&[b"keyward audit value v1\0", value.expose()])
    }
}

impl std::fmt::Debug for SecretHasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretHasher(..)")
    }
}
