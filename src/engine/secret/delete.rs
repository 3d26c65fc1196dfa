//! Hides versions, and brings them back.

use super::record::{self, SecretRecord, VersionState};
use crate::{
    engine::{Done, EngineError, Kept, Operation, World},
    keyring::Changes,
    method::{Action, Method, NamePath, SecretResource, TenantId, rows},
    policy::Permit,
};

/// Hides versions.
pub struct DeleteSecret {
    /// Where.
    pub path: NamePath,
    /// Which; empty: the newest.
    pub versions: Vec<u32>,
}

/// Brings hidden versions back.
pub struct UndeleteSecret {
    /// Where.
    pub path: NamePath,
    /// Which; empty: the newest.
    pub versions: Vec<u32>,
}

impl Action for DeleteSecret {
    const METHOD: &'static Method = &rows::secret::DELETE;
    type Resource = SecretResource;
    fn resource(&self) -> SecretResource {
        SecretResource(self.path.clone())
    }
}

impl Operation for DeleteSecret {
    type Reply = Kept<SecretRecord>;

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<Self::Reply>, EngineError> {
        set(world, permit.tenant(), &self.path, &self.versions, VersionState::Deleted).await
    }
}

impl Action for UndeleteSecret {
    const METHOD: &'static Method = &rows::secret::UNDELETE;
    type Resource = SecretResource;
    fn resource(&self) -> SecretResource {
        SecretResource(self.path.clone())
    }
}

impl Operation for UndeleteSecret {
    type Reply = Kept<SecretRecord>;

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<Self::Reply>, EngineError> {
        set(world, permit.tenant(), &self.path, &self.versions, VersionState::Live).await
    }
}

async fn set(
    world: &World,
    tenant: TenantId,
    path: &NamePath,
    versions: &[u32],
    state: VersionState,
) -> Result<Done<Kept<SecretRecord>>, EngineError> {
    let (mut secret, expect) = record::existing(world, tenant, path).await?;
    let newest = [secret.current];
    for number in if versions.is_empty() { &newest } else { versions } {
        let version = secret.version_mut(*number)?;
        if version.state == VersionState::Destroyed {
            return Err(EngineError::state(
                "SECRET_DESTROYED",
                format!("version {number} of `{path}` was destroyed and cannot be brought back"),
            ));
        }
        version.state = state;
    }
    let place = record::place(tenant, path)?;
    let mut changes = Changes::new();
    changes.expect(place.clone(), expect);
    changes.put_data(place, &secret)?;
    Ok(Done::Change(changes, Kept(secret)))
}
