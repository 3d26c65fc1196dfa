//! Named keys: made or imported here, used by `engine::crypto`, and never shown.
//!
//! A key is one entry of the control state with the material of all its versions, so it is held against an older copy
//! put back, and hot in memory: no request that uses a key reads the store.

mod change;
mod create;
mod destroy;
mod due;
mod get;
mod hot;
mod import;
mod kind;
mod labels;
mod list;
mod material;
mod parameters;
mod prepared;
mod public_key;
mod record;
mod rotate;
mod state;
#[cfg(test)]
pub(in crate::engine) mod tests;
mod update;

pub use self::{
    create::CreateKey,
    destroy::{CancelKeyDestruction, ScheduleKeyDestruction},
    due::{Due, destroy_due, rotate_due},
    get::{GetKey, ShownKey},
    hot::{HotKey, HotVersion, Keys},
    import::{ImportKey, Wrapping},
    kind::{KeyType, Origin, Use},
    list::{KeyFolder, ListKeys},
    material::Material,
    parameters::{GetImportParameters, ImportParameters, ImportRecord, WrappingKey},
    prepared::{OaepPair, Prepared},
    public_key::{GetPublicKey, PublicKeyOf},
    record::{KeyInfo, KeyRecord, MAX_BYTES, MAX_VERSIONS, VersionInfo, VersionState},
    rotate::RotateKey,
    state::{SetKeyVersionState, Settable},
    update::UpdateKey,
};

/// Names the row of an operation on the key at its `path`.
macro_rules! on_key {
    ($($operation:ty = $row:path;)*) => {$(
        impl crate::method::Action for $operation {
            const METHOD: &'static crate::method::Method = &$row;
            type Resource = crate::method::KeyResource;
            fn resource(&self) -> crate::method::KeyResource {
                crate::method::KeyResource(self.path.clone())
            }
        }
    )*};
}
pub(in crate::engine) use on_key;
