//! The nodes of a cluster.

use std::sync::Arc;

use keyward_kit::cluster::{ClusterId, NodeId};
use serde::{Deserialize, Serialize};

use super::{
    ClusterRecord, NodeRecord, NodeState, ReportRecord,
    take_back::{told, unknown},
};
use crate::{
    engine::{Done, EngineError, Keep, Kept, Operation, Page, PageRequest, Reply, Tables, World},
    keyring::{Changes, DataPath},
    method::{Action, ClusterResource, Method, Name, TenantId, rows},
    policy::Permit,
    storage::PathError,
};

/// The most nodes of a cluster: all of them fit one batch.
pub(in crate::engine) const MAX_NODES: usize = 40;

/// The entry of a node.
pub(in crate::engine) fn node_entry(cluster: &ClusterId, node: &Name) -> String {
    format!("{cluster}/{node}")
}

/// Where a node's report lies.
pub(in crate::engine) fn report_place(
    tenant: TenantId,
    cluster: &ClusterId,
    node: &Name,
) -> Result<DataPath, PathError> {
    DataPath::new(tenant, &format!("node/report/{cluster}/{node}"))
}

/// A node by its name.
pub(in crate::engine) fn find_node(
    tables: &Tables,
    tenant: TenantId,
    cluster: &ClusterId,
    node: &Name,
) -> Option<Arc<NodeRecord>> {
    tables.nodes.get(tenant, &node_entry(cluster, node))
}

/// All nodes of a cluster.
pub(in crate::engine) fn nodes_of(world: &World, tenant: TenantId, cluster: &ClusterId) -> Vec<Arc<NodeRecord>> {
    let prefix = format!("{cluster}/");
    let rows = world.tables.nodes.list(tenant, &prefix, MAX_NODES + 1);
    rows.into_iter().take_while(|(name, _)| name.starts_with(&prefix)).map(|(_, node)| node).collect()
}

/// What a node said last.
pub(in crate::engine) async fn report_of(
    world: &World,
    tenant: TenantId,
    cluster: &ClusterId,
    node: &Name,
) -> Result<Option<ReportRecord>, EngineError> {
    let found = world.vault.read::<ReportRecord>(&report_place(tenant, cluster, node)?).await?;
    Ok(found.map(|(report, _)| report))
}

/// What the active nodes of a cluster said last; those that said nothing yet are left out.
pub(super) async fn reports(
    world: &World,
    tenant: TenantId,
    cluster: &ClusterRecord,
) -> Result<Vec<(Name, ReportRecord)>, EngineError> {
    let mut said = Vec::new();
    for node in nodes_of(world, tenant, &cluster.id).iter().filter(|node| node.state == NodeState::Active) {
        let report = report_of(world, tenant, &cluster.id, &node.name).await?;
        said.extend(report.map(|report| (node.name.clone(), report)));
    }
    Ok(said)
}

/// What operators must know of the nodes of a cluster, in words: those that hold more than this broker knows, and those that
/// do not believe its audit log.
pub(in crate::engine) async fn warnings(
    world: &World,
    tenant: TenantId,
    cluster: &ClusterRecord,
) -> Result<Vec<String>, EngineError> {
    let said = reports(world, tenant, cluster).await?;
    let unknown = unknown(cluster, &said).into_iter().map(|unknown| told(cluster, &unknown));
    let doubts = said.iter().filter_map(|(node, report)| {
        let why = report.doubt.as_ref()?;
        Some(format!(
            "node `{node}` of cluster `{}` keeps a checkpoint that this broker's audit log does not continue ({why}): the log \
             was cut or written anew, unless the node lies; compare with `keyward audit verify --checkpoint` and the node's \
             file `audit.checkpoint`",
            cluster.name
        ))
    });
    Ok(unknown.chain(doubts).collect())
}

/// A node as it is shown.
#[derive(Debug, Serialize, Deserialize)]
pub struct NodeView {
    /// The node.
    pub record: NodeRecord,
    /// What it said last.
    pub report: Option<ReportRecord>,
    /// Those of its versions that the broker does not know.
    pub unknown: Vec<u32>,
}

