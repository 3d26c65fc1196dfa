//! Turns a join token into a node with a certificate. Using the token is a compare-and-commit.

use std::sync::Arc;

use keyward_kit::cluster::{ClusterId, NodeId};
use keyward_sdk::{secret::Key32, time::Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    engine::{
        Done, EngineError, Keep, Kept, Operation, World, certificate,
        cluster::{
            ClusterRecord, IssuedAs, JoinRecord, MAX_NODES, NodeRecord, NodeState, find_node, join_entry, node_entry,
            nodes_of, report_place,
        },
        tenant::{NODE_AUTHORITY, TenantState},
    },
    identity::{IssuerRef, NodeIdentity, Principal, ca::Authority},
    keyring::Changes,
    method::{Action, Method, Name, ResourceKind, TenantId, Tenantwide, rows},
    policy::Permit,
};

/// See the module.
pub struct Join {
    /// The token.
    pub token: Key32,
    /// A PKCS #10 request, of which key and signature count.
    pub csr: Vec<u8>,
}

/// A node certificate and what a node has to know with it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Certificate {
    /// DER.
    pub certificate: Vec<u8>,
    /// The CA that signed it.
    pub node_ca: Vec<u8>,
    /// When it begins.
    pub not_before: Timestamp,
    /// When it ends.
    pub not_after: Timestamp,
    /// Its number.
    pub generation: u64,
    /// The SHA-256 of its public key.
    pub key: [u8; 32],
    /// The tenant.
    pub tenant: [u8; 16],
    /// The cluster.
    pub cluster: ClusterRecord,
    /// Where the broker is.
    pub endpoints: Vec<String>,
    /// The CA of the broker's own certificate.
    pub broker_ca: Vec<u8>,
}

impl Certificate {
    /// Makes a certificate for a node, with the key of its request.
    pub(in crate::engine) fn issue(
        world: &World,
        node: &NodeIdentity,
        cluster: &ClusterRecord,
        csr: &[u8],
        endpoints: Vec<String>,
    ) -> Result<Self, EngineError> {
        let internal = |error: crate::identity::ca::CaError| EngineError::Internal(error.to_string());
        let record = world.tables.authorities.get(node.tenant, NODE_AUTHORITY);
        let record = record.ok_or_else(|| EngineError::Internal("the tenant has no authority for nodes".to_owned()))?;
        let authority = Authority::load(&record).map_err(internal)?;
        let issued = authority.issue_node(node, csr, world.clock.now()).map_err(|error| match error {
            crate::identity::ca::CaError::Request(why) => EngineError::invalid("csr", why),
            other => internal(other),
        })?;
        Ok(Self {
            certificate: issued.certificate.to_vec(),
            node_ca: record.certificate.clone(),
            not_before: issued.not_before,
            not_after: issued.not_after,
            generation: node.generation,
            key: issued.key,
            tenant: node.tenant.0,
            cluster: cluster.clone(),
            endpoints,
            broker_ca: certificate::authority(world)?.certificate().to_vec(),
        })
    }
}

/// What a node gets that has joined.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Joined {
    /// The certificate.
    pub certificate: Certificate,
    /// The node.
    pub node: NodeRecord,
    /// For the record: who it is from now on.
    pub principal: Principal,
    /// What nodes act as.
    pub role: Name,
}

impl Keep for Joined {
    fn proven(&self) -> Option<(&Principal, &Name)> {
        Some((&self.principal, &self.role))
    }
}

impl Action for Join {
    const METHOD: &'static Method = &rows::node::JOIN;
    type Resource = Tenantwide;
    fn resource(&self) -> Tenantwide {
        Tenantwide(ResourceKind::Cluster)
    }
}

fn unknown() -> EngineError {
    EngineError::NotProven {
        reason: "JOIN_TOKEN_UNKNOWN",
        what: "this join token is not known, was used, or has expired; make one with `keyward cluster join-token`"
            .to_owned(),
    }
}

