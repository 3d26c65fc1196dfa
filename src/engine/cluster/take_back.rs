//! After a restore: key versions that nodes hold and the broker does not know. They are named, nothing is rotated until
//! they are dealt with, and on an operator's word a node gives them back.

use keyward_kit::cluster::NodeId;
use keyward_sdk::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};

use super::{ClusterMode, ClusterRecord, HeldVersion, NodeRef, ReportRecord, nodes::reports, report_of};
use crate::{
    engine::{Done, EngineError, Kept, Operation, World},
    keyring::Changes,
    method::{Action, ClusterResource, Method, Name, TenantId, rows},
    policy::Permit,
};

/// How long the word of an operator is good for. A node reports every minute.
const GOOD_FOR: Span = Span::from_hours(1);

/// Whose keyset is taken over, and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TakeBack {
    /// The node.
    pub node: NodeId,
    /// Until when.
    pub until: Timestamp,
}

/// What a node holds that the broker does not know.
#[derive(Clone, Debug)]
pub(super) struct Unknown {
    /// The node.
    pub node: Name,
    /// The numbers of the versions.
    pub versions: Vec<u32>,
}

impl ClusterRecord {
    /// Those of the versions that a node holds which are not of this record.
    #[must_use]
    pub fn unknown_of(&self, held: &[HeldVersion]) -> Vec<u32> {
        let known =
            |held: &&HeldVersion| self.version(held.version).is_some_and(|version| version.random == held.random);
        held.iter().filter(|held| !known(held)).map(|held| held.version).collect()
    }
}

/// What nodes said that they hold and the broker does not know.
pub(super) fn unknown(cluster: &ClusterRecord, said: &[(Name, ReportRecord)]) -> Vec<Unknown> {
    let found = said.iter().map(|(node, report)| {
        let versions = cluster.unknown_of(&report.versions);
        Unknown { node: node.clone(), versions }
    });
    found.filter(|unknown| !unknown.versions.is_empty()).collect()
}

/// Refuses what would make numbers that nodes know already.
pub(super) async fn none_unknown(world: &World, tenant: TenantId, cluster: &ClusterRecord) -> Result<(), EngineError> {
    match unknown(cluster, &reports(world, tenant, cluster).await?).first() {
        None => Ok(()),
        Some(unknown) => Err(EngineError::state("KEYS_UNKNOWN", told(cluster, unknown))),
    }
}

/// What is wrong and what to do, in words.
#[must_use]
pub(super) fn told(cluster: &ClusterRecord, Unknown { node, versions }: &Unknown) -> String {
    let name = &cluster.name;
    let versions = versions.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
    let what = match cluster.mode {
        ClusterMode::Local => format!("take them back with `keyward cluster recover-keyset {name} {node}`"),
        ClusterMode::Remote => "restore a newer backup".to_owned(),
    };
    format!(
        "node `{node}` of cluster `{name}` says that it holds key versions that this broker does not know ({versions}). If the \
         broker was restored from an older backup, {what}; if not, do not believe the node and revoke it"
    )
}

/// Lets a node give back what the broker does not know.
pub struct TakeBackKeyVersions {
    /// The cluster.
    pub name: Name,
    /// The node.
    pub node: NodeRef,
}

impl Action for TakeBackKeyVersions {
    const METHOD: &'static Method = &rows::cluster::TAKE_BACK;
    type Resource = ClusterResource;
    fn resource(&self) -> ClusterResource {
        ClusterResource(self.name.clone())
    }
}

impl Operation for TakeBackKeyVersions {
    type Reply = Kept<ClusterRecord>;

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<Self::Reply>, EngineError> {
        let tenant = permit.tenant();
        let mut cluster = (*super::existing(world, tenant, &self.name)?).clone();
        let node = self.node.find(world, tenant, &cluster.id)?;
        if cluster.mode == ClusterMode::Remote {
            let what = "in mode `remote` nodes hold no keys, so there is nothing to take back; restore a newer backup";
            return Err(EngineError::state("MODE_REMOTE", what));
        }
        let said = report_of(world, tenant, &cluster.id, &node.name).await?;
        if said.is_none_or(|said| cluster.unknown_of(&said.versions).is_empty()) {
            let what = format!("node `{}` holds nothing that this broker does not know", node.name);
            return Err(EngineError::state("NOTHING_UNKNOWN", what));
        }
        cluster.take_back = Some(TakeBack { node: node.id, until: world.clock.now().saturating_add(GOOD_FOR) });
        let mut changes = Changes::new();
        changes.put_control(tenant, self.name.as_str(), &cluster)?;
        Ok(Done::Change(changes, Kept(cluster)))
    }
}
