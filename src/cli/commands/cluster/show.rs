//! How a cluster is shown.

use keyward_api::v1::{Allowance, Cluster, ClusterKeyState, ClusterKeyVersion, ClusterMode};
use serde_json::{Value, json};

use crate::cli::output::{Output, span, time};

/// The columns of a list.
pub(super) const COLUMNS: [&str; 6] = ["name", "id", "mode", "nodes", "primary", "created_at"];

fn mode(cluster: &Cluster) -> &'static str {
    match ClusterMode::try_from(cluster.mode) {
        Ok(ClusterMode::Local) => "local",
        Ok(ClusterMode::Remote) => "remote",
        _ => "unknown",
    }
}

/// A row of a list.
pub(super) fn row(cluster: &Cluster) -> Vec<Value> {
    vec![
        json!(cluster.name),
        json!(cluster.id),
        json!(mode(cluster)),
        json!(cluster.nodes),
        json!(cluster.primary),
        time(cluster.created_at.as_ref()),
    ]
}

fn offline(allowance: &Allowance) -> Value {
    if allowance.offline_unlimited { json!("unlimited") } else { span(allowance.offline_max.as_ref()) }
}

fn version(version: &ClusterKeyVersion) -> Value {
    let state = match ClusterKeyState::try_from(version.state) {
        Ok(ClusterKeyState::Enabled) => "enabled",
        Ok(ClusterKeyState::DecryptOnly) => "decrypt-only",
        Ok(ClusterKeyState::Disabled) => "disabled",
        _ => "unknown",
    };
    let mut shown = json!({
        "version": version.version,
        "key_id": version.key_id,
        "state": state,
        "created_at": time(version.created_at.as_ref()),
    });
    if let (Some(held_by), Some(shown)) = (version.held_by, shown.as_object_mut()) {
        shown.insert("held_by".to_owned(), json!(held_by));
    }
    shown
}

/// A cluster.
pub(super) fn cluster(cluster: &Cluster, output: &Output) {
    let allowance = cluster.allowance.unwrap_or_default();
    let mut shown = vec![
        ("name", json!(cluster.name)),
        ("id", json!(cluster.id)),
        ("mode", json!(mode(cluster))),
        ("description", json!(cluster.description)),
        ("created_at", time(cluster.created_at.as_ref())),
        ("offline_max", offline(&allowance)),
        ("offline_writes_max", span(allowance.offline_writes_max.as_ref())),
        ("generation", json!(cluster.generation)),
        ("primary", json!(cluster.primary)),
        ("versions", Value::Array(cluster.versions.iter().map(version).collect())),
    ];
    // What a change answers does not say it.
    shown.extend(cluster.nodes.map(|nodes| ("nodes", json!(nodes))));
    output.record(&shown);
}
