//! The value of a version: inline as one entry, or in parts when it is larger than one entry of the store may be.

use keyward_sdk::{crypto::random, secret::Secret};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{dropped, record::Fields};
use crate::{
    engine::{EngineError, World},
    keyring::{Changes, DataPath, decode, encode},
    method::{NamePath, TenantId},
    storage::{Expect, PathError},
};

/// The most bytes that the values of all fields may have together.
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
    /// Adds the value to `changes`. Parts but the last are committed at once, with a note on the worklist of what is to be
    /// removed; `changes` take the note away.
    pub(super) async fn write(
        world: &World,
        tenant: TenantId,
        fields: &Fields,
        changes: &mut Changes,
    ) -> Result<Self, EngineError> {
        let encoded = encode_fields(fields)?;
        let parts = encoded.chunks(PART).map(Secret::copy_of).collect::<Result<Vec<_>, _>>();
        let mut parts = parts.map_err(|error| EngineError::Internal(error.to_string()))?;
        let body = Self { id: random::array(), parts: u32::try_from(parts.len()).unwrap_or(u32::MAX) };
        if let Some(last) = parts.pop() {
            changes.put_data(body.part(tenant, parts.len())?, &Part(last))?;
        }
        let mut note = None;
        for (number, part) in parts.into_iter().enumerate() {
            let mut ahead = Changes::new();
            ahead.put_data(body.part(tenant, number)?, &Part(part))?;
            if number == 0 {
                let place = dropped::announce(tenant, &body, world.clock.now(), &mut ahead)?;
                note = Some((place, world.vault.commit(ahead).await?));
            } else {
                world.vault.commit(ahead).await?;
            }
        }
        if let Some((place, revision)) = note {
            changes.expect(place.clone(), Expect::At(revision));
            changes.delete_data(place);
        }
        Ok(body)
    }

    /// How many entries it is.
    pub(super) fn parts(&self) -> usize {
        self.parts as usize
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
    // Names have a limit of their own.
    let total: usize = fields.values().map(|value| value.len()).sum();
    if total > MAX_BYTES {
        return Err(EngineError::Limit {
            what: "the size of all values of the secret, in bytes,",
            limit: MAX_BYTES as u64,
        });
    }
    let fields = fields
        .iter()
        .map(|(name, value)| Ok(Field { name: name.clone(), value: Secret::copy_of(value.expose())? }))
        .collect::<Result<Vec<_>, keyward_sdk::secret::SecretError>>()
        .map_err(|error| EngineError::Internal(error.to_string()))?;
    Ok(encode(&fields)?)
}
