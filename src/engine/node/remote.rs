//! Mode `remote`: seeds are sealed and opened here, in the very form that nodes of mode `local` use.

use keyward_kit::cluster::{KeyId, SeedError};
use keyward_sdk::secret::Secret;

use super::{Known, known};
use crate::{
    engine::{
        Done, EngineError, Operation, Reply, World,
        cluster::{VersionRecord, VersionState, seed_key},
    },
    identity::Caller,
    method::{Action, Method, ResourceKind, Tenantwide, rows},
    policy::Permit,
};

/// Seals a seed.
pub struct RemoteEncrypt {
    /// The seed.
    pub seed: Secret,
    /// The version that the API server was told; 0: the primary.
    pub version: u32,
}

/// A sealed seed.
pub struct RemoteCiphertext {
    /// At most 1,024 bytes.
    pub ciphertext: Vec<u8>,
    /// Under which version.
    pub key_id: String,
}

impl Reply for RemoteCiphertext {}

/// Opens a seed.
pub struct RemoteDecrypt {
    /// The sealed seed.
    pub ciphertext: Vec<u8>,
    /// Under which version.
    pub key_id: String,
}

/// A seed.
pub struct RemotePlaintext(pub Secret);

impl Reply for RemotePlaintext {
    fn secrets(&self) -> Vec<(&str, &Secret)> {
        vec![("plaintext", &self.0)]
    }
}

impl Action for RemoteEncrypt {
    const METHOD: &'static Method = &rows::node::ENCRYPT;
    type Resource = Tenantwide;
    fn resource(&self) -> Tenantwide {
        Tenantwide(ResourceKind::Cluster)
    }
}

impl Action for RemoteDecrypt {
    const METHOD: &'static Method = &rows::node::DECRYPT;
    type Resource = Tenantwide;
    fn resource(&self) -> Tenantwide {
        Tenantwide(ResourceKind::Cluster)
    }
}

fn unknown(world: &World, caller: &Caller, version: u32) -> Result<(Known, VersionRecord), EngineError> {
    let found = known(world, caller)?;
    let number = if version == 0 { found.cluster.primary_at(world.clock.now()) } else { version };
    let version = found.cluster.version(number).cloned();
    let missing = || EngineError::not_found(ResourceKind::Key, format!("{} version {number}", found.cluster.name));
    let version = version.ok_or_else(missing)?;
    Ok((found, version))
}

fn seed_error(error: SeedError) -> EngineError {
    match error {
        SeedError::Plaintext(_) => EngineError::invalid("plaintext", error.to_string()),
        SeedError::Ciphertext(_) | SeedError::Version(_) => EngineError::Undecryptable(error.to_string()),
    }
}

fn not_enabled(version: u32) -> EngineError {
    EngineError::state("VERSION_NOT_ENABLED", format!("version {version} of the cluster's key may not do this"))
}

impl Operation for RemoteEncrypt {
    type Reply = RemoteCiphertext;

    fn secrets(&self) -> Vec<(&str, &Secret)> {
        vec![("plaintext", &self.seed)]
    }

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<RemoteCiphertext>, EngineError> {
        let (found, version) = unknown(world, permit.caller(), self.version)?;
        if version.state != VersionState::Enabled {
            return Err(not_enabled(version.version));
        }
        let key = seed_key(world, permit.tenant(), &found.cluster, &version)?;
        let ciphertext = key.seal(self.seed.expose()).map_err(seed_error)?;
        Ok(Done::Answer(RemoteCiphertext { ciphertext, key_id: key.key_id().to_owned() }))
    }
}

impl Operation for RemoteDecrypt {
    type Reply = RemotePlaintext;

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<RemotePlaintext>, EngineError> {
        let id: KeyId = self
            .key_id
            .parse()
            .map_err(|error: keyward_kit::cluster::KeyIdError| EngineError::invalid("key_id", error.to_string()))?;
        let (found, version) = unknown(world, permit.caller(), id.version())?;
        if found.cluster.key_id(&version) != self.key_id {
            return Err(EngineError::not_found(ResourceKind::Key, self.key_id.as_str()));
        }
        if version.state == VersionState::Disabled {
            return Err(not_enabled(version.version));
        }
        let key = seed_key(world, permit.tenant(), &found.cluster, &version)?;
        Ok(Done::Answer(RemotePlaintext(key.open(&self.ciphertext).map_err(seed_error)?)))
    }
}