impl NodeView {
    async fn of(
        world: &World,
        tenant: TenantId,
        cluster: &ClusterRecord,
        record: &NodeRecord,
    ) -> Result<Self, EngineError> {
        let report = report_of(world, tenant, &cluster.id, &record.name).await?;
        let unknown = report.as_ref().map(|report| cluster.unknown_of(&report.versions)).unwrap_or_default();
        Ok(Self { record: record.clone(), report, unknown })
    }
}

impl Reply for NodeView {}
impl Keep for NodeView {}

/// Lists the nodes of a cluster.
pub struct ListNodes {
    /// The cluster.
    pub cluster: Name,
    /// Which part.
    pub page: PageRequest,
}

impl Action for ListNodes {
    const METHOD: &'static Method = &rows::cluster::NODES;
    type Resource = ClusterResource;
    fn resource(&self) -> ClusterResource {
        ClusterResource(self.cluster.clone())
    }
}

impl Operation for ListNodes {
    type Reply = Page<NodeView>;

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<Self::Reply>, EngineError> {
        let tenant = permit.tenant();
        let cluster = super::existing(world, tenant, &self.cluster)?;
        let after = nodes_of(world, tenant, &cluster.id).into_iter();
        let page: Vec<_> =
            after.filter(|node| node.name.as_str() > self.page.after.as_str()).take(self.page.limit()).collect();
        let mut items = Vec::with_capacity(page.len());
        for record in page {
            items.push(NodeView::of(world, tenant, &cluster, &record).await?);
        }
        let full = items.len() == self.page.limit();
        let next = items.last().filter(|_| full).map_or_else(String::new, |last| last.record.name.to_string());
        Ok(Done::Answer(Page { items, next }))
    }
}

fn by_id(world: &World, tenant: TenantId, cluster: &ClusterId, id: NodeId) -> Result<Arc<NodeRecord>, EngineError> {
    let found = nodes_of(world, tenant, cluster).into_iter().find(|node| node.id == id);
    found.ok_or_else(|| EngineError::Missing(format!("the cluster has no node with the id {id}")))
}

/// Shows a node.
pub struct GetNode {
    /// The cluster.
    pub cluster: Name,
    /// The node.
    pub node: NodeId,
}

impl Action for GetNode {
    const METHOD: &'static Method = &rows::cluster::NODE;
    type Resource = ClusterResource;
    fn resource(&self) -> ClusterResource {
        ClusterResource(self.cluster.clone())
    }
}

impl Operation for GetNode {
    type Reply = NodeView;

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<NodeView>, EngineError> {
        let tenant = permit.tenant();
        let cluster = super::existing(world, tenant, &self.cluster)?;
        let record = by_id(world, tenant, &cluster.id, self.node)?;
        Ok(Done::Answer(NodeView::of(world, tenant, &cluster, &record).await?))
    }
}

/// Which node is meant.
#[derive(Clone, Debug)]
pub enum NodeRef {
    /// This very one.
    Id(NodeId),
    /// The one that has the name now.
    Name(Name),
}

impl NodeRef {
    pub(super) fn find(
        &self,
        world: &World,
        tenant: TenantId,
        cluster: &ClusterId,
    ) -> Result<Arc<NodeRecord>, EngineError> {
        match self {
            Self::Id(id) => by_id(world, tenant, cluster, *id),
            Self::Name(name) => find_node(&world.tables, tenant, cluster, name)
                .ok_or_else(|| EngineError::Missing(format!("the cluster has no node called `{name}`"))),
        }
    }
}

/// Shuts a node out.
pub struct RevokeNode {
    /// The cluster.
    pub cluster: Name,
    /// The node.
    pub node: NodeRef,
}

impl Action for RevokeNode {
    const METHOD: &'static Method = &rows::cluster::REVOKE_NODE;
    type Resource = ClusterResource;
    fn resource(&self) -> ClusterResource {
        ClusterResource(self.cluster.clone())
    }
}

impl Operation for RevokeNode {
    type Reply = Kept<NodeView>;

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<Self::Reply>, EngineError> {
        let tenant = permit.tenant();
        let cluster = super::existing(world, tenant, &self.cluster)?;
        let mut record = (*self.node.find(world, tenant, &cluster.id)?).clone();
        record.state = NodeState::Revoked;
        let mut changes = Changes::new();
        changes.put_control(tenant, &node_entry(&cluster.id, &record.name), &record)?;
        Ok(Done::Change(changes, Kept(NodeView { record, report: None, unknown: Vec::new() })))
    }
}
