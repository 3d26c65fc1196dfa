//! Makes a token with which one node joins once. Only its hash is stored.

use data_encoding::HEXLOWER;
use keyward_kit::cluster::{ClusterId, JoinString, MAX_ENDPOINTS};
use keyward_sdk::{
    crypto::digest::sha256,
    secret::{Key32, SecretString},
    time::{Span, Timestamp},
};
use serde::{Deserialize, Serialize};

use super::{NodeState, nodes::find_node};
use crate::{
    engine::{Done, EngineError, Keep, Kept, Operation, World, certificate},
    keyring::{Changes, ControlType},
    method::{Action, ClusterResource, Method, Name, rows},
    policy::Permit,
};

/// How long a token is good for when nothing else is said.
pub(super) const DEFAULT_LIFE: Span = Span::from_hours(1);
const MAX_LIFE: Span = Span::from_hours(24);

/// What is stored of a join token, under its hash.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JoinRecord {
    /// The cluster's name.
    pub cluster: Name,
    /// The cluster's id: a token for one that was registered anew joins nothing.
    pub cluster_id: ClusterId,
    /// The name of the node that joins; none: it gets one.
    pub node: Option<Name>,
    /// Until when it can be used.
    pub expires_at: Timestamp,
    /// Where nodes reach the broker.
    pub endpoints: Vec<String>,
}

impl ControlType for JoinRecord {
    const KIND: &'static str = "join";
}

/// The entry of a token.
pub(in crate::engine) fn join_entry(token: &[u8]) -> String {
    HEXLOWER.encode(&sha256(token))
}

/// See the module.
pub struct CreateJoinToken {
    /// The cluster.
    pub cluster: Name,
    /// The node.
    pub node: Option<Name>,
    /// For how long.
    pub life: Option<Span>,
    /// Where nodes reach the broker; empty: as the settings say.
    pub endpoints: Vec<String>,
}

/// Shown once.
#[derive(Serialize, Deserialize)]
pub struct CreatedJoinToken {
    /// The one line.
    #[serde(with = "keyward_sdk::secret::serde_exposed")]
    pub line: SecretString,
    /// Until when it can be used.
    pub expires_at: Timestamp,
}

impl Keep for CreatedJoinToken {}

impl Action for CreateJoinToken {
    const METHOD: &'static Method = &rows::cluster::JOIN_TOKEN;
    type Resource = ClusterResource;
    fn resource(&self) -> ClusterResource {
        ClusterResource(self.cluster.clone())
    }
}

impl Operation for CreateJoinToken {
    type Reply = Kept<CreatedJoinToken>;

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<Self::Reply>, EngineError> {
        let tenant = permit.tenant();
        let cluster = super::existing(world, tenant, &self.cluster)?;
        let life = self.life.unwrap_or(DEFAULT_LIFE);
        if life == Span::ZERO || life > MAX_LIFE {
            return Err(EngineError::invalid("ttl", "give more than 0 and at most 24 hours"));
        }
        if let Some(name) = &self.node
            && find_node(&world.tables, tenant, &cluster.id, name).is_some_and(|node| node.state != NodeState::Revoked)
        {
            return Err(EngineError::state(
                "NODE_EXISTS",
                format!("a node `{name}` has joined; revoke it first or take another name"),
            ));
        }
        let endpoints = if self.endpoints.is_empty() { world.endpoints()? } else { self.endpoints.clone() };
        check_endpoints(&endpoints)?;
        let authority = certificate::authority(world)?;
        let expires_at = world.clock.now().saturating_add(life);
        let token = Key32::random();
        let record = JoinRecord {
            cluster: self.cluster.clone(),
            cluster_id: cluster.id,
            node: self.node.clone(),
            expires_at,
            endpoints: endpoints.clone(),
        };
        let mut changes = Changes::new();
        changes.put_control(tenant, &join_entry(token.expose()), &record)?;
        forget_expired(world, tenant, &mut changes);
        let join = JoinString { cluster: self.cluster.to_string(), endpoints, token, ca_pin: *authority.key_hash() };
        let line = join.encode().map_err(|error| EngineError::Internal(error.to_string()))?;
        Ok(Done::Change(changes, Kept(CreatedJoinToken { line, expires_at })))
    }
}

/// Tokens that no one used are forgotten when the next is made.
fn forget_expired(world: &World, tenant: crate::method::TenantId, changes: &mut Changes) {
    let now = world.clock.now();
    let expired = world.tables.joins.all(tenant).into_iter().filter(|(_, join)| join.expires_at <= now);
    expired.take(40).for_each(|(name, _)| changes.delete_control::<JoinRecord>(tenant, &name));
}

fn check_endpoints(endpoints: &[String]) -> Result<(), EngineError> {
    if endpoints.is_empty() || endpoints.len() > MAX_ENDPOINTS {
        return Err(EngineError::invalid("endpoints", format!("1 to {MAX_ENDPOINTS} are allowed")));
    }
    for endpoint in endpoints {
        let port = endpoint
            .rsplit_once(':')
            .filter(|(host, _)| !host.is_empty())
            .and_then(|(_, port)| port.parse::<u16>().ok());
        let plain = endpoint.len() <= 255
            && endpoint.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/' && byte != b'@');
        if port.is_none() || !plain {
            return Err(EngineError::invalid("endpoints", format!("`{}` is not `host:port`", endpoint.escape_debug())));
        }
    }
    Ok(())
}
