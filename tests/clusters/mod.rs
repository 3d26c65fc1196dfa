//! Clusters and their nodes: a real broker and a real provider, with TLS and sockets, in this process.

mod node;
mod restored;
mod rotating;
mod shutting_out;
mod wire;
mod witness;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use hyper_util::rt::TokioIo;
use keyward_api::{
    kubernetes::v2::{
        DecryptRequest, EncryptRequest, EncryptResponse, StatusRequest, StatusResponse,
        key_management_service_client::KeyManagementServiceClient,
    },
    v1::{
        Cluster, ClusterMode, CreateJoinTokenRequest, GetClusterRequest, ListNodesRequest, Node,
        RegisterClusterRequest, cluster_service_client::ClusterServiceClient,
    },
};
use keyward_kit::{cluster::JoinString, tasks::Tasks};
use keyward_kube_kms::{
    app::App,
    broker::{Held, join},
    node::NodeState,
    settings,
};
use keyward_sdk::time::SystemClock;
use tempfile::TempDir;
use tokio::net::UnixStream;
use tonic::{Status, transport::Channel};

use crate::support::{Broker, Client};

/// Longer than anything here takes, so that only what hangs fails by it.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a node says that holds nothing worth a word.
fn held() -> Held {
    Held { generation: 1, versions: vec![(1, [0; 8])], primary: 1 }
}

/// Waits until `ready` holds.
async fn until<F: Future<Output = bool>>(what: &str, mut ready: impl FnMut() -> F) {
    let wait = async {
        while !ready().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("never: {what}"));
}

async fn clusters(broker: &Broker) -> ClusterServiceClient<Client> {
    ClusterServiceClient::new(broker.operator().await.client())
}

async fn register(broker: &Broker, name: &str, mode: ClusterMode) -> Cluster {
    let request =
        RegisterClusterRequest { name: name.to_owned(), mode: mode.into(), ..RegisterClusterRequest::default() };
    clusters(broker).await.register_cluster(request).await.unwrap().into_inner().cluster.unwrap()
}

async fn get(broker: &Broker, name: &str) -> Cluster {
    let request = GetClusterRequest { name: name.to_owned() };
    clusters(broker).await.get_cluster(request).await.unwrap().into_inner().cluster.unwrap()
}

async fn nodes(broker: &Broker, name: &str) -> Vec<Node> {
    let request = ListNodesRequest { name: name.to_owned(), ..ListNodesRequest::default() };
    clusters(broker).await.list_nodes(request).await.unwrap().into_inner().nodes
}

async fn join_string(broker: &Broker, cluster: &str, node: &str) -> String {
    let request = CreateJoinTokenRequest {
        name: cluster.to_owned(),
        node_name: node.to_owned(),
        ..CreateJoinTokenRequest::default()
    };
    clusters(broker).await.create_join_token(request).await.unwrap().into_inner().join_token
}

/// A control-plane node's folder.
struct Machine {
    folder: TempDir,
    cluster: String,
}

impl Machine {
    /// Joined to a cluster under a name.
    async fn join(broker: &Broker, cluster: &str, node: &str) -> Self {
        let machine = Self { folder: tempfile::tempdir().unwrap(), cluster: cluster.to_owned() };
        let line = join_string(broker, cluster, node).await;
        let joined = join(&JoinString::parse(&line).unwrap()).await.unwrap();
        machine.state().save(&joined).unwrap();
        machine
    }

    fn state(&self) -> NodeState {
        NodeState::at(&self.folder.path().join("state"))
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("@kms.sock")
    }

    /// Starts its provider.
    async fn start(&self) -> Provider {
        let text = format!(
            "shutdown_grace = \"100ms\"\n[ops]\nlisten = \"\"\n[[cluster]]\nname = {:?}\nsocket = {:?}\nstate_dir = {:?}\n",
            self.cluster,
            self.socket(),
            self.state().folder(),
        );
        let config = settings::parse(&text, Path::new("kms.toml")).unwrap();
        let app = App::build(config, SystemClock::shared()).await.unwrap();
        let provider = app.providers().remove(0);
        let mut tasks = Tasks::new();
        let stop = tasks.stopping();
        tasks.own("provider", async move { app.run(async move { stop.cancelled().await }).await });
        until("the provider is ready", || async { provider.is_ready() }).await;
        Provider { tasks, api: ApiServer::connect(self.socket()).await, provider }
    }
}

/// A running provider with a client of it.
struct Provider {
    tasks: Tasks,
    provider: std::sync::Arc<keyward_kube_kms::serve::Provider>,
    api: ApiServer,
}

impl Provider {
    async fn stop(self) {
        self.tasks.drain(PATIENCE).await.unwrap();
    }
}

/// What an API server does.
struct ApiServer(KeyManagementServiceClient<Channel>);

impl ApiServer {
    async fn connect(socket: PathBuf) -> Self {
        let connector = tower::service_fn(move |_: http::Uri| {
            let socket = socket.clone();
            async move { Ok::<_, std::io::Error>(TokioIo::new(UnixStream::connect(socket).await?)) }
        });
        let endpoint = tonic::transport::Endpoint::from_static("http://localhost");
        Self(KeyManagementServiceClient::new(endpoint.connect_with_connector(connector).await.unwrap()))
    }

    async fn status(&mut self) -> StatusResponse {
        self.0.status(StatusRequest {}).await.unwrap().into_inner()
    }

    async fn encrypt(&mut self, seed: &[u8]) -> EncryptResponse {
        let request = EncryptRequest { plaintext: seed.to_vec().into(), uid: "u-1".to_owned() };
        self.0.encrypt(request).await.unwrap().into_inner()
    }

    async fn decrypt(&mut self, sealed: &EncryptResponse) -> Result<Vec<u8>, Status> {
        let request = DecryptRequest {
            ciphertext: sealed.ciphertext.clone(),
            uid: "u-2".to_owned(),
            key_id: sealed.key_id.clone(),
            annotations: std::collections::HashMap::new(),
        };
        Ok(self.0.decrypt(request).await?.into_inner().plaintext.to_vec())
    }
}
