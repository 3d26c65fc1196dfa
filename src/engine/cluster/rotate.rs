//! Makes a new version of a cluster's key. It encrypts when all live nodes hold it, or at once in an emergency.

use keyward_sdk::time::{Span, Timestamp};

use super::{ClusterRecord, NodeState, ReportRecord, keys, nodes_of, report_of, take_back};
use crate::{
    engine::{Done, EngineError, Kept, Operation, World},
    keyring::Changes,
    method::{Action, ClusterResource, Method, Name, TenantId, rows},
    policy::Permit,
};

/// More versions than this a cluster never has; old ones are destroyed first.
const MAX_VERSIONS: usize = 100;
/// A node that has not been heard of for so long holds nothing up.
const LIVE: Span = Span::from_minutes(10);
/// From when all hold it to when it encrypts: longer than a node takes to fetch the plan.
const NOTICE: Span = Span::from_secs(15);

/// See the module.
pub struct RotateClusterKey {
    /// The cluster.
    pub name: Name,
    /// Does not wait for the nodes.
    pub emergency: bool,
}

impl Action for RotateClusterKey {
    const METHOD: &'static Method = &rows::cluster::ROTATE;
    type Resource = ClusterResource;
    fn resource(&self) -> ClusterResource {
        ClusterResource(self.name.clone())
    }
}

impl Operation for RotateClusterKey {
    type Reply = Kept<ClusterRecord>;

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<Self::Reply>, EngineError> {
        let (tenant, now) = (permit.tenant(), world.clock.now());
        let mut cluster = (*super::existing(world, tenant, &self.name)?).clone();
        cluster.settle(now);
        take_back::none_unknown(world, tenant, &cluster).await?;
        if cluster.next.is_some() || cluster.waiting.is_some() && !self.emergency {
            let what = "a rotation is under way; wait for it, or rotate with `--emergency`";
            return Err(EngineError::state("ROTATION_UNDER_WAY", what));
        }
        if cluster.versions.len() >= MAX_VERSIONS {
            return Err(EngineError::Limit { what: "the number of versions", limit: MAX_VERSIONS as u64 });
        }
        let last = cluster.versions.last().map_or(0, |version| version.version);
        let version = last.checked_add(1).ok_or(EngineError::Limit { what: "the version", limit: u32::MAX.into() })?;
        let mut changes = Changes::new();
        cluster.versions.push(keys::make(&mut changes, tenant, &cluster.id, version, now)?);
        cluster.generation += 1;
        let alone = nodes_of(world, tenant, &cluster.id).iter().all(|node| node.state != NodeState::Active);
        if self.emergency || alone {
            (cluster.primary, cluster.waiting) = (version, None);
        } else {
            cluster.waiting = Some(version);
        }
        changes.put_control(tenant, self.name.as_str(), &cluster)?;
        Ok(Done::Change(changes, Kept(cluster)))
    }
}

/// The cluster with a moment set for the version that waits, if every live node holds it. `report` is what one of them,
/// `reporter`, says just now.
pub(in crate::engine) async fn advance(
    world: &World,
    tenant: TenantId,
    cluster: &ClusterRecord,
    reporter: &Name,
    report: &ReportRecord,
) -> Result<Option<ClusterRecord>, EngineError> {
    let now = world.clock.now();
    let Some(version) = cluster.waiting else { return Ok(None) };
    for node in nodes_of(world, tenant, &cluster.id).iter().filter(|node| node.state == NodeState::Active) {
        let said = if node.name == *reporter {
            Some(report.clone())
        } else {
            report_of(world, tenant, &cluster.id, &node.name).await?
        };
        if !holds(said.as_ref(), node.joined_at, version, now) {
            return Ok(None);
        }
    }
    let mut next = cluster.clone();
    next.settle(now);
    (next.waiting, next.next) = (None, Some((version, now.saturating_add(NOTICE))));
    next.generation += 1;
    Ok(Some(next))
}

/// Whether a node holds the version, or has been away for too long to be waited for.
fn holds(said: Option<&ReportRecord>, joined_at: Timestamp, version: u32, now: Timestamp) -> bool {
    let seen = said.map_or(joined_at, |report| report.at);
    said.is_some_and(|report| report.holds(version)) || seen.saturating_add(LIVE) <= now
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::cluster::HeldVersion;

    #[test]
    fn a_live_node_without_the_version_is_waited_for_and_one_that_is_away_is_not() {
        let (now, joined) = (Timestamp::from_secs(100_000), Timestamp::from_secs(99_990));
        let said = |seconds_ago: u64, versions: &[u32]| ReportRecord {
            at: Timestamp::from_secs(100_000 - seconds_ago),
            generation: 1,
            versions: versions.iter().map(|version| HeldVersion { version: *version, random: [0; 8] }).collect(),
            software: String::new(),
            doubt: None,
        };
        assert!(holds(Some(&said(5, &[1, 2])), joined, 2, now));
        assert!(!holds(Some(&said(5, &[1])), joined, 2, now));
        assert!(holds(Some(&said(700, &[1])), joined, 2, now));
        assert!(!holds(None, joined, 2, now), "it has only just joined");
        assert!(holds(None, Timestamp::from_secs(1), 2, now));
    }
}
