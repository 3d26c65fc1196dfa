//! Keyed hashes of secret values, for the record.

use keyward_sdk::secret::Secret;

use crate::{
    audit::{Entry, SecretHasher},
    engine::World,
    method::TenantId,
};

/// Adds the hashes of `secrets` under the tenant's audit hash key. Costs nothing where there are none.
pub(super) fn with_hashes(world: &World, tenant: TenantId, entry: Entry, secrets: &[(&str, &Secret)]) -> Entry {
    if secrets.is_empty() {
        return entry;
    }
    let rings = world.vault.rings();
    // Without its keyring nothing of the tenant can be read or written, so there was no value.
    let Ok(ring) = rings.of(tenant) else { return entry };
    let hasher = SecretHasher::new(ring.audit_hash_key());
    secrets.iter().fold(entry, |entry, (name, value)| entry.with_hash(name, hasher.hash(value)))
}
