//! What a node holds, as it says itself. A version that waits for all nodes gets its moment when the last one holds it.

use std::time::Duration;

use keyward_sdk::time::{Span, Timestamp};

use super::known;
use crate::{
    audit::{ForWitness, WitnessId},
    engine::{
        Done, EngineError, Operation, Reply, World,
        audit::audit,
        cluster::{ClusterRecord, HeldVersion, ReportRecord, VersionState, advance, report_of, report_place},
    },
    keyring::Changes,
    method::{Action, Method, ResourceKind, Tenantwide, rows},
    policy::Permit,
};

/// How often a node is to be heard of.
const AGAIN: Span = Span::from_secs(60);
/// While a rotation waits for nodes.
const SOON: Span = Span::from_secs(5);
/// Nothing changed and younger than this: not written again.
const FRESH: Span = Span::from_secs(45);
const MAX_VERSIONS: usize = 1_000;
/// The most audit logs that a node keeps checkpoints of, and the most bytes of the name of one.
const MAX_LOGS: usize = 16;
const MAX_ORIGIN: usize = 256;
/// The most bytes of why a checkpoint was refused.
const MAX_REFUSED: usize = 400;
/// How long a checkpoint may hold the answer up.
const CHECKPOINT: Duration = Duration::from_secs(3);
/// How far a node can be ahead of a restored broker. More than that is no keyset of ours.
pub(super) const MOST_AHEAD: u64 = 1_000;

/// See the module.
pub struct ReportKeyset {
    /// The generation that it holds.
    pub generation: u64,
    /// The versions.
    pub versions: Vec<HeldVersion>,
    /// The version that it encrypts under.
    pub primary: u32,
    /// The version of its software.
    pub software: String,
    /// How much it has seen of which audit logs.
    pub seen: Vec<SeenLog>,
    /// Why it refused the last checkpoint; empty: it did not.
    pub refused: String,
}

/// How much a node has seen of an audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenLog {
    /// The log.
    pub origin: String,
    /// The size of the checkpoint that it keeps.
    pub size: u64,
}

/// What the node does next.
#[derive(Debug)]
pub struct Reported {
    /// When to report again.
    pub again: Span,
    /// Whether to give back what the broker does not know.
    pub give_back: bool,
    /// A newer checkpoint to keep.
    pub checkpoint: Option<ForWitness>,
}

impl Reply for Reported {}

impl Action for ReportKeyset {
    const METHOD: &'static Method = &rows::node::REPORT;
    type Resource = Tenantwide;
    fn resource(&self) -> Tenantwide {
        Tenantwide(ResourceKind::Cluster)
    }
}

