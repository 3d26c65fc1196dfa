//! Makes a new root key under the same paths: no member and no person is needed, and every share stays good.

use super::{
    SYSTEM,
    change::{Open, refused},
};
use crate::{
    engine::{Done, EngineError, Kept, Operation, World},
    method::{Action, Method, Tenantwide, rows},
    policy::Permit,
    seal::rotate_root,
};

/// See the module.
pub struct RotateRootKey;

/// As the clock asks for it.
///
/// # Errors
/// [`EngineError`]: nothing has changed.
pub(in crate::engine) async fn rotate_root_now(world: &World) -> Result<(), EngineError> {
    let open = Open::of(world).await?;
    open.unpinned()?;
    let (changes, _none) = open.written(world, rotate_root(open.held()).map_err(refused)?)?;
    world.vault.commit(changes).await?;
    Ok(())
}

impl Action for RotateRootKey {
    const METHOD: &'static Method = &rows::seal::ROTATE_ROOT;
    type Resource = Tenantwide;
    fn resource(&self) -> Tenantwide {
        SYSTEM
    }
}

impl Operation for RotateRootKey {
    type Reply = Kept<String>;

    async fn execute(&self, _permit: &Permit<Self>, world: &World) -> Result<Done<Kept<String>>, EngineError> {
        let open = Open::of(world).await?;
        open.unpinned()?;
        let change = rotate_root(open.held()).map_err(refused)?;
        let fingerprint = change.record.root().fingerprint.to_string();
        let (changes, _none) = open.written(world, change)?;
        Ok(Done::Change(changes, Kept(fingerprint)))
    }
}
