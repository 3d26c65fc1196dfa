//! `keyward-kube-kms check`: says before the API server does what would fail.

use std::{ffi::OsStr, fmt, os::unix::ffi::OsStrExt as _, time::Duration};

use keyward_sdk::time::{Clock, Timestamp};

use crate::{
    broker::{Broker as _, GrpcBroker},
    keyset::{FileStore, KeysetStore as _, file_protector},
    node::{Node, NodeState},
    serve::SocketAt,
    settings::{ClusterConfig, Config},
};

const REACH: Duration = Duration::from_secs(10);

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub what: String,
    /// Nothing, or what is wrong and what to do.
    pub wrong: Option<String>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.wrong {
            None => write!(f, "ok    {}", self.what),
            Some(wrong) => write!(f, "FAIL  {}: {wrong}", self.what),
        }
    }
}

/// Looks at everything that a start would need. Changes nothing.
pub async fn check(config: &Config, clock: &dyn Clock) -> Vec<Finding> {
    let mut findings = Vec::new();
    for cluster in &config.clusters {
        let mut note = |what: &str, wrong: Option<String>| {
            findings.push(Finding { what: format!("{}: {what}", cluster.name), wrong });
        };
        note("socket", socket(cluster));
        let state = NodeState::at(&cluster.state_dir);
        let node = match state.load() {
            Ok(node) => node,
            Err(error) => {
                note("node has joined", Some(error.to_string()));
                continue;
            }
        };
        note("node has joined", None);
        note("certificate and clock", certificate(&node, clock.now()));
        match keyset(&state, &node).await {
            Ok(Keyset::Kept) => note("keyset on disk", None),
            Ok(Keyset::None) => note("no keyset on disk yet, it comes with the first start", None),
            Err(wrong) => note("keyset on disk", Some(wrong)),
        }
        note("broker can be reached", broker(&node).await);
    }
    findings
}

fn socket(cluster: &ClusterConfig) -> Option<String> {
    use crate::serve::SocketError;
    match cluster.socket.look() {
        Ok(()) | Err(SocketError::InUse(_)) => {} // the running provider, most likely
        Err(error) => return Some(error.to_string()),
    }
    match &cluster.socket.at {
        SocketAt::File(path) if !path.file_name().unwrap_or(OsStr::new("")).as_bytes().starts_with(b"@") => {
            Some(format!(
                "the name of `{}` does not begin with `@`, so API servers before Kubernetes 1.32 cannot connect; rename it",
                path.display()
            ))
        }
        _ => None,
    }
}

fn certificate(node: &Node, now: Timestamp) -> Option<String> {
    let certificate = &node.certificate;
    if now < certificate.not_before {
        return Some("it is not good yet; set this machine's clock".to_owned());
    }
    (now >= certificate.not_after)
        .then(|| "it has expired; it renews by itself when the broker can be reached, if the clock is right".to_owned())
}

/// What is kept of the keys for times without the broker.
enum Keyset {
    Kept,
    None,
}

async fn keyset(state: &NodeState, node: &Node) -> Result<Keyset, String> {
    if !state.folder().join("protector.key").exists() {
        return Ok(Keyset::None);
    }
    let protector = file_protector(state.folder()).map_err(|error| error.to_string())?;
    let store = FileStore::new(state.folder().to_owned(), node.facts.cluster_id, node.id, vec![protector]);
    let kept = store.load().await.map_err(|error| error.to_string())?;
    Ok(if kept.is_some() { Keyset::Kept } else { Keyset::None })
}

async fn broker(node: &Node) -> Option<String> {
    let broker = match GrpcBroker::new(node) {
        Ok(broker) => broker,
        Err(error) => return Some(error.to_string()),
    };
    match tokio::time::timeout(REACH, broker.watch(0)).await {
        Ok(Ok(_)) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some("it did not answer within 10 s".to_owned()),
    }
}
