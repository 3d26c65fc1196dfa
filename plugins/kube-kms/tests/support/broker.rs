//! A broker: the real API over real TLS, its state in memory.

use std::{
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_core::Stream;
use futures_util::StreamExt as _;
use keyward_api::v1::{
    self,
    node_service_server::{NodeService, NodeServiceServer},
    watch_keyset_response::Event,
};
use keyward_kit::{
    cluster::{ClusterId, ClusterKeyId, JoinString, NodeId, SeedKey, SeedPlace},
    tasks::Tasks,
    tls::spki_sha256,
};
use keyward_sdk::secret::Key32;
use tokio::{
    net::TcpListener,
    sync::{mpsc, watch},
};
use tokio_stream::wrappers::{ReceiverStream, WatchStream};
use tonic::{Request, Response, Status, transport::Server};

use super::tls::{Ca, Shown, accept};

pub(crate) struct State {
    ca: Ca,
    node_ca: Ca,
    address: SocketAddr,
    pub(crate) life: Mutex<(i64, i64)>,
    pub(crate) tokens: Mutex<Vec<[u8; 32]>>,
    pub(crate) joins: Mutex<u32>,
    pub(crate) generation: Mutex<u64>,
    pub(crate) reports: Mutex<Vec<v1::ReportKeysetRequest>>,
    pub(crate) remote_calls: Mutex<u32>,
    keyset: watch::Sender<v1::Keyset>,
}

/// The broker; what it knows outlives its process.
pub(crate) struct Broker {
    pub(crate) state: Arc<State>,
    tasks: Option<Tasks>,
}

const PLACE: SeedPlace =
    SeedPlace { tenant: [1; 16], cluster: ClusterId::from_bytes([2; 16]), key: ClusterKeyId::from_bytes([3; 16]) };

pub(crate) fn keyset(mode: v1::ClusterMode, generation: u64, versions: u32) -> v1::Keyset {
    let versions = (1..=versions).map(|version| v1::KeysetVersion {
        version,
        random: vec![version as u8; 8].into(),
        material: if mode == v1::ClusterMode::Local {
            vec![version as u8 + 100; 32].into()
        } else {
            bytes::Bytes::new()
        },
        state: v1::ClusterKeyState::Enabled.into(),
    });
    let versions: Vec<_> = versions.collect();
    v1::Keyset {
        cluster_id: PLACE.cluster.as_bytes().to_vec().into(),
        key: PLACE.key.as_bytes().to_vec().into(),
        generation,
        primary: versions.len() as u32,
        versions,
        mode: mode.into(),
        ..v1::Keyset::default()
    }
}

impl Broker {
    pub(crate) async fn start() -> Self {
        Self::with(v1::ClusterMode::Local).await
    }

    pub(crate) async fn with(mode: v1::ClusterMode) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let state = State {
            ca: Ca::new(),
            node_ca: Ca::new(),
            address: listener.local_addr().unwrap(),
            life: Mutex::new((-60, 7 * 86_400)),
            tokens: Mutex::default(),
            joins: Mutex::default(),
            generation: Mutex::default(),
            reports: Mutex::default(),
            remote_calls: Mutex::default(),
            keyset: watch::Sender::new(keyset(mode, 1, 1)),
        };
        let mut broker = Self { state: Arc::new(state), tasks: None };
        broker.serve(listener);
        broker
    }

    fn serve(&mut self, listener: TcpListener) {
        let mut tasks = Tasks::new();
        let (to, incoming) = mpsc::channel(8);
        tasks.own("tls", accept(listener, self.state.ca.server(), to));
        let service = NodeServiceServer::new(Service(Arc::clone(&self.state)));
        tasks.own("api", Server::builder().serve_with_incoming(service, ReceiverStream::new(incoming)));
        self.tasks = Some(tasks);
    }

    /// Gone: connections break, the port is closed.
    pub(crate) fn stop(&mut self) {
        self.tasks = None;
    }

    /// Back at the same address.
    pub(crate) async fn back(&mut self) {
        let listener = TcpListener::bind(self.state.address).await.unwrap();
        self.serve(listener);
    }

    /// A join string with a fresh token.
    pub(crate) fn join_string(&self) -> JoinString {
        let token = Key32::random();
        self.state.tokens.lock().unwrap().push(*token.expose());
        self.join_string_with(token)
    }

    pub(crate) fn join_string_with(&self, token: Key32) -> JoinString {
        JoinString {
            cluster: "prod".to_owned(),
            endpoints: vec![self.state.address.to_string()],
            token,
            ca_pin: spki_sha256(&self.state.ca.der).unwrap(),
        }
    }

    pub(crate) fn publish(&self, keyset: v1::Keyset) {
        self.state.keyset.send_replace(keyset);
    }

    pub(crate) fn reported(&self, generation: u64) -> bool {
        self.state.reports.lock().unwrap().iter().any(|report| report.generation == generation)
    }
}

struct Service(Arc<State>);

impl Service {
    fn certificate(&self, csr: &[u8]) -> v1::NodeCertificate {
        let mut generation = self.0.generation.lock().unwrap();
        *generation += 1;
        v1::NodeCertificate {
            certificate: self.0.node_ca.sign(csr, *self.0.life.lock().unwrap()).into(),
            node_ca: self.0.node_ca.der.to_vec().into(),
            generation: *generation,
            ..v1::NodeCertificate::default()
        }
    }

