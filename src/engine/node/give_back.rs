//! A node gives back key versions that a restored broker does not know, after an operator said so.

use keyward_sdk::secret::Key32;

use super::{known, report::MOST_AHEAD};
use crate::{
    engine::{
        Done, EngineError, Kept, Operation, World,
        cluster::{ClusterKeyRecord, VersionRecord, VersionState, put_key},
    },
    keyring::Changes,
    method::{Action, Method, ResourceKind, Tenantwide, rows},
    policy::Permit,
};

const MAX_VERSIONS: usize = 100;
/// How many versions may have been made after a backup.
const MOST_NEWER: u32 = 100;

/// One version that is given back.
pub struct GivenVersion {
    /// Its number.
    pub version: u32,
    /// Made with it.
    pub random: [u8; 8],
    /// What it may be used for.
    pub state: VersionState,
    /// The key.
    pub material: Key32,
}

/// See the module.
pub struct GiveBackKeyset {
    /// The cluster's id and its key's.
    pub place: ([u8; 16], [u8; 16]),
    /// The generation that the node holds.
    pub generation: u64,
    /// The version that it encrypts under.
    pub primary: u32,
    /// All that it holds.
    pub versions: Vec<GivenVersion>,
}

impl Action for GiveBackKeyset {
    const METHOD: &'static Method = &rows::node::GIVE_BACK;
    type Resource = Tenantwide;
    fn resource(&self) -> Tenantwide {
        Tenantwide(ResourceKind::Cluster)
    }
}

impl Operation for GiveBackKeyset {
    type Reply = Kept<()>;

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<Self::Reply>, EngineError> {
        let (tenant, now) = (permit.tenant(), world.clock.now());
        let found = known(world, permit.caller())?;
        let mut cluster = (*found.cluster).clone();
        let asked = cluster.take_back.take();
        if asked.is_none_or(|asked| asked.node != found.node.id || asked.until < now) {
            let what = "nobody asked this node for its keys; an operator does with `keyward cluster recover-keyset`";
            return Err(EngineError::state("NOT_ASKED", what));
        }
        if self.place != (*cluster.id.as_bytes(), *cluster.key.as_bytes()) {
            return Err(EngineError::invalid("keyset", "is of another cluster or key"));
        }
        if self.versions.len() > MAX_VERSIONS {
            return Err(EngineError::invalid("keyset", format!("at most {MAX_VERSIONS} versions are allowed")));
        }
        // One that is far ahead is no keyset of ours, and would leave the cluster no number to go on with.
        let last = cluster.versions.last().map_or(0, |version| version.version);
        let far = self.generation > cluster.generation.saturating_add(MOST_AHEAD)
            || self.versions.iter().any(|given| given.version > last.saturating_add(MOST_NEWER));
        if far {
            return Err(EngineError::invalid("keyset", "is further ahead than any backup is behind"));
        }
        let mut changes = Changes::new();
        for given in &self.versions {
            match cluster.version(given.version) {
                Some(version) if version.random == given.random => {}
                Some(_) => {
                    return Err(EngineError::state(
                        "KEYS_DIFFER",
                        format!(
                            "version {} is another key here than on the node: both were made after the backup; restore a newer one, or revoke the node",
                            given.version
                        ),
                    ));
                }
                None => {
                    let record = ClusterKeyRecord { material: Key32::copy_of(given.material.expose()) };
                    put_key(&mut changes, tenant, &cluster.id, given.version, &record)?;
                    let GivenVersion { version, random, state, .. } = *given;
                    cluster.versions.push(VersionRecord { version, random, state, created_at: now });
                }
            }
        }
        if cluster.versions.len() > MAX_VERSIONS {
            return Err(EngineError::Limit { what: "the number of versions", limit: MAX_VERSIONS as u64 });
        }
        cluster.versions.sort_by_key(|version| version.version);
        if cluster.version(self.primary).is_none_or(|version| version.state != VersionState::Enabled) {
            return Err(EngineError::invalid("keyset", "its primary is no enabled version of it"));
        }
        (cluster.primary, cluster.next, cluster.waiting) = (self.primary, None, None);
        cluster.generation = cluster.generation.max(self.generation).saturating_add(1);
        changes.put_control(tenant, cluster.name.as_str(), &cluster)?;
        tracing::warn!(cluster = %cluster.name, node = %found.node.name, "Key versions taken back from a node");
        Ok(Done::Change(changes, Kept(())))
    }
}
