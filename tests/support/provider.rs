//! The KMS provider of a control-plane node, joined and served as its program does it, on a thread of its own.

use std::{path::PathBuf, thread::JoinHandle};

use keyward_kube_kms::{app::App, cli::run_join, settings};
use keyward_sdk::time::SystemClock;
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::{broker::Broker, canary, cli::Keyward};

/// A node of a cluster.
pub struct Provider {
    cluster: String,
    folder: TempDir,
    config: settings::Config,
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl Provider {
    /// Registers the cluster, gets a join token for one node from the command line, joins, and serves.
    pub async fn of_new_cluster(broker: &Broker, cluster: &str, args: &[&str]) -> Self {
        let operator = Keyward::operator(broker);
        operator.ok(&[&["cluster", "register", cluster], args].concat());
        let mut this = Self::new(cluster);
        this.join(broker).await;
        this.start().await;
        this
    }

    /// Settings of a node, nothing done yet.
    pub fn new(cluster: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let (state, socket) = (folder.path().join("state"), folder.path().join("@kms.sock"));
        let text = format!(
            "state_dir = \"{}\"\n[ops]\nlisten = \"\"\n[[cluster]]\nname = \"{cluster}\"\nsocket = \"{}\"\n",
            state.display(),
            socket.display()
        );
        let config = settings::parse(&text, &folder.path().join("kube-kms.toml")).expect("the settings are good");
        Self { cluster: cluster.to_owned(), folder, config, running: None }
    }

    /// Joins with a token of the command line.
    pub async fn join(&self, broker: &Broker) {
        let endpoint = broker.addr().to_string();
        let token = Keyward::operator(broker).ok(&["cluster", "join-token", &self.cluster, "--endpoint", &endpoint]);
        let joined = self.join_with(token.trim()).await.expect("the node joins");
        assert!(joined.contains(&self.cluster), "{joined}");
    }

    /// Joins with a token.
    pub async fn join_with(&self, token: &str) -> Result<String, String> {
        use std::os::unix::fs::PermissionsExt;
        let file = self.folder.path().join("join-token");
        std::fs::write(&file, token).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        let joined = run_join(&self.config, &file).await;
        std::fs::remove_file(&file).unwrap();
        joined
    }

    /// Serves.
    pub async fn start(&mut self) {
        let (stop, stopped) = oneshot::channel::<()>();
        let (tell, started) = oneshot::channel();
        let config = self.config.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let app = App::build(config, SystemClock::shared()).await.expect("the provider is put together");
                // Whoever started it may be gone.
                let _gone = tell.send(());
                app.run(async { stopped.await.unwrap_or(()) }).await.expect("the provider stops in order");
            });
        });
        started.await.expect("the provider starts");
        self.running = Some((stop, thread));
    }

    /// Stops it in order.
    pub async fn stop(&mut self) {
        let (stop, thread) = self.running.take().expect("the provider runs");
        let _gone = stop.send(());
        tokio::task::spawn_blocking(move || thread.join().expect("the provider stops in order")).await.unwrap();
    }

    /// What the API server's settings say.
    pub fn endpoint(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    /// The socket.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("@kms.sock")
    }

    /// Where key, certificate and keyset lie.
    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// The name of its cluster.
    pub fn cluster(&self) -> &str {
        &self.cluster
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let Some((stop, thread)) = self.running.take() else { return };
        let _gone = stop.send(());
        if !std::thread::panicking() {
            thread.join().expect("the provider stops in order");
            canary::nothing_found();
        }
    }
}
