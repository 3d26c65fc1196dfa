//! A broker, a node and an API server's client.

mod broker;
mod tls;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use hyper_util::rt::TokioIo;
use keyward_api::kubernetes::v2::{
    DecryptRequest, EncryptRequest, EncryptResponse, StatusRequest, StatusResponse,
    key_management_service_client::KeyManagementServiceClient,
};
use keyward_kit::tasks::Tasks;
use keyward_kube_kms::{
    app::{App, AppError},
    broker::{JoinFailure, join},
    node::NodeState,
    serve::Provider,
    settings,
};
use keyward_sdk::time::SystemClock;
use tempfile::TempDir;
use tokio::net::UnixStream;
use tonic::{Status, transport::Channel};

pub(crate) use self::broker::{Broker, keyset};

/// Longer than anything here takes, so that only what hangs fails by it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until `ready` holds.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut ready: impl FnMut() -> F) {
    let wait = async {
        while !ready().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("never: {what}"));
}

/// One node: its folder, which outlives its processes.
pub(crate) struct Node {
    folder: TempDir,
    extra: String,
}

/// A running provider.
pub(crate) struct Running {
    tasks: Tasks,
    pub(crate) provider: Arc<Provider>,
    pub(crate) ops: Option<std::net::SocketAddr>,
}

impl Node {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), extra: String::new() }
    }

    /// With more lines in its section of the settings.
    pub(crate) fn with(extra: &str) -> Self {
        Self { extra: extra.to_owned(), ..Self::new() }
    }

    pub(crate) fn state(&self) -> NodeState {
        NodeState::at(&self.folder.path().join("state"))
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("@prod.sock")
    }

    pub(crate) async fn join(&self, broker: &Broker) -> Result<(), JoinFailure> {
        let node = join(&broker.join_string()).await?;
        self.state().save(&node).unwrap();
        Ok(())
    }

    pub(crate) async fn try_start(&self) -> Result<Running, AppError> {
        let text = format!(
            "shutdown_grace = \"100ms\"\n[ops]\nlisten = \"127.0.0.1:0\"\n[[cluster]]\nname = \"prod\"\nsocket = {:?}\nstate_dir = {:?}\n{}\n",
            self.socket(),
            self.state().folder(),
            self.extra
        );
        let config = settings::parse(&text, Path::new("kms.toml")).unwrap();
        let app = App::build(config, SystemClock::shared()).await?;
        let (provider, ops) = (app.providers().remove(0), app.ops_address());
        let mut tasks = Tasks::new();
        let stop = tasks.stopping();
        tasks.own("provider", async move { app.run(async move { stop.cancelled().await }).await });
        Ok(Running { tasks, provider, ops })
    }

    pub(crate) async fn start(&self) -> Running {
        self.try_start().await.unwrap()
    }

    /// Joined, running and serving.
    pub(crate) async fn joined(&self, broker: &Broker) -> Running {
        self.join(broker).await.unwrap();
        let running = self.start().await;
        running.ready().await;
        running
    }

    pub(crate) async fn client(&self) -> Client {
        Client::connect(self.socket()).await
    }
}

impl Running {
    pub(crate) async fn ready(&self) {
        until("ready", || async { self.provider.is_ready() }).await;
    }

    pub(crate) async fn stop(self) {
        self.tasks.drain(PATIENCE).await.unwrap();
    }
}

/// A client as kube-apiserver has one: a connection of its own that stays.
pub(crate) struct Client {
    pub(crate) channel: Channel,
    v2: KeyManagementServiceClient<Channel>,
}

impl Client {
    pub(crate) async fn connect(socket: PathBuf) -> Self {
        let connector = tower::service_fn(move |_: http::Uri| {
            let socket = socket.clone();
            async move { Ok::<_, std::io::Error>(TokioIo::new(UnixStream::connect(socket).await?)) }
        });
        let endpoint = tonic::transport::Endpoint::from_static("http://localhost");
        let channel = endpoint.connect_with_connector(connector).await.unwrap();
        Self { v2: KeyManagementServiceClient::new(channel.clone()), channel }
    }

    pub(crate) async fn status(&mut self) -> Result<StatusResponse, Status> {
        Ok(self.v2.status(StatusRequest {}).await?.into_inner())
    }

    pub(crate) async fn encrypt(&mut self, seed: &[u8]) -> Result<EncryptResponse, Status> {
        let request = EncryptRequest { plaintext: seed.to_vec().into(), uid: "u-1".to_owned() };
        Ok(self.v2.encrypt(request).await?.into_inner())
    }

    pub(crate) async fn decrypt(&mut self, sealed: &EncryptResponse) -> Result<Vec<u8>, Status> {
        let request = DecryptRequest {
            ciphertext: sealed.ciphertext.clone(),
            uid: "u-2".to_owned(),
            key_id: sealed.key_id.clone(),
            annotations: sealed.annotations.clone(),
        };
        Ok(self.v2.decrypt(request).await?.into_inner().plaintext.to_vec())
    }
}
