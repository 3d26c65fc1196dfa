//! What a node holds, as it says itself. A version that waits for all nodes gets its moment when the last one holds it.

use keyward_sdk::time::Span;

use super::known;
use crate::{
    engine::{
        Done, EngineError, Operation, Reply, World,
        cluster::{ReportRecord, advance, report_of, report_place},
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

/// See the module.
pub struct ReportKeyset {
    /// The generation that it holds.
    pub generation: u64,
    /// The versions.
    pub versions: Vec<u32>,
    /// The version of its software.
    pub software: String,
}

/// When to report again.
#[derive(Debug)]
pub struct Reported(pub Span);

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
        let tenant = permit.tenant();
        let found = known(world, permit.caller())?;
        if self.generation > found.cluster.generation {
            // The broker was restored from a backup; rotating now would make numbers that the node knows already.
            tracing::warn!(
                cluster = %found.cluster.name, node = %found.node.name, held = self.generation,
                known = found.cluster.generation, "Node holds a newer keyset than the broker"
            );
        }
        let now = world.clock.now();
        let report = ReportRecord {
            at: now,
            generation: self.generation,
            versions: self.versions.clone(),
            software: self.software.clone(),
        };
        let again = if found.cluster.waiting.is_some() || found.cluster.next.is_some() { SOON } else { AGAIN };
        let before = report_of(world, tenant, &found.cluster.id, &found.node.name).await?;
        let same = before.is_some_and(|before| {
            let fresh = before.at.saturating_add(FRESH) > now;
            fresh && ReportRecord { at: report.at, ..before } == report
        });
        let advanced = advance(world, tenant, &found.cluster, &found.node.name, &report).await?;
        if same && advanced.is_none() {
            return Ok(Done::Answer(Reported(again)));
        }
        let mut changes = Changes::new();
        changes.put_data(report_place(tenant, &found.cluster.id, &found.node.name)?, &report)?;
        if let Some(cluster) = advanced {
            changes.put_control(tenant, cluster.name.as_str(), &cluster)?;
        }
        Ok(Done::Change(changes, Reported(again)))
    }
}