    fn facts(&self) -> v1::ClusterFacts {
        v1::ClusterFacts {
            name: "prod".to_owned(),
            cluster_id: PLACE.cluster.as_bytes().to_vec().into(),
            tenant_id: PLACE.tenant.to_vec().into(),
            endpoints: vec![self.0.address.to_string()],
            broker_ca: vec![self.0.ca.der.to_vec().into()],
            control_key: vec![7; 32].into(),
        }
    }

    /// A node with a certificate that is good now.
    fn known<T>(&self, request: &Request<T>) -> Result<(), Status> {
        let shown = request.extensions().get::<Shown>().and_then(|shown| shown.0.clone());
        let shown = shown.ok_or_else(|| Status::unauthenticated("no certificate"))?;
        let (_, parsed) = x509_parser::parse_x509_certificate(&shown).unwrap();
        if parsed.validity().is_valid() { Ok(()) } else { Err(Status::unauthenticated("certificate has expired")) }
    }

    fn key(&self, version: u32) -> SeedKey {
        SeedKey::new(PLACE, version, [version as u8; 8], &Key32::copy_of(&[version as u8 + 100; 32]))
    }
}

type Events = Pin<Box<dyn Stream<Item = Result<v1::WatchKeysetResponse, Status>> + Send>>;

#[tonic::async_trait]
impl NodeService for Service {
    async fn join(&self, request: Request<v1::JoinRequest>) -> Result<Response<v1::JoinResponse>, Status> {
        *self.0.joins.lock().unwrap() += 1;
        let request = request.into_inner();
        {
            let mut tokens = self.0.tokens.lock().unwrap();
            let at = tokens.iter().position(|token| token[..] == request.token[..]);
            tokens.remove(at.ok_or_else(|| Status::unauthenticated("join token is not good"))?);
        }
        Ok(Response::new(v1::JoinResponse {
            certificate: Some(self.certificate(&request.csr)),
            cluster: Some(self.facts()),
            node_id: NodeId::from_bytes([4; 16]).to_string(),
            node_name: "cp-1".to_owned(),
        }))
    }

    async fn renew_certificate(
        &self,
        request: Request<v1::RenewCertificateRequest>,
    ) -> Result<Response<v1::RenewCertificateResponse>, Status> {
        if request.extensions().get::<Shown>().is_none_or(|shown| shown.0.is_none()) {
            return Err(Status::unauthenticated("no certificate"));
        }
        *self.0.life.lock().unwrap() = (-60, 7 * 86_400);
        let certificate = Some(self.certificate(&request.get_ref().csr));
        Ok(Response::new(v1::RenewCertificateResponse { certificate, cluster: Some(self.facts()) }))
    }

    async fn get_keyset(
        &self,
        request: Request<v1::GetKeysetRequest>,
    ) -> Result<Response<v1::GetKeysetResponse>, Status> {
        self.known(&request)?;
        Ok(Response::new(v1::GetKeysetResponse { keyset: Some(self.0.keyset.borrow().clone()) }))
    }

    type WatchKeysetStream = Events;

    async fn watch_keyset(&self, request: Request<v1::WatchKeysetRequest>) -> Result<Response<Events>, Status> {
        self.known(&request)?;
        let changes = WatchStream::new(self.0.keyset.subscribe()).map(Event::Keyset);
        let alive = futures_util::stream::unfold(self.0.keyset.subscribe(), |keyset| async move {
            tokio::time::sleep(Duration::from_millis(200)).await;
            let generation = keyset.borrow().generation;
            Some((Event::KeepAlive(v1::KeepAlive { generation }), keyset))
        });
        let events = futures_util::stream::select(changes, alive);
        Ok(Response::new(events.map(|event| Ok(v1::WatchKeysetResponse { event: Some(event) })).boxed()))
    }

    async fn report_keyset(
        &self,
        request: Request<v1::ReportKeysetRequest>,
    ) -> Result<Response<v1::ReportKeysetResponse>, Status> {
        self.known(&request)?;
        self.0.reports.lock().unwrap().push(request.into_inner());
        Ok(Response::new(v1::ReportKeysetResponse::default()))
    }

    async fn give_back_keyset(
        &self,
        request: Request<v1::GiveBackKeysetRequest>,
    ) -> Result<Response<v1::GiveBackKeysetResponse>, Status> {
        self.known(&request)?;
        Err(Status::failed_precondition("nobody asked"))
    }

    async fn remote_encrypt(
        &self,
        request: Request<v1::RemoteEncryptRequest>,
    ) -> Result<Response<v1::RemoteEncryptResponse>, Status> {
        self.known(&request)?;
        *self.0.remote_calls.lock().unwrap() += 1;
        let key = self.key(request.get_ref().version);
        let ciphertext = key.seal(&request.get_ref().plaintext).unwrap().into();
        Ok(Response::new(v1::RemoteEncryptResponse { ciphertext, key_id: key.key_id().to_owned() }))
    }

    async fn remote_decrypt(
        &self,
        request: Request<v1::RemoteDecryptRequest>,
    ) -> Result<Response<v1::RemoteDecryptResponse>, Status> {
        self.known(&request)?;
        *self.0.remote_calls.lock().unwrap() += 1;
        let keys = self.0.keyset.borrow().versions.iter().map(|version| self.key(version.version)).collect::<Vec<_>>();
        let key = keys.iter().find(|key| key.key_id() == request.get_ref().key_id);
        let seed = key.ok_or_else(|| Status::not_found("no such version"))?.open(&request.get_ref().ciphertext);
        let seed = seed.map_err(|error| Status::invalid_argument(error.to_string()))?;
        Ok(Response::new(v1::RemoteDecryptResponse { plaintext: seed.expose().to_vec().into() }))
    }
}
