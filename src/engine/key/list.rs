//! Shows the keys below a folder.

use super::KeyInfo;
use crate::{
    engine::{Done, EngineError, Operation, Page, PageRequest, World},
    method::{Action, Method, NamePath, Resource, ResourceKind, rows},
    policy::Permit,
};

/// See the module.
pub struct ListKeys {
    /// The folder; none: all.
    pub folder: Option<NamePath>,
    /// Which part.
    pub page: PageRequest,
}

/// The folder that is listed, or the top.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyFolder(pub Option<NamePath>);

impl Resource for KeyFolder {
    fn kind(&self) -> ResourceKind {
        ResourceKind::Key
    }
    fn name(&self) -> &str {
        self.0.as_ref().map_or("", NamePath::as_str)
    }
}

impl Action for ListKeys {
    const METHOD: &'static Method = &rows::key::LIST;
    type Resource = KeyFolder;
    fn resource(&self) -> KeyFolder {
        KeyFolder(self.folder.clone())
    }
}

impl Operation for ListKeys {
    type Reply = Page<KeyInfo>;

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<Self::Reply>, EngineError> {
        let prefix = self.folder.as_ref().map_or_else(String::new, |folder| format!("{folder}/"));
        let limit = self.page.limit();
        let found = world.tables.keys.list(permit.tenant(), &prefix, &self.page.after, limit);
        let next =
            found.last().filter(|_| found.len() == limit).map_or_else(String::new, |key| key.info().path.to_string());
        let items = found.iter().map(|key| KeyInfo { versions: Vec::new(), ..key.info().clone() }).collect();
        Ok(Done::Answer(Page { items, next }))
    }
}
