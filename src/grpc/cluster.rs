//! `ClusterService`.

use keyward_api::v1 as pb;
use keyward_sdk::time::Timestamp;
use tonic::{Request, Response, Status};

use super::{
    convert::{duration, page, parse, parse_optional, span_optional, timestamp},
    door::Door,
};
use crate::engine::{
    EngineError, Kept, Page,
    cluster::{
        Allowance, ClusterMode, ClusterRecord, ClusterView, CreateJoinToken, CreatedJoinToken, GetCluster, GetNode,
        ListClusters, ListNodes, NodeRef, NodeState, NodeView, RegisterCluster, RemoveCluster, RevokeNode,
        RotateClusterKey, TakeBackKeyVersions, UpdateCluster, VersionState,
    },
};

impl From<Allowance> for pb::Allowance {
    fn from(allowance: Allowance) -> Self {
        Self {
            offline_max: allowance.offline_max.map(duration),
            offline_unlimited: allowance.offline_max.is_none(),
            offline_writes_max: allowance.offline_writes_max.map(duration),
        }
    }
}

impl From<ClusterMode> for pb::ClusterMode {
    fn from(mode: ClusterMode) -> Self {
        match mode {
            ClusterMode::Local => Self::Local,
            ClusterMode::Remote => Self::Remote,
        }
    }
}

impl From<VersionState> for pb::ClusterKeyState {
    fn from(state: VersionState) -> Self {
        match state {
            VersionState::Enabled => Self::Enabled,
            VersionState::DecryptOnly => Self::DecryptOnly,
            VersionState::Disabled => Self::Disabled,
        }
    }
}

fn allowance(from: pb::Allowance) -> Result<Allowance, EngineError> {
    let offline_max = span_optional("allowance.offline_max", from.offline_max.as_ref())?;
    Ok(Allowance {
        offline_max: if from.offline_unlimited { None } else { offline_max.or(Allowance::default().offline_max) },
        offline_writes_max: span_optional("allowance.offline_writes_max", from.offline_writes_max.as_ref())?,
    })
}

fn shown(record: &ClusterRecord, primary: u32, nodes: Option<usize>, held_by: &[(u32, usize)]) -> pb::Cluster {
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let version = |version: &crate::engine::cluster::VersionRecord| pb::ClusterKeyVersion {
        version: version.version,
        key_id: record.key_id(version),
        state: pb::ClusterKeyState::from(version.state).into(),
        created_at: Some(timestamp(version.created_at)),
        held_by: held_by.iter().find(|(number, _)| *number == version.version).map(|(_, n)| count(*n)),
    };
    pb::Cluster {
        name: record.name.to_string(),
        id: record.id.to_string(),
        mode: pb::ClusterMode::from(record.mode).into(),
        description: record.description.clone(),
        created_at: Some(timestamp(record.created_at)),
        allowance: Some(record.allowance.into()),
        versions: record.versions.iter().map(version).collect(),
        primary,
        generation: record.generation,
        nodes: nodes.map(count),
    }
}

impl From<ClusterView> for pb::Cluster {
    fn from(view: ClusterView) -> Self {
        shown(&view.record, view.primary, Some(view.nodes), &view.held_by)
    }
}

impl From<ClusterRecord> for pb::Cluster {
    fn from(record: ClusterRecord) -> Self {
        shown(&record, record.primary_at(Timestamp::from_millis(0)), None, &[])
    }
}

impl From<NodeView> for pb::Node {
    fn from(NodeView { record, report, unknown }: NodeView) -> Self {
        let state = match record.state {
            NodeState::Active => pb::NodeState::Active,
            NodeState::Locked => pb::NodeState::Locked,
            NodeState::Revoked => pb::NodeState::Revoked,
        };
        let (seen_at, keyset_generation, versions, software) = match report {
            Some(report) => {
                let versions = report.versions.iter().map(|held| held.version).collect();
                (Some(timestamp(report.at)), report.generation, versions, report.software)
            }
            None => (None, 0, Vec::new(), String::new()),
        };
        Self {
            name: record.name.to_string(),
            id: record.id.to_string(),
            state: state.into(),
            joined_at: Some(timestamp(record.joined_at)),
            seen_at,
            certificate_generation: record.issued.generation,
            certificate_expires_at: Some(timestamp(record.certificate_expires_at)),
            keyset_generation,
            versions,
            software,
            unknown_versions: unknown,
        }
    }
}

