//! Gives the public key of a version.

use super::{KeyType, on_key};
use crate::{
    engine::{Done, EngineError, Operation, Reply, World, offload::offload_if},
    method::{Attributes, NamePath, TenantId, rows},
    policy::Permit,
};

/// See the module.
pub struct GetPublicKey {
    /// Where.
    pub path: NamePath,
    /// Which version; none: the primary.
    pub version: Option<u32>,
}

/// What was asked for.
pub struct PublicKeyOf {
    /// SubjectPublicKeyInfo.
    pub der: Vec<u8>,
    /// Of which version.
    pub version: u32,
    /// Of which type.
    pub kind: KeyType,
}

impl Reply for PublicKeyOf {}

on_key! { GetPublicKey = rows::key::PUBLIC_KEY; }

impl Operation for GetPublicKey {
    type Reply = PublicKeyOf;

    fn attributes(&self, world: &World, tenant: TenantId) -> Attributes {
        world.tables.keys.attributes(tenant, &self.path)
    }

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<PublicKeyOf>, EngineError> {
        let key = world.tables.keys.find(permit.tenant(), &self.path)?;
        let kind = key.info().kind;
        if kind.pair().is_none() {
            let what = format!("key `{}` is of type {kind}, which has no public key", self.path);
            return Err(EngineError::state("NO_PUBLIC_KEY", what));
        }
        let number = self.version.unwrap_or(key.info().primary);
        key.info().version(number)?;
        // A private key is checked when it is used for the first time, which takes long for RSA.
        let der = offload_if(kind.is_rsa(), move || {
            let public = key.prepared(key.material(number)?)?.public_key();
            public.map(|public| public.to_spki()).ok_or_else(|| EngineError::Internal("no public key".to_owned()))
        });
        Ok(Done::Answer(PublicKeyOf { der: der.await?, version: number, kind }))
    }
}
