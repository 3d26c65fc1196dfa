//! Makes a key.

use std::collections::{BTreeMap, BTreeSet};

use keyward_sdk::{crypto::random, time::Span};

use super::{KeyInfo, KeyRecord, KeyType, Material, Origin, Use, hot, labels, on_key, update};
use crate::{
    engine::{Done, EngineError, Kept, Operation, World, offload::offload_if},
    keyring::Changes,
    method::{Attributes, NamePath, ResourceKind, TenantId, rows},
    policy::Permit,
};

/// The most keys of a tenant.
const MAX_KEYS: usize = 10_000;

/// See the module.
pub struct CreateKey {
    /// Where.
    pub path: NamePath,
    /// Its type.
    pub kind: KeyType,
    /// Where its material comes from.
    pub origin: Origin,
    /// What it may be used for; empty: what is usual for the type.
    pub uses: BTreeSet<Use>,
    /// Whether the material may leave wrapped.
    pub exportable: bool,
    /// How often it gets a new version by itself.
    pub rotation_period: Option<Span>,
    /// Whether destruction is refused.
    pub deletion_protection: bool,
    /// For people and programs.
    pub labels: BTreeMap<String, String>,
}

on_key! { CreateKey = rows::key::CREATE; }

impl Operation for CreateKey {
    type Reply = Kept<KeyInfo>;

    /// Those of the key to be made, so that a policy can say what kind of keys may be.
    fn attributes(&self, _world: &World, _tenant: TenantId) -> Attributes {
        hot::attributes(self.exportable, self.origin, self.kind)
    }

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<Self::Reply>, EngineError> {
        let tenant = permit.tenant();
        let keys = &world.tables.keys;
        if keys.get(tenant, &self.path).is_some() {
            return Err(EngineError::Exists { kind: ResourceKind::Key, name: self.path.to_string() });
        }
        if keys.count(tenant) >= MAX_KEYS {
            return Err(EngineError::Limit { what: "the number of keys", limit: MAX_KEYS as u64 });
        }
        let now = world.clock.now();
        let mut record = KeyRecord { info: self.info(now)?, material: BTreeMap::new() };
        if self.origin == Origin::Generated {
            let kind = self.kind;
            let material = offload_if(kind.is_rsa(), move || Material::generate(kind)).await?;
            record.add_version(material, now)?;
        }
        let mut changes = Changes::new();
        record.store(tenant, &mut changes)?;
        Ok(Done::Change(changes, Kept(record.info)))
    }
}

impl CreateKey {
    /// The key without any version.
    pub(super) fn info(&self, now: keyward_sdk::time::Timestamp) -> Result<KeyInfo, EngineError> {
        labels::check(&self.labels)?;
        if let Some(period) = self.rotation_period {
            update::check_period(period, self.origin)?;
        }
        Ok(KeyInfo {
            path: self.path.clone(),
            id: random::array(),
            kind: self.kind,
            origin: self.origin,
            uses: self.kind.uses(&self.uses)?,
            exportable: self.exportable,
            created_at: now,
            primary: 0,
            rotation_period: self.rotation_period,
            deletion_protection: self.deletion_protection,
            labels: self.labels.clone(),
            destroy_at: None,
            versions: Vec::new(),
        })
    }
}
