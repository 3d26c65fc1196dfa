//! A real broker, put together as the daemon does it, on a thread and a runtime of its own: it serves on while a test
//! blocks, and tests may have any runtime.

use std::{
    net::SocketAddr,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    thread::JoinHandle,
    time::Duration,
};

use keyward::{
    app::App,
    config::{AuditConfig, Config, OlderStore, Purpose, StorageConfig, SyncReads},
    engine::SealState,
    keyring::Changes,
    method::TenantId,
    pipeline::Pipeline,
};
use keyward_api::v1::{
    InitializeRequest, InitializeResponse, RedeemBootstrapTokenRequest, SealMember, SealPath,
    auth_service_client::AuthServiceClient, seal_service_client::SealServiceClient,
};
use keyward_kit::{telemetry::LogSettings, tls::CertificateFiles};
use keyward_sdk::time::{SharedClock, SystemClock};
use keyward_testbed::{TestCa, wait_until};
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::{
    caller::{Caller, Key},
    canary,
};

/// What a broker will be like.
pub struct Setup {
    folder: TempDir,
    config: Config,
    clock: SharedClock,
    /// The authority of a configured certificate, PEM.
    served_by: Option<String>,
}

/// A broker with an embedded store, to be opened by a key file, on ports that the system chooses.
pub fn broker() -> Setup {
    canary::watch();
    keyward_kit::tls::install_provider();
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    let config = Config {
        api: SocketAddr::from(([127, 0, 0, 1], 0)),
        ops: SocketAddr::from(([127, 0, 0, 1], 0)),
        socket: Some(at("keyward.sock")),
        workers: 1,
        connections: 20_000,
        in_flight: 1_024,
        // A broker that is dropped waits so long for callers whose runtime it blocks.
        grace: Duration::from_millis(200),
        names: vec!["localhost".to_owned(), "127.0.0.1".to_owned()],
        certificate: None,
        client_authorities: None,
        storage: StorageConfig::Embedded(at("keyward.store")),
        audit: AuditConfig {
            folder: at("audit"),
            rotate_bytes: 32 << 20,
            reserve_bytes: 1 << 20,
            sync_reads: SyncReads::Os,
        },
        root_fingerprint: None,
        issuer_hosts: vec!["localhost".to_owned(), "127.0.0.1".to_owned()],
        log: LogSettings::default(),
        purpose: Purpose::Production,
        older: OlderStore::Refuse,
    };
    Setup { folder, config, clock: SystemClock::shared(), served_by: None }
}