impl TryFrom<pb::RegisterClusterRequest> for RegisterCluster {
    type Error = EngineError;
    fn try_from(request: pb::RegisterClusterRequest) -> Result<Self, EngineError> {
        let mode = match pb::ClusterMode::try_from(request.mode) {
            Ok(pb::ClusterMode::Unspecified | pb::ClusterMode::Local) => ClusterMode::Local,
            Ok(pb::ClusterMode::Remote) => ClusterMode::Remote,
            Err(_) => return Err(EngineError::invalid("mode", "is neither local nor remote")),
        };
        Ok(Self {
            name: parse("name", &request.name)?,
            mode,
            description: request.description,
            allowance: request.allowance.map(allowance).transpose()?.unwrap_or_default(),
        })
    }
}

impl TryFrom<pb::GetClusterRequest> for GetCluster {
    type Error = EngineError;
    fn try_from(request: pb::GetClusterRequest) -> Result<Self, EngineError> {
        Ok(Self { name: parse("name", &request.name)? })
    }
}

impl TryFrom<pb::ListClustersRequest> for ListClusters {
    type Error = EngineError;
    fn try_from(request: pb::ListClustersRequest) -> Result<Self, EngineError> {
        Ok(Self { page: page(request.page_size, request.page_token)? })
    }
}

impl TryFrom<pb::UpdateClusterRequest> for UpdateCluster {
    type Error = EngineError;
    fn try_from(request: pb::UpdateClusterRequest) -> Result<Self, EngineError> {
        Ok(Self {
            name: parse("name", &request.name)?,
            description: request.description,
            allowance: request.allowance.map(allowance).transpose()?,
        })
    }
}

impl TryFrom<pb::RemoveClusterRequest> for RemoveCluster {
    type Error = EngineError;
    fn try_from(request: pb::RemoveClusterRequest) -> Result<Self, EngineError> {
        Ok(Self { name: parse("name", &request.name)?, confirm: request.confirm_id })
    }
}

impl TryFrom<pb::CreateJoinTokenRequest> for CreateJoinToken {
    type Error = EngineError;
    fn try_from(request: pb::CreateJoinTokenRequest) -> Result<Self, EngineError> {
        Ok(Self {
            cluster: parse("name", &request.name)?,
            node: parse_optional("node_name", &request.node_name)?,
            life: span_optional("ttl", request.ttl.as_ref())?,
            endpoints: request.endpoints,
        })
    }
}

impl TryFrom<pb::ListNodesRequest> for ListNodes {
    type Error = EngineError;
    fn try_from(request: pb::ListNodesRequest) -> Result<Self, EngineError> {
        Ok(Self { cluster: parse("name", &request.name)?, page: page(request.page_size, request.page_token)? })
    }
}

impl TryFrom<pb::GetNodeRequest> for GetNode {
    type Error = EngineError;
    fn try_from(request: pb::GetNodeRequest) -> Result<Self, EngineError> {
        Ok(Self { cluster: parse("name", &request.name)?, node: parse("node_id", &request.node_id)? })
    }
}

fn node_ref(id: &str, name: &str) -> Result<NodeRef, EngineError> {
    match (id.is_empty(), name.is_empty()) {
        (false, true) => Ok(NodeRef::Id(parse("node_id", id)?)),
        (true, false) => Ok(NodeRef::Name(parse("node_name", name)?)),
        (..) => Err(EngineError::invalid("node_id", "give the node's id or its name")),
    }
}

