//! `keyward cluster`.

mod encryption_config;
mod nodes;
mod show;

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use keyward_api::v1::{
    Allowance, ClusterMode, CreateJoinTokenRequest, GetClusterRequest, ListClustersRequest, RegisterClusterRequest,
    RemoveClusterRequest, RotateClusterKeyRequest, TakeBackKeyVersionsRequest, UpdateClusterRequest,
    cluster_service_client::ClusterServiceClient,
};
use serde_json::json;

use crate::cli::{
    CliError,
    connect::{Client, Target},
    output::{Output, time},
    prompt::{self, Confirmed},
};

pub(super) type Clusters = ClusterServiceClient<Client>;

/// What to do.
#[derive(Debug, Subcommand)]
#[command(arg_required_else_help = true)]
pub(crate) enum ClusterCommand {
    /// Register a cluster and make its key.
    Register {
        /// Its name.
        name: String,
        /// Where Encrypt and Decrypt are done.
        #[arg(long, value_enum, default_value_t = Mode::Local)]
        mode: Mode,
        /// For people.
        #[arg(long, default_value = "")]
        description: String,
        #[command(flatten)]
        allowance: AllowanceArgs,
    },
    /// Show a cluster with the versions of its key.
    Get {
        /// Its name.
        name: String,
    },
    /// Show all.
    List,
    /// Change the description or how nodes go on without the broker.
    Update {
        /// Its name.
        name: String,
        /// For people.
        #[arg(long)]
        description: Option<String>,
        #[command(flatten)]
        allowance: AllowanceArgs,
    },
    /// Forget a cluster and destroy its key: what its etcd holds is lost then.
    Remove {
        /// Its name.
        name: String,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Print a token with which one node joins once.
    JoinToken {
        /// The cluster.
        name: String,
        /// The name of the node; without it the broker gives one.
        #[arg(long)]
        node: Option<String>,
        /// How long it is good for, at most 24h.
        #[arg(long, default_value = "1h", value_parser = humantime::parse_duration)]
        ttl: Duration,
        /// Where the node reaches the broker, `host:port`; may be given several times. Without it: as the broker's
        /// settings say.
        #[arg(long = "endpoint", value_name = "HOST:PORT")]
        endpoints: Vec<String>,
    },
    /// Show the nodes of a cluster.
    Nodes {
        /// The cluster.
        name: String,
    },
    /// Shut a node out: it gets no keyset and no certificate any more.
    RevokeNode {
        /// The cluster.
        name: String,
        /// The node, by name or id.
        node: String,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Make a new version of the cluster's key. It encrypts when all live nodes hold it.
    Rotate {
        /// The cluster.
        name: String,
        /// Do not wait for the nodes.
        #[arg(long)]
        emergency: bool,
    },
    /// After a restore: take key versions that the broker does not know from a node that holds them.
    #[command(after_help = "Examples:
  keyward status                              (names the nodes that hold more than the broker knows)
  keyward cluster recover-keyset prod cp-1")]
    RecoverKeyset {
        /// The cluster.
        name: String,
        /// The node, by name or id.
        node: String,
    },
    /// Print the EncryptionConfiguration for kube-apiserver.
    EncryptionConfig(encryption_config::EncryptionConfigArgs),
}

/// Where Encrypt and Decrypt are done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// On the nodes: the API server never waits for the broker.
    Local,
    /// At the broker: the key never leaves it.
    Remote,
}

/// How nodes go on without the broker.
#[derive(Debug, Args)]
pub(crate) struct AllowanceArgs {
    /// How long nodes read and write without the broker, or `unlimited`; 30 days when nothing is said.
    #[arg(long, value_name = "DURATION")]
    offline_max: Option<String>,
    /// How long they write, when that is shorter.
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    offline_writes_max: Option<Duration>,
}

impl AllowanceArgs {
    fn read(self) -> Result<Option<Allowance>, CliError> {
        if self.offline_max.is_none() && self.offline_writes_max.is_none() {
            return Ok(None);
        }
        let pb = |span: Duration| prost_types::Duration::try_from(span).map_err(|e| CliError::usage(e.to_string()));
        let unlimited = self.offline_max.as_deref() == Some("unlimited");
        let offline_max = match self.offline_max.as_deref() {
            None | Some("unlimited") => None,
            Some(text) => {
                Some(pb(humantime::parse_duration(text).map_err(|e| CliError::usage(format!("--offline-max: {e}")))?)?)
            }
        };
        let offline_writes_max = self.offline_writes_max.map(pb).transpose()?;
        Ok(Some(Allowance { offline_max, offline_unlimited: unlimited, offline_writes_max }))
    }
}

impl ClusterCommand {
    /// Carries it out.
    pub(crate) async fn run(self, target: &Target, output: &Output) -> Result<(), CliError> {
        let mut client = ClusterServiceClient::new(target.connect().await?);
        let cluster = match self {
            Self::Register { name, mode, description, allowance } => {
                let mode = match mode {
                    Mode::Local => ClusterMode::Local,
                    Mode::Remote => ClusterMode::Remote,
                };
                let request =
                    RegisterClusterRequest { name, mode: mode.into(), description, allowance: allowance.read()? };
                client.register_cluster(request).await?.into_inner().cluster
            }
            Self::Get { name } => get(&mut client, name).await?.into(),
            Self::List => return list(client, output).await,
            Self::Update { name, description, allowance } => {
                let allowance = match allowance.read()? {
                    // What is not named stays as it is.
                    Some(change) => Some(allowed(get(&mut client, name.clone()).await?.allowance, change)),
                    None => None,
                };
                let request = UpdateClusterRequest { name, description, allowance };
                client.update_cluster(request).await?.into_inner().cluster
            }
            Self::Remove { name, yes } => {
                let what =
                    format!("Removing the cluster `{name}` destroys its key and makes what its etcd holds unreadable");
                prompt::confirm(&what, &name, Confirmed::from(yes))?;
                let confirm_id = get(&mut client, name.clone()).await?.id;
                client.remove_cluster(RemoveClusterRequest { name: name.clone(), confirm_id }).await?;
                output.record(&[("name", json!(name)), ("state", json!("removed"))]);
                return Ok(());
            }
            Self::JoinToken { name, node, ttl, endpoints } => {
                let ttl = prost_types::Duration::try_from(ttl).map_err(|e| CliError::usage(e.to_string()))?;
                let request =
                    CreateJoinTokenRequest { name, node_name: node.unwrap_or_default(), ttl: Some(ttl), endpoints };
                return join_token(client, request, output).await;
            }
            Self::Nodes { name } => return nodes::list(client, name, output).await,
            Self::RevokeNode { name, node, yes } => {
                return nodes::revoke(client, name, node, Confirmed::from(yes), output).await;
            }
            Self::Rotate { name, emergency } => {
                client.rotate_cluster_key(RotateClusterKeyRequest { name, emergency }).await?.into_inner().cluster
            }
            Self::RecoverKeyset { name, node } => {
                let (node_id, node_name) = nodes::id_or_name(node);
                let request = TakeBackKeyVersionsRequest { name, node_id, node_name };
                output.note("The node gives them back with its next report, within a minute.");
                client.take_back_key_versions(request).await?.into_inner().cluster
            }
            Self::EncryptionConfig(args) => return args.run(&mut client, output).await,
        };
        show::cluster(&cluster.unwrap_or_default(), output);
        Ok(())
    }
}

/// An allowance with a change of one of its spans.
fn allowed(before: Option<Allowance>, change: Allowance) -> Allowance {
    let before = before.unwrap_or_default();
    let (offline_max, offline_unlimited) = match (change.offline_max, change.offline_unlimited) {
        (None, false) => (before.offline_max, before.offline_unlimited),
        change => change,
    };
    let offline_writes_max = change.offline_writes_max.or(before.offline_writes_max);
    Allowance { offline_max, offline_unlimited, offline_writes_max }
}

pub(super) async fn get(client: &mut Clusters, name: String) -> Result<keyward_api::v1::Cluster, CliError> {
    Ok(client.get_cluster(GetClusterRequest { name }).await?.into_inner().cluster.unwrap_or_default())
}

async fn list(mut client: Clusters, output: &Output) -> Result<(), CliError> {
    let (mut rows, mut page_token) = (Vec::new(), String::new());
    loop {
        let page = client.list_clusters(ListClustersRequest { page_size: 1_000, page_token }).await?.into_inner();
        rows.extend(page.clusters.iter().map(show::row));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            output.rows(&show::COLUMNS, rows);
            return Ok(());
        }
    }
}

/// The token alone on standard output, so that it can go straight into a file.
async fn join_token(mut client: Clusters, request: CreateJoinTokenRequest, output: &Output) -> Result<(), CliError> {
    let made = client.create_join_token(request).await?.into_inner();
    let expires = time(made.expires_at.as_ref());
    if output.is_json() {
        output.record(&[("join_token", json!(made.join_token)), ("expires_at", expires)]);
        return Ok(());
    }
    output.line(&made.join_token);
    let until = expires.as_str().unwrap_or_default();
    output.note(&format!(
        "Good for one node until {until}; on it, run `keyward-kube-kms join` and give it this on standard input."
    ));
    Ok(())
}
