//! Adds a seal path, or replaces one of the same name.

use super::{
    SYSTEM,
    change::{Open, PathChanged, old_backups, refused},
    initialize::make_key_files,
};
use crate::{
    engine::{Connection, Done, EngineError, Operation, World, is_own_user},
    identity::Peer,
    method::{Action, Method, Tenantwide, rows},
    policy::Permit,
    seal::{Edit, NewPath, add_path, edit_path},
};

/// See the module.
pub struct PutSealPath {
    /// As it shall be.
    pub path: NewPath,
    /// What the connection proves.
    pub connection: Connection,
}

impl Action for PutSealPath {
    const METHOD: &'static Method = &rows::seal::PUT_PATH;
    type Resource = Tenantwide;
    fn resource(&self) -> Tenantwide {
        SYSTEM
    }
}

impl Operation for PutSealPath {
    type Reply = PathChanged;

    fn connected(&mut self, connection: &Connection) {
        self.connection = connection.clone();
    }

    async fn execute(&self, _permit: &Permit<Self>, world: &World) -> Result<Done<PathChanged>, EngineError> {
        if matches!(self.connection.peer, Some(Peer::Local { uid }) if is_own_user(Some(uid))) {
            make_key_files(std::slice::from_ref(&self.path))?;
        }
        let open = Open::of(world).await?;
        let name = &self.path.name;
        let (change, notes) = match open.record.path(name) {
            None => (add_path(open.held(), &self.path).await.map_err(refused)?, Vec::new()),
            Some(old) => {
                open.unpinned()?;
                let gone = old.members.iter().map(|member| Edit::Remove(member.name.clone()));
                let new = self.path.members.iter().cloned().map(Edit::Add);
                let edits: Vec<Edit> = gone.chain(new).chain([Edit::Threshold(self.path.k)]).collect();
                (edit_path(open.held(), name, &edits).await.map_err(refused)?, vec![old_backups(name)])
            }
        };
        let (changes, shares) = open.written(world, change)?;
        Ok(Done::Change(changes, PathChanged { shares, notes }))
    }
}
