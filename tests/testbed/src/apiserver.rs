//! A real kube-apiserver: Secrets, service accounts, TokenRequest, TokenReview and RBAC, without kubelet or controllers.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::{Etcd, Process, TestCa, Tool, bin, free_port, http};

/// How a [`Apiserver`] is started.
#[derive(Clone, Debug, Default)]
pub struct ApiserverOptions {
    /// `--encryption-provider-config`, reloaded by the server when it changes.
    pub encryption_config: Option<PathBuf>,
    /// Further flags, as they are.
    pub extra_args: Vec<String>,
    /// Whether [`Apiserver::start`] returns before `/readyz` is ok: for a server whose KMS provider is not there yet.
    pub without_waiting: bool,
}

/// What a command line answered.
#[derive(Debug)]
pub struct Output {
    /// Whether it ended with status 0.
    pub ok: bool,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// A running kube-apiserver on an [`Etcd`].
#[derive(Debug)]
pub struct Apiserver {
    dir: TempDir,
    port: u16,
    ca: TestCa,
    etcd: String,
    options: ApiserverOptions,
    process: Option<Process>,
}

const ADMIN_TOKEN: &str = "testbed-admin-token";

impl Apiserver {
    /// Starts one and, unless told otherwise, waits until it is ready.
    ///
    /// # Panics
    /// When it does not come up.
    pub async fn start(etcd: &Etcd, options: ApiserverOptions) -> Self {
        let dir = TempDir::with_prefix("apiserver-").expect("a temporary folder");
        let ca = TestCa::new("testbed cluster");
        let (certificate, key) = ca.server(&["kubernetes.default.svc"]);
        let service_account_key = rcgen::KeyPair::generate().expect("a key");
        let file = |name: &str, text: &str| fs::write(dir.path().join(name), text).expect("the file can be written");
        file("ca.crt", ca.pem());
        file("tls.crt", &certificate);
        file("tls.key", &key);
        file("sa.key", &service_account_key.serialize_pem());
        file("sa.pub", &service_account_key.public_key_pem());
        file("tokens.csv", &format!("{ADMIN_TOKEN},admin,1,\"system:masters\"\n"));
        let mut server = Self { dir, port: free_port(), ca, etcd: etcd.endpoint(), options, process: None };
        file_kubeconfig(&server);
        server.restart().await;
        server
    }

    /// Starts it again on the same port and keys, after [`Self::stop`] or [`Self::kill`], or as it runs.
    pub async fn restart(&mut self) {
        self.process = None;
        let path = |name: &str| self.dir.path().join(name).display().to_string();
        let mut args = vec![
            format!("--etcd-servers={}", self.etcd),
            format!("--secure-port={}", self.port),
            "--bind-address=127.0.0.1".to_owned(),
            "--advertise-address=127.0.0.1".to_owned(),
            "--endpoint-reconciler-type=none".to_owned(),
            format!("--cert-dir={}", path("certs")),
            format!("--tls-cert-file={}", path("tls.crt")),
            format!("--tls-private-key-file={}", path("tls.key")),
            "--service-cluster-ip-range=10.0.0.0/24".to_owned(),
            format!("--service-account-issuer={}", self.url()),
            format!("--service-account-jwks-uri={}/openid/v1/jwks", self.url()),
            format!("--service-account-key-file={}", path("sa.pub")),
            format!("--service-account-signing-key-file={}", path("sa.key")),
            format!("--token-auth-file={}", path("tokens.csv")),
            "--authorization-mode=RBAC".to_owned(),
            "--watch-cache=true".to_owned(),
        ];
        if let Some(config) = &self.options.encryption_config {
            args.push(format!("--encryption-provider-config={}", config.display()));
            args.push("--encryption-provider-config-automatic-reload=true".to_owned());
        }
        args.extend(self.options.extra_args.iter().cloned());
        let log = self.dir.path().join("apiserver.log");
        self.process = Some(Process::start("kube-apiserver", &bin(Tool::KubeApiserver), args, &log));
        if !self.options.without_waiting {
            self.wait_ready().await;
        }
    }

    /// Waits until `/readyz` is ok.
    ///
    /// # Panics
    /// When it does not get so, with the tail of the log.
    pub async fn wait_ready(&mut self) {
        let url = format!("{}/readyz", self.url());
        let ca = self.ca.pem().to_owned();
        let process = self.process.as_mut().expect("the server was started");
        process
            .wait_ready("/readyz", async || {
                let call = http::get(&url).bearer(ADMIN_TOKEN).ca(&ca);
                call.send().await.is_ok_and(|reply| reply.status == 200)
            })
            .await;
    }

    /// GET of `path` as the administrator.
    ///
    /// # Errors
    /// What went wrong below HTTP.
    pub async fn get(&self, path: &str) -> Result<http::Reply, String> {
        http::get(&format!("{}{path}", self.url())).bearer(ADMIN_TOKEN).ca(self.ca.pem()).send().await
    }

    /// `https://127.0.0.1:PORT`; also the issuer of its service account tokens.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// The token of the administrator.
    #[must_use]
    pub fn admin_token(&self) -> &'static str {
        ADMIN_TOKEN
    }

    /// The certificate authority of its serving certificate.
    #[must_use]
    pub fn ca_path(&self) -> PathBuf {
        self.dir.path().join("ca.crt")
    }

    /// A kubeconfig of the administrator.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.dir.path().join("kubeconfig")
    }

    /// The folder of its files and log.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// All it logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.dir.path().join("apiserver.log")).unwrap_or_default()).into_owned()
    }

    /// Runs kubectl as the administrator.
    ///
    /// # Panics
    /// When kubectl cannot be started; its own failure is in the answer.
    pub async fn try_kubectl(&self, args: &[&str]) -> Output {
        let mut command = tokio::process::Command::from(Command::new(bin(Tool::Kubectl)));
        command.arg(format!("--kubeconfig={}", self.kubeconfig().display()));
        command.arg(format!("--cache-dir={}", self.dir.path().join("kubectl").display())).args(args);
        let output = command.kill_on_drop(true).output().await.expect("kubectl runs");
        Output {
            ok: output.status.success(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Runs kubectl as the administrator and gives its standard output.
    ///
    /// # Panics
    /// When kubectl fails.
    pub async fn kubectl(&self, args: &[&str]) -> String {
        let output = self.try_kubectl(args).await;
        assert!(output.ok, "kubectl {}: {}", args.join(" "), output.stderr);
        output.stdout
    }

    /// Stops it as an operator would.
    pub async fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.stop().await;
        }
    }

    /// Kills it (SIGKILL).
    pub fn kill(&mut self) {
        self.process = None;
    }
}

fn file_kubeconfig(server: &Apiserver) {
    let config = serde_json::json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": "testbed", "cluster": {
            "server": server.url(), "certificate-authority": server.ca_path() } }],
        "users": [{ "name": "admin", "user": { "token": ADMIN_TOKEN } }],
        "contexts": [{ "name": "testbed", "context": { "cluster": "testbed", "user": "admin" } }],
        "current-context": "testbed",
    });
    fs::write(server.kubeconfig(), config.to_string()).expect("the kubeconfig can be written");
}
