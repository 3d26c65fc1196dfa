//! Settings of the provider.

mod check;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use keyward_kit::{
    settings::{self, HumanDuration, Problems},
    telemetry::LogSettings,
};
use serde::Deserialize;

use crate::{
    keyset::Mode,
    serve::{SocketAt, SocketSettings},
};

/// The settings, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// How to log.
    pub log: LogSettings,
    /// The port for metrics and health; none is opened without it.
    pub ops: Option<SocketAddr>,
    /// The clusters.
    pub clusters: Vec<ClusterConfig>,
    /// How long calls under way may take at a stop.
    pub grace: Duration,
}

/// One cluster.
#[derive(Clone, Debug)]
pub struct ClusterConfig {
    /// Its name at the broker.
    pub name: String,
    /// The socket.
    pub socket: SocketSettings,
    /// The mode that is insisted on, if any.
    pub mode: Option<Mode>,
    /// The folder of this node's key, certificate and keyset.
    pub state_dir: PathBuf,
    /// What Status reports.
    pub reported_version: String,
    /// The time for a call to the broker in mode `remote`.
    pub remote_timeout: Duration,
}

#[derive(Deserialize)]
struct Raw {
    #[serde(default)]
    log: LogSettings,
    #[serde(default)]
    ops: RawOps,
    #[serde(default = "state_dir")]
    state_dir: PathBuf,
    #[serde(default)]
    shutdown_grace: Option<HumanDuration>,
    #[serde(default, rename = "cluster")]
    clusters: Vec<RawCluster>,
}

#[derive(Deserialize)]
#[serde(default)]
struct RawOps {
    listen: String,
}

impl Default for RawOps {
    fn default() -> Self {
        Self { listen: "127.0.0.1:7446".to_owned() }
    }
}

fn state_dir() -> PathBuf {
    PathBuf::from("/var/lib/keyward-kube-kms")
}

#[derive(Deserialize)]
struct RawCluster {
    name: String,
    #[serde(default)]
    socket: Option<String>,
    #[serde(default)]
    socket_owner: Option<u32>,
    #[serde(default)]
    socket_group: Option<u32>,
    #[serde(default)]
    allowed_uids: Vec<u32>,
    #[serde(default)]
    mode: Option<Mode>,
    #[serde(default)]
    state_dir: Option<PathBuf>,
    #[serde(default)]
    reported_version: Option<String>,
    #[serde(default)]
    remote_timeout: Option<HumanDuration>,
}

/// Reads the settings.
///
/// # Errors
/// All problems at once.
pub fn load(file: &std::path::Path) -> Result<Config, Problems> {
    check::config(settings::load(file)?)
}

/// As [`load`], from a text.
///
/// # Errors
/// As [`load`].
pub fn parse(text: &str, file: &std::path::Path) -> Result<Config, Problems> {
    check::config(settings::parse(text, file)?)
}
