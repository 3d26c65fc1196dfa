//! Limits what a version may be used for, and lifts the limit.

use keyward_sdk::time::Timestamp;

use super::{KeyRecord, VersionState, change::ChangeKey, on_key};
use crate::{
    engine::EngineError,
    method::{NamePath, rows},
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

impl ChangeKey for SetKeyVersionState {
    fn apply(&self, record: &mut KeyRecord, _now: Timestamp) -> Result<(), EngineError> {
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

    fn is_urgent(&self) -> bool {
        self.state == Settable::Disabled
    }
}
