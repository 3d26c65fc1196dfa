//! Registers a cluster and makes its key.

use keyward_kit::cluster::{ClusterId, ClusterKeyId};
use keyward_sdk::crypto::asymmetric::{KeyKind, PrivateKey, generate};

use super::{Allowance, ClusterMode, ClusterRecord, keys};
use crate::{
    engine::{Done, EngineError, Kept, Operation, World},
    keyring::Changes,
    method::{Action, ClusterResource, Method, Name, ResourceKind, rows},
    policy::Permit,
};

/// The most clusters of a tenant.
const MAX_CLUSTERS: usize = 1_000;

/// See the module.
pub struct RegisterCluster {
    /// Its name.
    pub name: Name,
    /// Where the work is done.
    pub mode: ClusterMode,
    /// For people.
    pub description: String,
    /// How its nodes go on without the broker.
    pub allowance: Allowance,
}

impl Action for RegisterCluster {
    const METHOD: &'static Method = &rows::cluster::REGISTER;
    type Resource = ClusterResource;
    fn resource(&self) -> ClusterResource {
        ClusterResource(self.name.clone())
    }
}

impl Operation for RegisterCluster {
    type Reply = Kept<ClusterRecord>;

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<Self::Reply>, EngineError> {
        let tenant = permit.tenant();
        described(&self.description)?;
        self.allowance.check()?;
        if world.tables.clusters.get(tenant, self.name.as_str()).is_some() {
            return Err(EngineError::Exists { kind: ResourceKind::Cluster, name: self.name.to_string() });
        }
        if world.tables.clusters.all(tenant).len() >= MAX_CLUSTERS {
            return Err(EngineError::Limit { what: "the number of clusters", limit: MAX_CLUSTERS as u64 });
        }
        let (now, id) = (world.clock.now(), ClusterId::random());
        let mut changes = Changes::new();
        let first = keys::make(&mut changes, tenant, &id, 1, now)?;
        let broken = |error: keyward_sdk::crypto::CryptoError| EngineError::Internal(format!("control key: {error}"));
        let pkcs8 = generate(KeyKind::Ed25519).map_err(broken)?;
        let public = PrivateKey::from_pkcs8(KeyKind::Ed25519, &pkcs8).map_err(broken)?.public_key();
        let control_key =
            public.raw().try_into().map_err(|_| EngineError::Internal("control key has an odd length".to_owned()))?;
        changes.put_control(tenant, &id.to_string(), &keys::ControlKeyRecord { pkcs8 })?;
        let cluster = ClusterRecord {
            name: self.name.clone(),
            id,
            key: ClusterKeyId::random(),
            mode: self.mode,
            description: self.description.clone(),
            created_at: now,
            allowance: self.allowance,
            versions: vec![first],
            primary: 1,
            next: None,
            waiting: None,
            generation: 1,
            take_back: None,
            control_key,
        };
        changes.put_control(tenant, self.name.as_str(), &cluster)?;
        Ok(Done::Change(changes, Kept(cluster)))
    }
}

pub(super) fn described(description: &str) -> Result<(), EngineError> {
    if description.len() > 256 {
        return Err(EngineError::invalid("description", "at most 256 bytes are allowed"));
    }
    Ok(())
}

impl Allowance {
    pub(super) fn check(&self) -> Result<(), EngineError> {
        let hour = keyward_sdk::time::Span::from_hours(1);
        if self.offline_max.is_some_and(|max| max < hour) {
            return Err(EngineError::invalid(
                "allowance.offline_max",
                "is less than an hour; a restart could then end a cluster",
            ));
        }
        match (self.offline_max, self.offline_writes_max) {
            (Some(max), Some(writes)) if writes > max => {
                Err(EngineError::invalid("allowance.offline_writes_max", "is longer than `offline_max`"))
            }
            _ => Ok(()),
        }
    }
}
