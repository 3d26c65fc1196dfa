//! Shows a key without its material.

use std::collections::BTreeMap;

use super::{KeyInfo, on_key};
use crate::{
    engine::{Done, EngineError, Operation, Reply, World},
    method::{Attributes, NamePath, TenantId, rows},
    policy::Permit,
};

/// See the module.
pub struct GetKey {
    /// Where.
    pub path: NamePath,
}

/// A key, and how much it is used.
pub struct ShownKey {
    /// The key.
    pub info: KeyInfo,
    /// How often this replica used each version since its start.
    pub uses: BTreeMap<u32, u64>,
}

impl Reply for ShownKey {}

on_key! { GetKey = rows::key::GET; }

impl Operation for GetKey {
    type Reply = ShownKey;

    fn attributes(&self, world: &World, tenant: TenantId) -> Attributes {
        world.tables.keys.attributes(tenant, &self.path)
    }

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<ShownKey>, EngineError> {
        let key = world.tables.keys.find(permit.tenant(), &self.path)?;
        Ok(Done::Answer(ShownKey { info: key.info().clone(), uses: key.uses() }))
    }
}