impl Operation for ReportKeyset {
    type Reply = Reported;

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<Reported>, EngineError> {
        if self.versions.len() > MAX_VERSIONS {
            return Err(EngineError::invalid("versions", format!("at most {MAX_VERSIONS} are allowed")));
        }
        if self.software.len() > 64 || !self.software.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(EngineError::invalid("software", "at most 64 visible ASCII characters are allowed"));
        }
        if self.seen.len() > MAX_LOGS || self.seen.iter().any(|log| log.origin.len() > MAX_ORIGIN) {
            return Err(EngineError::invalid("seen_logs", format!("at most {MAX_LOGS} with short names are allowed")));
        }
        if self.refused.len() > MAX_REFUSED || self.refused.chars().any(char::is_control) {
            let why = format!("at most {MAX_REFUSED} bytes without control characters are allowed");
            return Err(EngineError::invalid("refused_checkpoint", why));
        }
        let tenant = permit.tenant();
        let found = known(world, permit.caller())?;
        let now = world.clock.now();
        // INVARIANT (restored): while a node holds what the broker does not know, nothing is rotated (take_back.rs).
        let unknown = found.cluster.unknown_of(&self.versions);
        if !unknown.is_empty() {
            let (cluster, node) = (&found.cluster.name, &found.node.name);
            tracing::warn!(%cluster, %node, ?unknown, "Node holds key versions that the broker does not know");
        }
        let asked = found.cluster.take_back.as_ref().filter(|asked| asked.node == found.node.id && asked.until >= now);
        let give_back = asked.is_some() && !unknown.is_empty();
        let report = ReportRecord {
            at: now,
            generation: self.generation,
            versions: self.versions.clone(),
            software: self.software.clone(),
            doubt: (!self.refused.is_empty()).then(|| self.refused.clone()),
        };
        let before = report_of(world, tenant, &found.cluster.id, &found.node.name).await?;
        if let Some(why) = report.doubt.as_ref().filter(|_| before.as_ref().is_none_or(|b| b.doubt != report.doubt)) {
            let (cluster, node) = (&found.cluster.name, &found.node.name);
            tracing::error!(%cluster, %node, %why, "Node does not believe this broker's audit log");
        }
        let rotates = found.cluster.waiting.is_some() || found.cluster.next.is_some() || !unknown.is_empty();
        let (checkpoint, at_once) = match self.checkpoint(world, *found.node.id.as_bytes()).await {
            Answered::InTime(checkpoint) => (checkpoint, false),
            Answered::Later => (None, true),
        };
        // A node that has just joined is to know of the log soon, too.
        let soon = rotates || at_once || self.seen.is_empty() && checkpoint.is_none();
        let reported = Reported { again: if soon { SOON } else { AGAIN }, give_back, checkpoint };
        let same = before.is_some_and(|before| {
            let fresh = before.at.saturating_add(FRESH) > now;
            fresh && ReportRecord { at: report.at, ..before } == report
        });
        let advanced = match self.ahead(&found.cluster, &unknown, now) {
            Some(ahead) => Some(ahead),
            None => advance(world, tenant, &found.cluster, &found.node.name, &report).await?,
        };
        if same && advanced.is_none() {
            return Ok(Done::Answer(reported));
        }
        let mut changes = Changes::new();
        changes.put_data(report_place(tenant, &found.cluster.id, &found.node.name)?, &report)?;
        if let Some(cluster) = advanced {
            changes.put_control(tenant, cluster.name.as_str(), &cluster)?;
        }
        Ok(Done::Change(changes, reported))
    }
}

/// What became of the question for a checkpoint.
enum Answered {
    /// There is a newer one, or none.
    InTime(Option<ForWitness>),
    /// The log is read still: the next report finds the answer.
    Later,
}

impl ReportKeyset {
    /// A newer checkpoint, if there is one: what cannot be read now holds no report up.
    async fn checkpoint(&self, world: &World, node: WitnessId) -> Answered {
        let Ok(audit) = audit(world) else { return Answered::InTime(None) };
        let seen = self.seen.iter().find(|log| log.origin == audit.origin()).map_or(0, |log| log.size);
        match tokio::time::timeout(CHECKPOINT, audit.for_witness(node, seen)).await {
            Ok(Ok(checkpoint)) => Answered::InTime(checkpoint),
            Ok(Err(error)) => {
                tracing::warn!(%error, "Audit checkpoint for a node cannot be made");
                Answered::InTime(None)
            }
            Err(_) => Answered::Later,
        }
    }

    /// The cluster as the node knows it, where the broker has all its versions and an older generation: it was restored, and
    /// lost no more than changes of the plan. Nodes take only what is newer than what they have.
    fn ahead(&self, cluster: &ClusterRecord, unknown: &[u32], now: Timestamp) -> Option<ClusterRecord> {
        let by = self.generation.checked_sub(cluster.generation).filter(|by| (1..=MOST_AHEAD).contains(by))?;
        if !unknown.is_empty() {
            return None;
        }
        let mut next = cluster.clone();
        next.settle(now);
        let enabled = next.version(self.primary).is_some_and(|version| version.state == VersionState::Enabled);
        // A rotation that is under way here goes its own way: one node's word does not end the wait for the others.
        let under_way = next.waiting.is_some() || next.next.is_some();
        if enabled && !under_way && self.primary > next.primary {
            next.primary = self.primary;
        }
        next.generation = self.generation.saturating_add(1);
        tracing::warn!(cluster = %cluster.name, by, "Cluster taken on to the generation that a node knows");
        Some(next)
    }
}