/// The token's record, in whichever tenant made it. One that is suspended lets nobody in.
fn find(world: &World, entry: &str) -> Option<(TenantId, Arc<JoinRecord>)> {
    let tenants = world.tables.tenants.all(TenantId::SYSTEM);
    let mut active = tenants.iter().filter(|(_, tenant)| tenant.state == TenantState::Active);
    active.find_map(|(_, tenant)| world.tables.joins.get(tenant.id, entry).map(|join| (tenant.id, join)))
}

impl Join {
    fn proven(
        &self,
        world: &World,
        entry: &str,
    ) -> Result<(TenantId, Arc<JoinRecord>, Arc<ClusterRecord>), EngineError> {
        let (tenant, join) = find(world, entry).ok_or_else(unknown)?;
        let cluster = world.tables.clusters.get(tenant, join.cluster.as_str());
        let cluster = cluster.filter(|found| found.id == join.cluster_id && join.expires_at > world.clock.now());
        Ok((tenant, join, cluster.ok_or_else(unknown)?))
    }
}

impl Operation for Join {
    type Reply = Kept<Joined>;

    fn prove(&self, world: &World) -> Result<(), EngineError> {
        self.proven(world, &join_entry(self.token.expose())).map(drop)
    }

    async fn execute(&self, _permit: &Permit<Self>, world: &World) -> Result<Done<Self::Reply>, EngineError> {
        let entry = join_entry(self.token.expose());
        let (tenant, join, cluster) = self.proven(world, &entry)?;
        let mut changes = Changes::new();
        changes.based_on(tenant, world.vault.counter(tenant));
        let now = world.clock.now();
        let id = NodeId::random();
        let name = match &join.node {
            Some(name) => name.clone(),
            None => given_name(&id)?,
        };
        if find_node(&world.tables, tenant, &cluster.id, &name).is_some_and(|node| node.state != NodeState::Revoked) {
            return Err(EngineError::state("NODE_EXISTS", format!("a node `{name}` has joined; revoke it first")));
        }
        make_room(world, tenant, &cluster.id, &name, &mut changes)?;
        let generation = 1;
        let identity = NodeIdentity {
            tenant,
            cluster: cluster.name.clone(),
            cluster_id: cluster.id,
            node: name.clone(),
            node_id: id,
            generation,
        };
        let certificate = Certificate::issue(world, &identity, &cluster, &self.csr, join.endpoints.clone())?;
        let first = IssuedAs { generation, key: certificate.key };
        let node = NodeRecord {
            name: name.clone(),
            id,
            state: NodeState::Active,
            joined_at: now,
            issued: first,
            used: first,
            certificate_expires_at: certificate.not_after,
            endpoints: join.endpoints.clone(),
        };
        changes.delete_control::<JoinRecord>(tenant, &entry);
        changes.put_control(tenant, &node_entry(&cluster.id, &name), &node)?;
        let subject = format!("{}/{name}", cluster.name).as_str().into();
        let principal = Principal { tenant, issuer: IssuerRef::Node, subject };
        let role = "node".parse().map_err(|_| EngineError::Internal("the role of nodes has a bad name".to_owned()))?;
        Ok(Done::Change(changes, Kept(Joined { certificate, node, principal, role })))
    }
}

/// Nodes that were revoked are remembered until their place is needed.
fn make_room(
    world: &World,
    tenant: TenantId,
    cluster: &ClusterId,
    name: &Name,
    changes: &mut Changes,
) -> Result<(), EngineError> {
    let mut others = nodes_of(world, tenant, cluster);
    others.retain(|node| node.name != *name);
    if others.len() < MAX_NODES {
        return Ok(());
    }
    let revoked = others.iter().filter(|node| node.state == NodeState::Revoked);
    let oldest = revoked
        .min_by_key(|node| node.joined_at)
        .ok_or(EngineError::Limit { what: "the number of nodes of a cluster", limit: MAX_NODES as u64 })?;
    changes.delete_control::<NodeRecord>(tenant, &node_entry(cluster, &oldest.name));
    changes.delete_data(report_place(tenant, cluster, &oldest.name)?);
    Ok(())
}

fn given_name(id: &NodeId) -> Result<Name, EngineError> {
    let id = id.to_string();
    format!("node-{}", id.get(..8).unwrap_or(&id))
        .parse()
        .map_err(|_| EngineError::Internal("a node's name is bad".to_owned()))
}
