//! Makes a new version, by command.

use super::{KeyInfo, Material, Origin, VersionState, on_key};
use crate::{
    engine::{Done, EngineError, Kept, Operation, World, offload::offload_if},
    keyring::Changes,
    method::{Attributes, NamePath, TenantId, rows},
    policy::Permit,
};

/// See the module.
pub struct RotateKey {
    /// Where.
    pub path: NamePath,
}

on_key! { RotateKey = rows::key::ROTATE; }

impl Operation for RotateKey {
    type Reply = Kept<KeyInfo>;

    fn attributes(&self, world: &World, tenant: TenantId) -> Attributes {
        world.tables.keys.attributes(tenant, &self.path)
    }

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<Self::Reply>, EngineError> {
        let tenant = permit.tenant();
        let mut record = world.tables.keys.find(tenant, &self.path)?.record.clone();
        can_rotate(&record.info)?;
        let kind = record.info.kind;
        let material = offload_if(kind.is_rsa(), move || Material::generate(kind)).await?;
        record.add_version(material, world.clock.now())?;
        let mut changes = Changes::new();
        record.store(tenant, &mut changes)?;
        Ok(Done::Change(changes, Kept(record.info)))
    }
}

pub(super) fn can_rotate(info: &KeyInfo) -> Result<(), EngineError> {
    if info.origin == Origin::Imported {
        let what = format!("key `{}` was imported; its next version is imported as well", info.path);
        return Err(EngineError::state("KEY_IMPORTED", what));
    }
    usable(info)
}

/// Nobody asks for this rotation, so it must not undo what somebody did: a key whose primary is disabled, or is to be
/// destroyed, stays out of use.
pub(super) fn rotates_by_itself(info: &KeyInfo) -> Result<(), EngineError> {
    can_rotate(info)?;
    let primary = info.versions.iter().find(|version| version.number == info.primary);
    if primary.is_some_and(|version| version.state == VersionState::Enabled) {
        return Ok(());
    }
    let what = format!("the primary version of key `{}` is out of use; rotate it by command to go on", info.path);
    Err(EngineError::state("KEY_VERSION_DISABLED", what))
}

/// Refuses what is to be destroyed.
pub(super) fn usable(info: &KeyInfo) -> Result<(), EngineError> {
    if info.destroy_at.is_some() {
        let what = format!("key `{}` is to be destroyed; cancel that first", info.path);
        return Err(EngineError::state("KEY_DESTROYING", what));
    }
    Ok(())
}
