//! Puts the daemon together and runs it.

mod check;
mod lock;

use std::{io, net::SocketAddr, path::PathBuf, sync::Arc};

use keyward_kit::{
    sd,
    tasks::{Ended, Tasks},
};
use keyward_kms_soft::KeyFileError;
use keyward_sdk::time::SharedClock;
use tokio::{net::TcpListener, sync::mpsc};
use tracing::info;

pub use self::{
    check::{Finding, check},
    lock::Lock,
};
use crate::{
    broker::{Broker, BrokerError, GrpcBroker},
    files,
    follow::{Keeper, Renewer, report, watch},
    keyset::{FileStore, file_protector},
    node::{NodeState, StateError},
    offline::AllowanceFile,
    ops,
    serve::{Incoming, Provider, ProviderSettings, SocketError, serve},
    settings::{ClusterConfig, Config},
};

/// Why the daemon did not start or did not go on.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The broker's address or CA.
    #[error("cluster `{0}`: {1}")]
    Broker(String, #[source] BrokerError),
    /// A folder or file.
    #[error("`{0}`: {1}")]
    Io(PathBuf, #[source] io::Error),
    /// Another process uses the node's folder.
    #[error("`{0}` is in use by another keyward-kube-kms; stop that one first")]
    Locked(PathBuf),
    /// The port for metrics and health.
    #[error("port {0} for metrics and health cannot be used: {1}; change `ops.listen`")]
    Ops(SocketAddr, #[source] io::Error),
    /// The protector of the keyset.
    #[error("keyset's protector: {0}")]
    Protector(#[from] KeyFileError),
    /// The socket.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// The node's state.
    #[error("cluster `{0}`: {1}")]
    State(String, #[source] StateError),
    /// A task ended.
    #[error(transparent)]
    Task(#[from] Ended),
}

struct Cluster {
    provider: Arc<Provider>,
    keeper: Keeper,
    renewer: Renewer,
    incoming: Incoming,
    folder: PathBuf,
    _lock: Lock,
}

/// The daemon, ready to run: everything is opened and bound, nothing runs yet.
pub struct App {
    clusters: Vec<Cluster>,
    ops: Option<TcpListener>,
    grace: std::time::Duration,
}

impl App {
    /// Opens and binds everything.
    ///
    /// # Errors
    /// [`AppError`] for the first thing that is not as it has to be.
    pub async fn build(config: Config, clock: SharedClock) -> Result<Self, AppError> {
        let ops = match config.ops {
            Some(at) => Some(TcpListener::bind(at).await.map_err(|error| AppError::Ops(at, error))?),
            None => None,
        };
        let mut clusters = Vec::with_capacity(config.clusters.len());
        for cluster in &config.clusters {
            clusters.push(Cluster::build(cluster, &clock).await?);
        }
        Ok(Self { clusters, ops, grace: config.grace })
    }

    /// Where metrics and health are.
    #[must_use]
    pub fn ops_address(&self) -> Option<SocketAddr> {
        self.ops.as_ref().and_then(|listener| listener.local_addr().ok())
    }

    /// The served clusters.
    #[must_use]
    pub fn providers(&self) -> Vec<Arc<Provider>> {
        self.clusters.iter().map(|cluster| Arc::clone(&cluster.provider)).collect()
    }

    /// Runs until `shutdown`, then finishes what is under way.
    ///
    /// # Errors
    /// [`AppError::Task`] when a task ended before it was told to.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), AppError> {
        let providers = self.providers();
        let mut tasks = Tasks::new();
        let mut locks = Vec::new();
        for Cluster { provider, keeper, renewer, incoming, folder, _lock } in self.clusters {
            locks.push(_lock);
            let name = &provider.settings().cluster;
            let (to, events) = mpsc::channel(4);
            let stop = || tasks.stopping();
            let (serving, watching, keeping, reporting, renewing) = (stop(), stop(), stop(), stop(), stop());
            let names = ["api", "watch", "keyset", "report", "certificate"].map(|task| format!("{task} of {name}"));
            let [api, watcher, keyset, reporter, certificate] = names;
            let served = serve(Arc::clone(&provider), incoming, async move { serving.cancelled().await });
            tasks.own(api, served);
            tasks.own(watcher, watch(Arc::clone(&provider), to, watching));
            tasks.own(keyset, keeper.run(events, keeping));
            tasks.own(reporter, report(provider, folder, Arc::clone(&renewer.clock), reporting));
            tasks.own(certificate, renewer.run(renewing));
        }
        if let Some(listener) = self.ops {
            tasks.own("metrics and health", ops::serve(listener, providers, tasks.stopping()));
        }
        sd::ready();
        info!(clusters = locks.len(), "Serving");
        let ended = tokio::select! {
            () = shutdown => None,
            ended = tasks.first_end() => Some(ended),
        };
        sd::stopping();
        info!("Stopping");
        let drained = tasks.drain(self.grace).await;
        match (ended, drained) {
            (Some(ended), _) => Err(ended.into()),
            // Connections of API servers stay open for ever; that they were cut after the grace period is no failure.
            (None, Err(Ended::Stuck(_)) | Ok(())) => Ok(()),
            (None, Err(ended)) => Err(ended.into()),
        }
    }
}

impl Cluster {
    async fn build(config: &ClusterConfig, clock: &SharedClock) -> Result<Self, AppError> {
        let state = NodeState::at(&config.state_dir);
        let node = state.load().map_err(|error| AppError::State(config.name.clone(), error))?;
        let folder = state.folder();
        files::private_folder(folder).map_err(|error| AppError::Io(folder.to_owned(), error))?;
        let (folder, lock) = (folder.to_owned(), Lock::take(folder)?);
        let broker = GrpcBroker::new(&node).map_err(|error| AppError::Broker(config.name.clone(), error))?;
        let broker: Arc<dyn Broker> = Arc::new(broker);
        let settings = ProviderSettings {
            cluster: config.name.clone(),
            reported_version: config.reported_version.clone(),
            mode: config.mode,
            remote_timeout: config.remote_timeout,
        };
        let provider = Provider::new(settings, broker);
        let cluster = node.facts.cluster_id;
        let protectors = vec![file_protector(&folder)?];
        let store = Arc::new(FileStore::new(folder.clone(), cluster, node.id, protectors));
        let file = AllowanceFile::in_folder(&folder);
        // The keyset on disk is served before the socket is there: the first Status says the right key_id.
        let keeper = Keeper::start(Arc::clone(&provider), store, cluster, Arc::clone(clock), file).await;
        let incoming = Incoming::new(config.socket.bind()?);
        let renewer = Renewer { provider: Arc::clone(&provider), node, state, clock: Arc::clone(clock) };
        Ok(Self { provider, keeper, renewer, incoming, folder, _lock: lock })
    }
}
