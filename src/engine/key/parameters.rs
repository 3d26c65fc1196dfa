//! Makes a wrapping key, for one import.

use keyward_sdk::{
    crypto::{
        asymmetric::{KeyKind, PrivateKey},
        lc::rsa_generate,
        random,
    },
    secret::Secret,
    time::{Span, Timestamp},
};
use serde::{Deserialize, Serialize};

use super::{Origin, on_key, rotate};
use crate::{
    engine::{Done, EngineError, Keep, Kept, Operation, World, offload::offload},
    keyring::{Changes, ControlType},
    method::{Attributes, NamePath, TenantId, rows},
    policy::Permit,
};

/// How long a wrapping key is good.
const LIFE: Span = Span::from_hours(24);
/// The most wrapping keys of a tenant that are neither used nor expired.
const MOST: usize = 100;

/// The wrapping key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrappingKey {
    /// RSA of 3072 bits.
    Rsa3072,
    /// RSA of 4096 bits.
    Rsa4096,
}

/// See the module.
pub struct GetImportParameters {
    /// The key for which material is to be imported.
    pub path: NamePath,
    /// The wrapping key.
    pub wrapping_key: WrappingKey,
}

/// What the caller wraps with.
#[derive(Debug, Serialize, Deserialize)]
pub struct ImportParameters {
    /// For the import.
    pub id: [u8; 16],
    /// The public key as SubjectPublicKeyInfo.
    pub public_key: Vec<u8>,
    /// When the private one is gone.
    pub expires_at: Timestamp,
}

impl Keep for ImportParameters {}

/// A wrapping key as it is stored, under its id.
#[derive(Serialize, Deserialize)]
pub struct ImportRecord {
    /// For this key only.
    pub path: NamePath,
    /// And only for this one of that name.
    pub key_id: [u8; 16],
    /// PKCS#8.
    #[serde(with = "keyward_sdk::secret::serde_exposed")]
    pub private: Secret,
    /// When it is gone.
    pub expires_at: Timestamp,
}

impl ControlType for ImportRecord {
    const KIND: &'static str = "key-import";
}

/// The name of an entry.
pub(super) fn name_of(id: &[u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(*id))
}

on_key! { GetImportParameters = rows::key::IMPORT_PARAMETERS; }

impl Operation for GetImportParameters {
    type Reply = Kept<ImportParameters>;

    fn attributes(&self, world: &World, tenant: TenantId) -> Attributes {
        world.tables.keys.attributes(tenant, &self.path)
    }

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<Self::Reply>, EngineError> {
        let tenant = permit.tenant();
        let key = world.tables.keys.find(tenant, &self.path)?;
        if key.info().origin != Origin::Imported {
            let what = format!("key `{}` was generated here; make one with the origin `imported`", self.path);
            return Err(EngineError::state("KEY_NOT_IMPORTED", what));
        }
        rotate::usable(key.info())?;
        let now = world.clock.now();
        let waiting = world.tables.imports.all(tenant);
        if waiting.iter().filter(|(_, import)| import.expires_at > now).count() >= MOST {
            return Err(EngineError::Limit { what: "the number of unused wrapping keys", limit: MOST as u64 });
        }
        let kind = match self.wrapping_key {
            WrappingKey::Rsa3072 => KeyKind::Rsa3072,
            WrappingKey::Rsa4096 => KeyKind::Rsa4096,
        };
        let (private, public_key) = offload(move || make(kind)).await?;
        let (id, expires_at) = (random::array(), now.saturating_add(LIFE));
        let record = ImportRecord { path: self.path.clone(), key_id: key.info().id, private, expires_at };
        let mut changes = Changes::new();
        changes.put_control(tenant, &name_of(&id), &record)?;
        Ok(Done::Change(changes, Kept(ImportParameters { id, public_key, expires_at })))
    }
}

pub(super) fn make(kind: KeyKind) -> Result<(Secret, Vec<u8>), EngineError> {
    let made = rsa_generate(kind).and_then(|private| {
        let public = PrivateKey::from_pkcs8(kind, &private)?.public_key().to_spki();
        Ok((private, public))
    });
    made.map_err(|error| EngineError::Internal(error.to_string()))
}
