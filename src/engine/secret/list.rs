//! Lists names, one level or all below a folder.

use crate::{
    engine::{Done, EngineError, MAX_PAGE, Operation, PageRequest, Reply, World},
    keyring::DataPath,
    method::{Action, Method, NamePath, Resource, ResourceKind, rows},
    policy::Permit,
};

/// See the module.
pub struct ListSecrets {
    /// The folder; none: the top.
    pub folder: Option<NamePath>,
    /// Which part.
    pub page: PageRequest,
    /// Everything below, not one level.
    pub recursive: bool,
}

/// Names below the folder; one that ends in `/` is a folder.
pub struct SecretNames {
    /// The names.
    pub names: Vec<String>,
    /// For the next page, empty at the end.
    pub next: String,
}

impl Reply for SecretNames {}

/// The folder that is listed, or the top.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SecretFolder(pub Option<NamePath>);

impl Resource for SecretFolder {
    fn kind(&self) -> ResourceKind {
        ResourceKind::Secret
    }
    fn name(&self) -> &str {
        self.0.as_ref().map_or("", NamePath::as_str)
    }
}

impl Action for ListSecrets {
    const METHOD: &'static Method = &rows::secret::LIST;
    type Resource = SecretFolder;
    fn resource(&self) -> SecretFolder {
        SecretFolder(self.folder.clone())
    }
}

impl Operation for ListSecrets {
    type Reply = SecretNames;

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<SecretNames>, EngineError> {
        let tenant = permit.tenant();
        let prefix = self.folder.as_ref().map_or_else(|| "kv/m/".to_owned(), |folder| format!("kv/m/{folder}/"));
        let limit = self.page.limit();
        let mut names: Vec<String> = Vec::new();
        let mut after = match self.page.after.as_str() {
            "" => None,
            last => Some(self.behind(tenant, &prefix, last)?),
        };
        while names.len() < limit {
            let ask = if self.recursive { limit - names.len() } else { MAX_PAGE };
            let page = world.vault.places(tenant, &prefix, after.as_ref(), ask).await?;
            let full = page.len() == ask;
            // Whether the page was left before its end.
            let mut jumped = false;
            for place in page {
                let name = place.rest().get(prefix.len()..).unwrap_or_default();
                let shown = match name.find('/').filter(|_| !self.recursive).and_then(|at| name.get(..=at)) {
                    Some(folder) => folder.to_owned(),
                    None => name.to_owned(),
                };
                after = Some(place.clone());
                let is_folder = shown.ends_with('/');
                if is_folder {
                    // Everything else below that folder is skipped in one step.
                    after = Some(self.behind(tenant, &prefix, &shown)?);
                }
                names.push(shown);
                if is_folder || names.len() == limit {
                    jumped = true;
                    break;
                }
            }
            if !full && !jumped {
                return Ok(Done::Answer(SecretNames { names, next: String::new() }));
            }
        }
        let next = names.last().cloned().unwrap_or_default();
        Ok(Done::Answer(SecretNames { names, next }))
    }
}

impl ListSecrets {
    /// The place after which the list goes on behind `name`. `~` sorts behind every character of a name.
    fn behind(&self, tenant: crate::method::TenantId, prefix: &str, name: &str) -> Result<DataPath, EngineError> {
        let bad = || EngineError::invalid("page_token", "is not one that an answer gave");
        name.trim_end_matches('/').parse::<NamePath>().map_err(|_| bad())?;
        let last = if name.ends_with('/') { format!("{prefix}{name}~") } else { format!("{prefix}{name}") };
        DataPath::new(tenant, &last).map_err(|_| bad())
    }
}
