//! What all changes of a key that exists have in common: it is looked up, changed, and stored whole.

use keyward_sdk::time::Timestamp;

use super::{KeyInfo, KeyRecord};
use crate::{
    engine::{Done, EngineError, Kept, Operation, World},
    keyring::Changes,
    method::{Action, Attributes, KeyResource, TenantId},
    policy::Permit,
};

/// A change of one key that needs nothing but its record.
pub(super) trait ChangeKey: Action<Resource = KeyResource> {
    /// Changes the record.
    ///
    /// # Errors
    /// Nothing is stored then.
    fn apply(&self, record: &mut KeyRecord, now: Timestamp) -> Result<(), EngineError>;

    /// As [`Operation::is_urgent`].
    fn is_urgent(&self) -> bool {
        false
    }
}

impl<C: ChangeKey> Operation for C {
    type Reply = Kept<KeyInfo>;

    fn attributes(&self, world: &World, tenant: TenantId) -> Attributes {
        world.tables.keys.attributes(tenant, &self.resource().0)
    }

    fn is_urgent(&self) -> bool {
        ChangeKey::is_urgent(self)
    }

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<Self::Reply>, EngineError> {
        let tenant = permit.tenant();
        let mut record = world.tables.keys.find(tenant, &permit.resource().0)?.record.clone();
        self.apply(&mut record, world.clock.now())?;
        let mut changes = Changes::new();
        record.store(tenant, &mut changes)?;
        Ok(Done::Change(changes, Kept(record.info)))
    }
}
