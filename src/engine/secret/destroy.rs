//! Removes values for good.

use super::{
    dropped,
    record::{self, SecretRecord, VersionState},
};
use crate::{
    engine::{Done, EngineError, Kept, Operation, World},
    keyring::Changes,
    method::{Action, Method, NamePath, SecretResource, rows},
    policy::Permit,
};

/// See the module.
pub struct DestroySecret {
    /// Where.
    pub path: NamePath,
    /// What.
    pub what: Destruction,
}

/// What of a secret is destroyed.
pub enum Destruction {
    /// The secret with its metadata.
    All,
    /// These versions.
    Versions(Vec<u32>),
}

impl Action for DestroySecret {
    const METHOD: &'static Method = &rows::secret::DESTROY;
    type Resource = SecretResource;
    fn resource(&self) -> SecretResource {
        SecretResource(self.path.clone())
    }
}

impl Operation for DestroySecret {
    type Reply = Kept<Option<SecretRecord>>;

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<Self::Reply>, EngineError> {
        let (tenant, now) = (permit.tenant(), world.clock.now());
        let (mut secret, expect) = record::existing(world, tenant, &self.path).await?;
        let place = record::place(tenant, &self.path)?;
        let mut changes = Changes::new();
        changes.expect(place.clone(), expect);
        match &self.what {
            Destruction::Versions(versions) => {
                if versions.is_empty() {
                    return Err(EngineError::invalid("versions", "name versions, or say `all`"));
                }
                let mut gone = Vec::new();
                for number in versions {
                    let version = secret.version_mut(*number)?;
                    if version.state != VersionState::Destroyed {
                        version.state = VersionState::Destroyed;
                        gone.push(version.body.clone());
                    }
                }
                dropped::drop_all(tenant, gone, now, &mut changes)?;
                changes.put_data(place, &secret)?;
                Ok(Done::Change(changes, Kept(Some(secret))))
            }
            Destruction::All => {
                let live = secret.versions.into_iter().filter(|version| version.state != VersionState::Destroyed);
                dropped::drop_all(tenant, live.map(|version| version.body).collect(), now, &mut changes)?;
                changes.delete_data(place);
                Ok(Done::Change(changes, Kept(None)))
            }
        }
    }
}
