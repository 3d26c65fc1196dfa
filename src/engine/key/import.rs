//! Takes wrapped material as the next version of a key.

use bytes::Bytes;
use keyward_sdk::{
    crypto::{
        CryptoError,
        lc::{OaepHash, OaepPrivateKey, kwp_unwrap},
    },
    secret::{Key32, Secret},
};

use super::{ImportRecord, KeyInfo, Material, Origin, on_key, parameters::name_of, rotate};
use crate::{
    engine::{Done, EngineError, Kept, Operation, World, offload::offload},
    keyring::Changes,
    method::{Attributes, NamePath, TenantId, rows},
    policy::Permit,
};

/// The longest wrapped key: an RSA-4096 key in PKCS#8 has 2.4 kB.
const MAX_WRAPPED: usize = 16 << 10;

/// How the material is wrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrapping {
    /// RSA-OAEP around the key.
    RsaOaep,
    /// RSA-OAEP around an AES key, and AES-KWP around the key.
    RsaAesKeyWrap,
}

/// See the module.
pub struct ImportKey {
    /// Where.
    pub path: NamePath,
    /// Which wrapping key.
    pub import_id: [u8; 16],
    /// How it is wrapped.
    pub wrapping: Wrapping,
    /// The wrapped key.
    pub wrapped: Bytes,
}

on_key! { ImportKey = rows::key::IMPORT; }

impl Operation for ImportKey {
    type Reply = Kept<KeyInfo>;

    fn attributes(&self, world: &World, tenant: TenantId) -> Attributes {
        world.tables.keys.attributes(tenant, &self.path)
    }

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<Self::Reply>, EngineError> {
        let tenant = permit.tenant();
        let mut record = world.tables.keys.find(tenant, &self.path)?.record.clone();
        if record.info.origin != Origin::Imported {
            let what = format!("key `{}` was generated here; nothing can be imported into it", self.path);
            return Err(EngineError::state("KEY_NOT_IMPORTED", what));
        }
        rotate::usable(&record.info)?;
        let now = world.clock.now();
        let name = name_of(&self.import_id);
        let import =
            world.tables.imports.get(tenant, &name).filter(|import| {
                import.expires_at > now && import.path == self.path && import.key_id == record.info.id
            });
        let import = import.ok_or_else(|| {
            EngineError::invalid(
                "import_id",
                "no wrapping key of this id waits for this key: it was used, has expired, or is for another key",
            )
        })?;
        let (wrapping, wrapped, kind) = (self.wrapping, self.wrapped.clone(), record.info.kind);
        let material = offload(move || Material::imported(kind, unwrap(&import, wrapping, &wrapped)?)).await?;
        record.add_version(material, now)?;
        let mut changes = Changes::new();
        record.store(tenant, &mut changes)?;
        changes.delete_control::<ImportRecord>(tenant, &name);
        Ok(Done::Change(changes, Kept(record.info)))
    }
}

/// Unwraps. One answer for whatever is wrong.
pub(super) fn unwrap(import: &ImportRecord, wrapping: Wrapping, wrapped: &[u8]) -> Result<Secret, EngineError> {
    let refused = || {
        let what =
            "the wrapped key does not open: it was wrapped for another wrapping key, in another way, or was changed";
        EngineError::Undecryptable(what.to_owned())
    };
    if wrapped.len() > MAX_WRAPPED {
        return Err(EngineError::invalid("wrapped_key", format!("at most {MAX_WRAPPED} bytes are allowed")));
    }
    let private =
        OaepPrivateKey::from_pkcs8(&import.private).map_err(|error| EngineError::Internal(error.to_string()))?;
    let open = |sealed: &[u8]| private.decrypt(OaepHash::Sha256, sealed, &[]);
    let unwrapped: Result<Secret, CryptoError> = match wrapping {
        Wrapping::RsaOaep => open(wrapped),
        Wrapping::RsaAesKeyWrap => {
            let modulus = private.modulus_len();
            let (outer, inner) = wrapped.split_at_checked(modulus).ok_or_else(refused)?;
            open(outer).and_then(|key| {
                let key = Key32::from_secret(&key).map_err(|_| CryptoError::Authentication)?;
                kwp_unwrap(&key, inner)
            })
        }
    };
    unwrapped.map_err(|_| refused())
}
