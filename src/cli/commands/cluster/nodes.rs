//! `keyward cluster nodes` and `revoke-node`.

use keyward_api::v1::{ListNodesRequest, Node, NodeState, RevokeNodeRequest};
use keyward_kit::cluster::NodeId;
use serde_json::{Value, json};

use super::Clusters;
use crate::cli::{
    CliError,
    output::{Output, time},
    prompt::{self, Confirmed},
};

const COLUMNS: [&str; 9] = [
    "name",
    "id",
    "state",
    "seen_at",
    "keyset_generation",
    "versions",
    "unknown_versions",
    "certificate_expires_at",
    "software",
];

fn row(node: &Node) -> Vec<Value> {
    let state = match NodeState::try_from(node.state) {
        Ok(NodeState::Active) => "active",
        Ok(NodeState::Locked) => "locked",
        Ok(NodeState::Revoked) => "revoked",
        _ => "unknown",
    };
    vec![
        json!(node.name),
        json!(node.id),
        json!(state),
        time(node.seen_at.as_ref()),
        json!(node.keyset_generation),
        json!(node.versions),
        json!(node.unknown_versions),
        time(node.certificate_expires_at.as_ref()),
        json!(node.software),
    ]
}

async fn all(client: &mut Clusters, name: &str) -> Result<Vec<Node>, CliError> {
    let (mut nodes, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListNodesRequest { name: name.to_owned(), page_size: 1_000, page_token };
        let page = client.list_nodes(request).await?.into_inner();
        nodes.extend(page.nodes);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(nodes);
        }
    }
}

/// Lists them.
pub(super) async fn list(mut client: Clusters, name: String, output: &Output) -> Result<(), CliError> {
    let nodes = all(&mut client, &name).await?;
    output.rows(&COLUMNS, nodes.iter().map(row).collect());
    Ok(())
}

/// What people typed, as an id or as a name.
pub(super) fn id_or_name(node: String) -> (String, String) {
    if node.parse::<NodeId>().is_ok() { (node, String::new()) } else { (String::new(), node) }
}

/// Revokes one, by name or id.
pub(super) async fn revoke(
    mut client: Clusters,
    name: String,
    node: String,
    confirmed: Confirmed,
    output: &Output,
) -> Result<(), CliError> {
    let what = format!("Revoking the node `{node}` ends its way back; it has to join anew");
    prompt::confirm(&what, &node, confirmed)?;
    let (node_id, node_name) = id_or_name(node);
    let revoked = client.revoke_node(RevokeNodeRequest { name, node_id, node_name }).await?.into_inner().node;
    output.record(&COLUMNS.iter().copied().zip(row(&revoked.unwrap_or_default())).collect::<Vec<_>>());
    output.note("The node may have kept copies of the key; `keyward cluster rotate --emergency` makes them useless for what is written from now on.");
    Ok(())
}
