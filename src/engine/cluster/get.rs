//! Shows clusters.

use std::sync::Arc;

use super::{ClusterRecord, NodeState, nodes::reports, nodes_of};
use crate::{
    engine::{Done, EngineError, Operation, Page, PageRequest, Reply, World},
    method::{Action, ClusterResource, Method, Name, ResourceKind, TenantId, Tenantwide, rows},
    policy::Permit,
};

/// A cluster as it is shown.
#[derive(Debug)]
pub struct ClusterView {
    /// The cluster.
    pub record: Arc<ClusterRecord>,
    /// Nodes that may have the keyset.
    pub nodes: usize,
    /// How many of them hold each version.
    pub held_by: Vec<(u32, usize)>,
    /// The version that encrypts now.
    pub primary: u32,
}

impl Reply for ClusterView {}

/// Shows one.
pub struct GetCluster {
    /// Its name.
    pub name: Name,
}

impl Action for GetCluster {
    const METHOD: &'static Method = &rows::cluster::GET;
    type Resource = ClusterResource;
    fn resource(&self) -> ClusterResource {
        ClusterResource(self.name.clone())
    }
}

impl Operation for GetCluster {
    type Reply = ClusterView;

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<ClusterView>, EngineError> {
        let record = super::existing(world, permit.tenant(), &self.name)?;
        let mut held_by: Vec<(u32, usize)> = record.versions.iter().map(|version| (version.version, 0)).collect();
        for (_, report) in reports(world, permit.tenant(), &record).await? {
            held_by.iter_mut().filter(|(version, _)| report.holds(*version)).for_each(|(_, count)| *count += 1);
        }
        let primary = record.primary_at(world.clock.now());
        Ok(Done::Answer(ClusterView { nodes: active(world, permit.tenant(), &record), held_by, primary, record }))
    }
}

fn active(world: &World, tenant: TenantId, record: &ClusterRecord) -> usize {
    nodes_of(world, tenant, &record.id).iter().filter(|node| node.state == NodeState::Active).count()
}

/// Lists them.
pub struct ListClusters {
    /// Which part.
    pub page: PageRequest,
}

impl Action for ListClusters {
    const METHOD: &'static Method = &rows::cluster::LIST;
    type Resource = Tenantwide;
    fn resource(&self) -> Tenantwide {
        Tenantwide(ResourceKind::Cluster)
    }
}

impl Operation for ListClusters {
    type Reply = Page<ClusterView>;

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<Self::Reply>, EngineError> {
        let (tenant, now) = (permit.tenant(), world.clock.now());
        let names = self.page.of_table(&world.tables.clusters, tenant, |name, _| Arc::clone(name));
        let view = |name: &Arc<str>| {
            let record = world.tables.clusters.get(tenant, name)?;
            let nodes = active(world, tenant, &record);
            Some(ClusterView { nodes, held_by: Vec::new(), primary: record.primary_at(now), record })
        };
        Ok(Done::Answer(Page { items: names.items.iter().filter_map(view).collect(), next: names.next }))
    }
}
