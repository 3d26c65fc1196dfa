//! Kubernetes clusters: what is registered, whose key their etcd is encrypted under, and which nodes have it.
//!
//! A cluster is one control entry without secrets, one entry a version of its key, and one a node. Entries of keys and
//! nodes lie under the cluster's id, which is never used again, so a cluster that is registered anew under an old name
//! meets nothing of the old one. What nodes report is data, not control: it changes often and decides nothing about who
//! may do what.

mod get;
mod join_token;
mod keys;
mod nodes;
mod record;
mod register;
mod remove;
mod rotate;
mod take_back;
mod update;

pub use self::{
    get::{ClusterView, GetCluster, ListClusters},
    join_token::{CreateJoinToken, CreatedJoinToken, JoinRecord},
    keys::ClusterKeyRecord,
    nodes::{GetNode, ListNodes, NodeRef, NodeView, RevokeNode},
    record::{
        Allowance, ClusterMode, ClusterRecord, HeldVersion, IssuedAs, NodeRecord, NodeState, ReportRecord,
        VersionRecord, VersionState,
    },
    register::RegisterCluster,
    remove::RemoveCluster,
    rotate::RotateClusterKey,
    take_back::{TakeBack, TakeBackKeyVersions},
    update::UpdateCluster,
};
pub(super) use self::{
    join_token::join_entry,
    keys::{materials, put_key, seed_key},
    nodes::{MAX_NODES, find_node, node_entry, nodes_of, report_of, report_place, warnings},
    record::existing,
    rotate::advance,
};
