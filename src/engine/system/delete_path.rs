//! Removes a seal path.

use super::{
    SYSTEM,
    change::{Open, PathChanged, old_backups, refused},
};
use crate::{
    engine::{Done, EngineError, Operation, World},
    method::{Action, Method, Tenantwide, rows},
    policy::Permit,
    seal::{Name, remove_path},
};

/// See the module.
pub struct DeleteSealPath {
    /// The path's name.
    pub name: Name,
}

impl Action for DeleteSealPath {
    const METHOD: &'static Method = &rows::seal::DELETE_PATH;
    type Resource = Tenantwide;
    fn resource(&self) -> Tenantwide {
        SYSTEM
    }
}

impl Operation for DeleteSealPath {
    type Reply = PathChanged;

    async fn execute(&self, _permit: &Permit<Self>, world: &World) -> Result<Done<PathChanged>, EngineError> {
        let open = Open::of(world).await?;
        open.unpinned()?;
        open.others_open(&self.name).await?;
        let change = remove_path(open.held(), &self.name).map_err(refused)?;
        let (changes, shares) = open.written(world, change)?;
        Ok(Done::Change(changes, PathChanged { shares, notes: vec![old_backups(&self.name)] }))
    }
}
