//! A new certificate for a node. The one call that an expired certificate may make, until its time without the broker and
//! 30 days are over, so that no outage orphans a fleet.

use std::sync::Arc;

use keyward_sdk::time::Span;
use serde::{Deserialize, Serialize};

use super::{
    Certificate,
    known::{Standing, look_up, not_proven},
};
use crate::{
    engine::{
        Connection, Done, EngineError, Keep, Kept, Operation, World,
        cluster::{ClusterRecord, IssuedAs, NodeRecord, NodeState, node_entry},
    },
    identity::{IssuerRef, NodeIdentity, PeerCertificate, Principal, ShownNode},
    keyring::Changes,
    method::{Action, Method, Name, ResourceKind, TenantId, Tenantwide, rows},
    policy::Permit,
};

/// How much longer than its time without the broker a node can come back by itself.
const LATE: Span = Span::from_days(30);

/// See the module.
pub struct RenewCertificate {
    /// A PKCS #10 request, of which key and signature count.
    pub csr: Vec<u8>,
    /// What the connection proves.
    pub connection: Connection,
}

/// What a renewal came to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Renewal {
    /// An old certificate was shown after a newer one had been used. The node is locked.
    Locked,
    /// Here it is.
    Made(Box<Certificate>),
}

/// The reply.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Renewed {
    /// What it came to.
    pub renewal: Renewal,
    principal: Principal,
    role: Name,
}

impl Keep for Renewed {
    fn proven(&self) -> Option<(&Principal, &Name)> {
        Some((&self.principal, &self.role))
    }
}

impl Action for RenewCertificate {
    const METHOD: &'static Method = &rows::node::RENEW;
    type Resource = Tenantwide;
    fn resource(&self) -> Tenantwide {
        Tenantwide(ResourceKind::Cluster)
    }
}

fn refuse(reason: &'static str, what: &str) -> EngineError {
    EngineError::NotProven { reason, what: what.to_owned() }
}

/// Who renews.
struct Proven {
    shown: ShownNode,
    principal: Principal,
    cluster: Arc<ClusterRecord>,
    node: Arc<NodeRecord>,
}

impl RenewCertificate {
    fn certificate(&self) -> Result<(&PeerCertificate, &NodeIdentity), EngineError> {
        let shown = self.connection.certificate.as_deref();
        let shown = shown.ok_or_else(|| refuse("NO_CERTIFICATE", "connect with the node's certificate to renew it"))?;
        let identity = shown.node().ok_or_else(|| refuse("NOT_A_NODE", "this is no certificate of a node"))?;
        Ok((shown, identity))
    }

    fn tenant(&self) -> Result<TenantId, EngineError> {
        self.certificate().map(|(_, identity)| identity.tenant)
    }

    fn proven(&self, world: &World) -> Result<Proven, EngineError> {
        let (certificate, identity) = self.certificate()?;
        let tenant = identity.tenant;
        let shown = ShownNode { identity: identity.clone(), key: *certificate.key_hash() };
        let subject = format!("{}/{}", identity.cluster, identity.node).as_str().into();
        let principal = Principal { tenant, issuer: IssuerRef::Node, subject };
        world.active(tenant)?;
        if world.revocations.is_certificate_revoked(&principal, certificate.issued_at()) {
            return Err(refuse("CERTIFICATE_REVOKED", "this certificate was revoked; join anew under another token"));
        }
        let (cluster, node) = look_up(&world.tables, identity).map_err(not_proven)?;
        let until =
            cluster.allowance.offline_max.map(|max| certificate.not_after().saturating_add(max).saturating_add(LATE));
        if until.is_some_and(|until| until < world.clock.now()) {
            return Err(refuse(
                "NODE_TOO_LATE",
                "this certificate expired longer ago than the cluster allows; revoke the node and join anew",
            ));
        }
        Ok(Proven { shown, principal, cluster, node })
    }
}

impl Operation for RenewCertificate {
    type Reply = Kept<Renewed>;

    fn connected(&mut self, connection: &Connection) {
        self.connection = connection.clone();
    }

    fn prove(&self, world: &World) -> Result<(), EngineError> {
        self.proven(world).map(drop)
    }

    async fn execute(&self, _permit: &Permit<Self>, world: &World) -> Result<Done<Self::Reply>, EngineError> {
        let tenant = self.tenant()?;
        let mut changes = Changes::new();
        changes.based_on(tenant, world.vault.counter(tenant));
        let Proven { shown, principal, cluster, node: found } = self.proven(world)?;
        let identity = &shown.identity;
        let mut node: NodeRecord = (*found).clone();
        let entry = node_entry(&cluster.id, &node.name);
        let role: Name =
            "node".parse().map_err(|_| EngineError::Internal("the role of nodes has a bad name".to_owned()))?;
        if Standing::of(&node, &shown) == Standing::Replaced {
            node.state = NodeState::Locked;
            changes.put_control(tenant, &entry, &node)?;
            tracing::warn!(cluster = %identity.cluster, node = %identity.node, "Old node certificate was to be renewed, node locked");
            return Ok(Done::Change(changes, Kept(Renewed { renewal: Renewal::Locked, principal, role })));
        }
        // The answer to an earlier try may have been lost, or someone else has it: never the same number twice.
        let used = IssuedAs { generation: identity.generation, key: shown.key };
        let generation = node.issued.generation.max(used.generation).saturating_add(1);
        let next = NodeIdentity { generation, ..identity.clone() };
        let certificate = Certificate::issue(world, &next, &cluster, &self.csr, node.endpoints.clone())?;
        node.used = used;
        node.issued = IssuedAs { generation, key: certificate.key };
        node.certificate_expires_at = certificate.not_after;
        changes.put_control(tenant, &entry, &node)?;
        let renewal = Renewal::Made(Box::new(certificate));
        Ok(Done::Change(changes, Kept(Renewed { renewal, principal, role })))
    }
}
