//! Reads a version.

use keyward_sdk::secret::Secret;

use super::record::{self, Fields, VersionEntry, VersionState};
use crate::{
    engine::{Done, EngineError, Operation, Reply, World},
    method::{Action, Method, NamePath, ResourceKind, SecretResource, rows},
    policy::Permit,
};

/// See the module.
pub struct GetSecret {
    /// Where.
    pub path: NamePath,
    /// Which version; none: the newest.
    pub version: Option<u32>,
}

/// What was read.
pub struct SecretValue {
    /// The fields.
    pub fields: Fields,
    /// Of which version.
    pub version: VersionEntry,
}

impl Reply for SecretValue {
    fn secrets(&self) -> Vec<(&str, &Secret)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), value)).collect()
    }
}

impl Action for GetSecret {
    const METHOD: &'static Method = &rows::secret::GET;
    type Resource = SecretResource;
    fn resource(&self) -> SecretResource {
        SecretResource(self.path.clone())
    }
}

impl Operation for GetSecret {
    type Reply = SecretValue;

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<SecretValue>, EngineError> {
        let tenant = permit.tenant();
        let (secret, _) = record::existing(world, tenant, &self.path).await?;
        let number = self.version.unwrap_or(secret.current);
        let version =
            secret.versions.iter().find(|v| v.number == number).ok_or_else(|| {
                EngineError::not_found(ResourceKind::Secret, format!("{} version {number}", self.path))
            })?;
        let refuse =
            |reason, what: &str| Err(EngineError::state(reason, format!("version {number} of `{}` {what}", self.path)));
        match version.state {
            VersionState::Deleted => {
                return refuse("SECRET_DELETED", "is deleted; bring it back with `keyward secret undelete`");
            }
            VersionState::Destroyed => return refuse("SECRET_DESTROYED", "was destroyed and cannot be brought back"),
            VersionState::Live if secret.expired(version, world.clock.now()) => {
                return refuse("SECRET_EXPIRED", "has expired; write a new one");
            }
            VersionState::Live => {}
        }
        let fields = version.body.read(world, tenant, &self.path).await?;
        Ok(Done::Answer(SecretValue { fields, version: version.clone() }))
    }
}