impl Setup {
    /// Other settings.
    pub fn config(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    /// As `keyward dev`: operators' tokens may be used without a key.
    pub fn dev(self) -> Self {
        self.config(|config| config.purpose = Purpose::Dev)
    }

    /// With a certificate of this authority, in files that the broker follows.
    pub fn served_by(mut self, ca: &TestCa) -> Self {
        let files = self.certificate_files();
        write_certificate(&files, &ca.server(&[]));
        self.served_by = Some(ca.pem().to_owned());
        self.config(|config| config.certificate = Some(files))
    }

    fn certificate_files(&self) -> CertificateFiles {
        CertificateFiles { certificate: self.folder().join("tls.crt"), key: self.folder().join("tls.key") }
    }

    /// Another clock.
    pub fn clock(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// Where the broker keeps everything.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts it and leaves the store empty.
    pub async fn start_empty(mut self) -> Broker {
        let running = Running::start(&self.config, &self.clock).await;
        // So that it comes back where it was.
        self.config.api = running.api;
        let ca = self.served_by.clone().unwrap_or_default();
        Broker { setup: self, running: Some(running), ca, operator: None, made: None }
    }

    /// Starts it, makes an installation that a key file opens, and logs the first operator in.
    pub async fn start(self) -> Broker {
        let mut broker = self.start_empty().await;
        let file = broker.folder().join("seal.key").display().to_string();
        let settings = std::collections::HashMap::from([("path".to_owned(), file)]);
        let member = SealMember { name: "key-file".to_owned(), kind: "key-file".to_owned(), settings };
        broker.initialize(vec![SealPath { name: "auto".to_owned(), threshold: 1, members: vec![member] }]).await;
        broker
    }
}

/// A broker that serves.
pub struct Broker {
    setup: Setup,
    running: Option<Running>,
    ca: String,
    operator: Option<(Key, String)>,
    made: Option<InitializeResponse>,
}

impl Broker {
    /// Makes the installation over the unix socket, and logs the first operator in with a key.
    pub async fn initialize(&mut self, paths: Vec<SealPath>) {
        let made = SealServiceClient::new(self.socket().await.client()).initialize(InitializeRequest { paths }).await;
        self.log_in(made.expect("an empty store is initialised").into_inner()).await;
    }

    /// Logs the first operator of an installation in, once it is open.
    pub async fn log_in(&mut self, made: InitializeResponse) {
        self.ca = self.setup.served_by.clone().unwrap_or_else(|| made.ca_certificate.clone());
        std::fs::write(self.ca_file(), &self.ca).unwrap();
        self.log_in_again(&made.operator_token).await;
        self.made = Some(made);
    }

    /// Logs an operator in with a bootstrap token.
    pub async fn log_in_again(&mut self, bootstrap_token: &str) {
        let key = Key::make();
        let caller = self.caller().key(&key).connect().await;
        let request = RedeemBootstrapTokenRequest { bootstrap_token: bootstrap_token.to_owned() };
        let token = AuthServiceClient::new(caller.client()).redeem_bootstrap_token(request).await;
        let token = token.expect("the operator logs in").into_inner().token.unwrap();
        self.operator = Some((key, token.token));
    }

    /// What `Initialize` answered.
    pub fn made(&self) -> &InitializeResponse {
        self.made.as_ref().expect("the broker was initialised")
    }

    /// Where the API is served.
    pub fn addr(&self) -> SocketAddr {
        self.running().api
    }

    /// The same as the command line takes it.
    pub fn url(&self) -> String {
        format!("https://{}", self.addr())
    }

    /// Where metrics and health are served.
    pub fn ops_addr(&self) -> SocketAddr {
        self.running().ops
    }

    /// The authority of its certificate, PEM.
    pub fn ca_pem(&self) -> &str {
        &self.ca
    }

    /// The same as a file.
    pub fn ca_file(&self) -> PathBuf {
        self.folder().join("ca.pem")
    }

    /// Where it keeps everything.
    pub fn folder(&self) -> &Path {
        self.setup.folder()
    }

    /// The stations, for what cannot be reached over the API.
    pub fn pipeline(&self) -> &Arc<Pipeline> {
        &self.running().pipeline
    }

    /// A caller over TLS, by default nobody.
    pub fn caller(&self) -> Caller {
        Caller::over_tls(self.addr(), self.ca.clone())
    }

    /// The daemon's own user on the unix socket.
    pub async fn socket(&self) -> Caller {
        let socket = self.setup.config.socket.clone().expect("a socket is served");
        Caller::over_socket(socket).connect().await
    }

    /// The first operator, over a connection of its own.
    pub async fn operator(&self) -> Caller {
        let (key, token) = self.operator_proof();
        self.caller().key(key).token(token).connect().await
    }

    /// The first operator's key and token.
    pub fn operator_proof(&self) -> (&Key, &str) {
        let (key, token) = self.operator.as_ref().expect("the broker was initialised");
        (key, token)
    }

    /// Commits control entries of the tenant `main` past the API.
    pub async fn commit(&self, fill: impl FnOnce(&mut Changes, TenantId)) {
        let world = self.pipeline().lifecycle().world().expect("the broker is open");
        let main = world.main_tenant();
        let mut changes = Changes::new();
        fill(&mut changes, main);
        changes.based_on(main, world.vault.counter(main));
        world.vault.commit(changes).await.expect("the commit is taken");
    }

    /// Replaces the configured certificate while the broker runs; callers trust its authority from now on.
    pub fn served_anew_by(&mut self, ca: &TestCa) {
        write_certificate(&self.setup.certificate_files(), &ca.server(&[]));
        self.ca = ca.pem().to_owned();
    }

    /// Stops it in order and starts it again at the same address with the same store.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.start_again().await;
    }

    /// Stops it in order.
    pub async fn stop(&mut self) {
        let running = self.running.take().expect("the broker runs");
        tokio::task::spawn_blocking(move || running.stop()).await.unwrap();
    }

    /// Other settings, for the next start.
    pub fn reconfigure(&mut self, change: impl FnOnce(&mut Config)) {
        change(&mut self.setup.config);
    }

    /// Starts one that was stopped.
    pub async fn start_again(&mut self) {
        assert!(self.running.is_none(), "the broker was stopped");
        self.running = Some(Running::start(&self.setup.config, &self.setup.clock).await);
    }

    fn running(&self) -> &Running {
        self.running.as_ref().expect("the broker runs")
    }
}

fn write_certificate(files: &CertificateFiles, (certificate, key): &(String, String)) {
    std::fs::write(&files.certificate, certificate).unwrap();
    std::fs::write(&files.key, key).unwrap();
    std::fs::set_permissions(&files.key, std::fs::Permissions::from_mode(0o600)).unwrap();
}

struct Running {
    api: SocketAddr,
    ops: SocketAddr,
    pipeline: Arc<Pipeline>,
    shutdown: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Running {
    async fn start(config: &Config, clock: &SharedClock) -> Self {
        let (config, clock) = (config.clone(), clock.clone());
        let (shutdown, stop) = oneshot::channel::<()>();
        let (started, ready) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            runtime.block_on(async {
                let app = match App::build(config, clock).await {
                    Ok(app) => app,
                    Err(error) => panic!("the broker is put together: {error}"),
                };
                let facts = (app.api_addr().unwrap(), app.ops_addr().unwrap(), app.pipeline().clone());
                // Whoever started it may be gone, and then the sender of `stop` as well.
                let _gone = started.send(facts);
                let stopped = app.run(async { stop.await.unwrap_or(()) }).await;
                if let Err(error) = stopped {
                    panic!("the broker stops in order: {error}");
                }
            });
        });
        let (api, ops, pipeline) = ready.await.expect("the broker starts");
        let lifecycle = pipeline.lifecycle();
        wait_until("the broker opens, or says why not", async || {
            lifecycle.state().await.unwrap() != SealState::Sealed || lifecycle.reason(None).is_some()
        })
        .await;
        Self { api, ops, pipeline, shutdown, thread }
    }

    fn stop(self) {
        canary::search("the metrics", &metrics(self.ops));
        let Self { pipeline, shutdown, thread, .. } = self;
        drop(pipeline);
        // It may have stopped by itself; the thread says why.
        let _gone = shutdown.send(());
        thread.join().expect("the broker stops in order");
    }
}

/// What the daemon counts, read as a blocking client does.
fn metrics(ops: SocketAddr) -> Vec<u8> {
    use std::io::{Read, Write};
    let mut answer = Vec::new();
    let mut stream = std::net::TcpStream::connect(ops).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.0\r\nhost: localhost\r\n\r\n").unwrap();
    stream.read_to_end(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.0 200"), "{}", String::from_utf8_lossy(&answer));
    answer
}

impl Drop for Broker {
    fn drop(&mut self) {
        let Some(running) = self.running.take() else { return };
        if std::thread::panicking() {
            return;
        }
        running.stop();
        canary::search_folder("the broker's audit log", &self.setup.config.audit.folder);
        if let StorageConfig::Embedded(store) = &self.setup.config.storage {
            canary::search("the broker's store", &std::fs::read(store).unwrap());
        }
        canary::nothing_found();
    }
}