impl TryFrom<pb::RevokeNodeRequest> for RevokeNode {
    type Error = EngineError;
    fn try_from(request: pb::RevokeNodeRequest) -> Result<Self, EngineError> {
        let node = node_ref(&request.node_id, &request.node_name)?;
        Ok(Self { cluster: parse("name", &request.name)?, node })
    }
}

impl TryFrom<pb::TakeBackKeyVersionsRequest> for TakeBackKeyVersions {
    type Error = EngineError;
    fn try_from(request: pb::TakeBackKeyVersionsRequest) -> Result<Self, EngineError> {
        let node = node_ref(&request.node_id, &request.node_name)?;
        Ok(Self { name: parse("name", &request.name)?, node })
    }
}

impl TryFrom<pb::RotateClusterKeyRequest> for RotateClusterKey {
    type Error = EngineError;
    fn try_from(request: pb::RotateClusterKeyRequest) -> Result<Self, EngineError> {
        Ok(Self { name: parse("name", &request.name)?, emergency: request.emergency })
    }
}

macro_rules! answers_cluster {
    ($($response:ident),* $(,)?) => {$(
        impl From<Kept<ClusterRecord>> for pb::$response {
            fn from(Kept(record): Kept<ClusterRecord>) -> Self {
                Self { cluster: Some(record.into()) }
            }
        }
    )*};
}

answers_cluster!(RegisterClusterResponse, UpdateClusterResponse, RotateClusterKeyResponse, TakeBackKeyVersionsResponse);

impl From<ClusterView> for pb::GetClusterResponse {
    fn from(view: ClusterView) -> Self {
        Self { cluster: Some(view.into()) }
    }
}

impl From<Page<ClusterView>> for pb::ListClustersResponse {
    fn from(page: Page<ClusterView>) -> Self {
        Self { clusters: page.items.into_iter().map(Into::into).collect(), next_page_token: page.next }
    }
}

impl From<Kept<()>> for pb::RemoveClusterResponse {
    fn from(_: Kept<()>) -> Self {
        Self {}
    }
}

impl From<Kept<CreatedJoinToken>> for pb::CreateJoinTokenResponse {
    fn from(Kept(created): Kept<CreatedJoinToken>) -> Self {
        Self { join_token: created.line.expose().to_owned(), expires_at: Some(timestamp(created.expires_at)) }
    }
}

impl From<Page<NodeView>> for pb::ListNodesResponse {
    fn from(page: Page<NodeView>) -> Self {
        Self { nodes: page.items.into_iter().map(Into::into).collect(), next_page_token: page.next }
    }
}

impl From<NodeView> for pb::GetNodeResponse {
    fn from(view: NodeView) -> Self {
        Self { node: Some(view.into()) }
    }
}

impl From<Kept<NodeView>> for pb::RevokeNodeResponse {
    fn from(Kept(view): Kept<NodeView>) -> Self {
        Self { node: Some(view.into()) }
    }
}

super::door::service! {
    pb::cluster_service_server::ClusterService;
    register_cluster(RegisterClusterRequest) -> RegisterClusterResponse = RegisterCluster;
    get_cluster(GetClusterRequest) -> GetClusterResponse = GetCluster;
    list_clusters(ListClustersRequest) -> ListClustersResponse = ListClusters;
    update_cluster(UpdateClusterRequest) -> UpdateClusterResponse = UpdateCluster;
    remove_cluster(RemoveClusterRequest) -> RemoveClusterResponse = RemoveCluster;
    create_join_token(CreateJoinTokenRequest) -> CreateJoinTokenResponse = CreateJoinToken;
    list_nodes(ListNodesRequest) -> ListNodesResponse = ListNodes;
    get_node(GetNodeRequest) -> GetNodeResponse = GetNode;
    revoke_node(RevokeNodeRequest) -> RevokeNodeResponse = RevokeNode;
    rotate_cluster_key(RotateClusterKeyRequest) -> RotateClusterKeyResponse = RotateClusterKey;
    take_back_key_versions(TakeBackKeyVersionsRequest) -> TakeBackKeyVersionsResponse = TakeBackKeyVersions;
}
