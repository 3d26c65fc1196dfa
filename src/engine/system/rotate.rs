//! Adds a version to a keyring.

use super::SYSTEM;
use crate::{
    engine::{Done, EngineError, Kept, Operation, World, tenant},
    keyring::Changes,
    method::{Action, Method, Name, TenantId, Tenantwide, rows},
    policy::Permit,
};

/// See the module.
pub struct RotateKeyring {
    /// The tenant; none: the system keyring.
    pub tenant: Option<Name>,
}

impl Action for RotateKeyring {
    const METHOD: &'static Method = &rows::seal::ROTATE_KEYRING;
    type Resource = Tenantwide;
    fn resource(&self) -> Tenantwide {
        SYSTEM
    }
}

impl Operation for RotateKeyring {
    type Reply = Kept<u32>;

    async fn execute(&self, _permit: &Permit<Self>, world: &World) -> Result<Done<Kept<u32>>, EngineError> {
        let owner = match &self.tenant {
            Some(name) => tenant::find(world, name)?.id,
            None => TenantId::SYSTEM,
        };
        let rings = world.vault.rings();
        let rotated = rings.of(owner)?.record().rotated(world.clock.now());
        let version = rotated.primary;
        let mut changes = Changes::new();
        changes.put_ring(owner, rotated);
        Ok(Done::Change(changes, Kept(version)))
    }
}
