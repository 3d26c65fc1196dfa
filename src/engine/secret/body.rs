//! The value of a version: inline as one entry, or in parts when it is larger than one entry of the store may be.

use keyward_sdk::{crypto::random, secret::Secret};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::record::Fields;
use crate::{
    engine::{EngineError, World},
    keyring::{Changes, DataPath, decode, encode},
    method::{NamePath, TenantId},
    storage::PathError,
};

/// The most bytes that field names and values may have together.
pub(super) const MAX_BYTES: usize = 1 << 20;
/// The most bytes in one part.
const PART: usize = 384 << 10;

/// Where a value lies. Parts have a random id, so nothing is ever written over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Body {
    id: [u8; 16],
    parts: u32,
}

#[derive(Serialize, Deserialize)]
struct Field {
    #[serde(rename = "n")]
    name: String,
    #[serde(rename = "v", with = "keyward_sdk::secret::serde_exposed")]
    value: Secret,
}

#[derive(Serialize, Deserialize)]
struct Part(#[serde(with = "keyward_sdk::secret::serde_exposed")] Secret);

impl Body {
    /// Adds the value to `changes`. Parts but the last are committed at once, under an id that nothing refers to until
    /// `changes` are committed; what a crash leaves of them is collected later.
    pub(super) async fn write(
        world: &World,
        tenant: TenantId,
        fields: &Fields,
        changes: &mut Changes,
    ) -> Result<Self, EngineError> {
        let encoded = encode_fields(fields)?;
        let id = random::array();
        let parts: Vec<&[u8]> = encoded.chunks(PART).collect();
        let body = Self { id, parts: u32::try_from(parts.len()).unwrap_or(u32::MAX) };
        for (number, part) in parts.iter().enumerate() {
            let part = Part(Secret::copy_of(part).map_err(|e| EngineError::Internal(e.to_string()))?);
            let place = body.part(tenant, number)?;
            if number + 1 == parts.len() {
                changes.put_data(place, &part)?;
            } else {
                let mut ahead = Changes::new();
                ahead.put_data(place, &part)?;
                world.vault.commit(ahead).await?;
            }
        }
        Ok(body)
    }

    /// Reads the value back.
    pub(super) async fn read(&self, world: &World, tenant: TenantId, path: &NamePath) -> Result<Fields, EngineError> {
        let mut encoded = Zeroizing::new(Vec::with_capacity(PART.min(4_096)));
        for number in 0..self.parts {
            let place = self.part(tenant, number as usize)?;
            let (part, _) =
                world.vault.read::<Part>(&place).await?.ok_or_else(|| {
                    EngineError::Internal(format!("part {number} of `{path}` is missing from the store"))
                })?;
            encoded.extend_from_slice(part.0.expose());
        }
        let fields: Vec<Field> = decode(&encoded, path.as_str())?;
        Ok(fields.into_iter().map(|field| (field.name, field.value)).collect())
    }

    /// Removes the value.
    pub(super) fn remove(&self, tenant: TenantId, changes: &mut Changes) -> Result<(), PathError> {
        (0..self.parts).try_for_each(|number| {
            changes.delete_data(self.part(tenant, number as usize)?);
            Ok(())
        })
    }

    fn part(&self, tenant: TenantId, number: usize) -> Result<DataPath, PathError> {
        let id = u128::from_be_bytes(self.id);
        DataPath::new(tenant, &format!("kv/v/{id:032x}/{number:04}"))
    }
}

fn encode_fields(fields: &Fields) -> Result<Zeroizing<Vec<u8>>, EngineError> {
    let total: usize = fields.iter().map(|(name, value)| name.len() + value.len()).sum();
    if total > MAX_BYTES {
        return Err(EngineError::Limit { what: "the size of the secret in bytes", limit: MAX_BYTES as u64 });
    }
    let fields = fields
        .iter()
        .map(|(name, value)| Ok(Field { name: name.clone(), value: Secret::copy_of(value.expose())? }))
        .collect::<Result<Vec<_>, keyward_sdk::secret::SecretError>>()
        .map_err(|error| EngineError::Internal(error.to_string()))?;
    Ok(encode(&fields)?)
}
