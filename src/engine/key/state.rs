//! Limits what a version may be used for, and lifts the limit.

use super::{KeyInfo, KeyRecord, VersionState, on_key};
use crate::{
    engine::{Done, EngineError, Kept, Operation, World},
    keyring::Changes,
    method::{Attributes, NamePath, TenantId, rows},
    policy::Permit,
};

/// The states that can be set by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settable {
    /// In full use: the primary.
    Enabled,
    /// Opens and verifies: any other.
    DecryptOnly,
    /// Not used.
    Disabled,
}

/// See the module.
pub struct SetKeyVersionState {
    /// Where.
    pub path: NamePath,
    /// Which version.
    pub version: u32,
    /// What it is to be in.
    pub state: Settable,
}

on_key! { SetKeyVersionState = rows::key::SET_VERSION_STATE; }

impl Operation for SetKeyVersionState {
    type Reply = Kept<KeyInfo>;

    fn attributes(&self, world: &World, tenant: TenantId) -> Attributes {
        world.tables.keys.attributes(tenant, &self.path)
    }

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<Self::Reply>, EngineError> {
        let tenant = permit.tenant();
        let mut record = world.tables.keys.find(tenant, &self.path)?.record.clone();
        self.apply(&mut record)?;
        let mut changes = Changes::new();
        record.store(tenant, &mut changes)?;
        Ok(Done::Change(changes, Kept(record.info)))
    }
}

impl SetKeyVersionState {
    pub(super) fn apply(&self, record: &mut KeyRecord) -> Result<(), EngineError> {
        let primary = self.version == record.info.primary;
        let version = record.version_mut(self.version)?;
        let refuse = |reason, what: &str| {
            Err(EngineError::state(reason, format!("version {} of key `{}` {what}", self.version, self.path)))
        };
        match version.state {
            VersionState::Destroyed => return refuse("KEY_VERSION_DESTROYED", "was destroyed"),
            VersionState::Scheduled(_) => {
                return refuse("KEY_VERSION_DESTROYING", "is to be destroyed; cancel that first");
            }
            VersionState::Enabled | VersionState::DecryptOnly | VersionState::Disabled => {}
        }
        version.state = match (self.state, primary) {
            (Settable::Disabled, _) => VersionState::Disabled,
            (Settable::Enabled, true) => VersionState::Enabled,
            (Settable::DecryptOnly, false) => VersionState::DecryptOnly,
            (Settable::Enabled, false) => {
                return refuse(
                    "NOT_PRIMARY",
                    "is not the primary: it can be decrypt-only or disabled; to go on, rotate the key",
                );
            }
            (Settable::DecryptOnly, true) => {
                return refuse(
                    "PRIMARY",
                    "is the primary: rotate the key, and it is decrypt-only by that, or disable it",
                );
            }
        };
        Ok(())
    }
}
