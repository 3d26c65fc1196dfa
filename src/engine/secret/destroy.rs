//! Removes values for good.

use super::record::{self, SecretRecord, VersionState};
use crate::{
    engine::{Done, EngineError, Kept, Operation, World},
    keyring::Changes,
    method::{Action, Method, NamePath, SecretResource, rows},
    policy::Permit,
};

/// The most versions that one call destroys, so that it fits one batch.
const AT_ONCE: usize = 20;

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
        let tenant = permit.tenant();
        let (mut secret, expect) = record::existing(world, tenant, &self.path).await?;
        let place = record::place(tenant, &self.path)?;
        let mut changes = Changes::new();
        changes.expect(place.clone(), expect);
        match &self.what {
            Destruction::Versions(versions) => {
                if versions.is_empty() || versions.len() > AT_ONCE {
                    return Err(EngineError::invalid("versions", format!("name 1 to {AT_ONCE} versions, or `all`")));
                }
                for number in versions {
                    let version = secret.version_mut(*number)?;
                    if version.state != VersionState::Destroyed {
                        version.state = VersionState::Destroyed;
                        version.body.remove(tenant, &mut changes)?;
                    }
                }
                changes.put_data(place, &secret)?;
                Ok(Done::Change(changes, Kept(Some(secret))))
            }
            Destruction::All => {
                // The newest values go with the metadata; older ones, if there are very many, lose their only reference
                // and are collected.
                let live = secret.versions.iter().rev().filter(|v| v.state != VersionState::Destroyed);
                for version in live.take(AT_ONCE) {
                    version.body.remove(tenant, &mut changes)?;
                }
                changes.delete_data(place);
                Ok(Done::Change(changes, Kept(None)))
            }
        }
    }
}
