//! The real daemon, a process of its own, set up with the real command line.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

use keyward_testbed::{Process, free_ports, http, wait_until};
use rustix::process::Signal;
use tempfile::TempDir;

use super::{caller::Caller, canary, cli::Keyward};

/// A running `keyward server`, initialised and with its first operator logged in.
pub struct Daemon {
    folder: TempDir,
    api: SocketAddr,
    ops: SocketAddr,
    process: Process,
    operator: Keyward,
    env: Vec<(String, String)>,
    /// What was shown once: the bootstrap token and shares.
    pub shown: Vec<String>,
}

/// What a daemon will be like.
pub struct Wanted<'a> {
    /// Settings beside where everything is.
    pub settings: &'a str,
    /// Variables.
    pub env: &'a [(&'a str, &'a str)],
    /// The key files that open it, each alone.
    pub keys: &'a [&'a str],
}

impl Default for Wanted<'_> {
    fn default() -> Self {
        Self { settings: "[log]\nlevel = \"trace\"\n", env: &[], keys: &["seal.key"] }
    }
}

impl Daemon {
    /// Starts one, its log at trace level.
    pub async fn start() -> Self {
        Self::start_as(&Wanted::default()).await
    }

    /// Starts one.
    pub async fn start_as(wanted: &Wanted<'_>) -> Self {
        canary::watch();
        let folder = TempDir::new().unwrap();
        let [api, ops] = free_ports::<2>().map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let dir = folder.path().display();
        let settings = format!(
            "[listen]\napi = \"{api}\"\nops = \"{ops}\"\nsocket = \"{dir}/keyward.sock\"\n[storage]\npath = \"{dir}/keyward.store\"\n\
             [audit]\nfolder = \"{dir}/audit\"\n{}",
            wanted.settings
        );
        std::fs::write(folder.path().join("keyward.toml"), settings).unwrap();
        let env: Vec<_> = wanted.env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let process = run(folder.path(), &env);
        let mut this = Self { folder, api, ops, process, operator: Keyward::alone(), env, shown: Vec::new() };
        let socket = this.folder().join("keyward.sock");
        this.process.wait_ready("its socket", async || std::os::unix::net::UnixStream::connect(&socket).is_ok()).await;
        this.initialize(wanted.keys).await;
        this
    }

    async fn initialize(&mut self, keys: &[&str]) {
        let local = Keyward::alone().with("KEYWARD_ADDR", &format!("unix://{}/keyward.sock", self.folder().display()));
        let members = keys
            .iter()
            .flat_map(|name| ["--member".to_owned(), format!("key-file:{}/{name}", self.folder().display())]);
        let args: Vec<_> = ["operator".to_owned(), "init".to_owned()].into_iter().chain(members).collect();
        let made = local.json(&args.iter().map(String::as_str).collect::<Vec<_>>());
        std::fs::write(self.ca_file(), made["ca_certificate"].as_str().unwrap()).unwrap();
        let token = made["operator_token"].as_str().unwrap();
        self.shown.push(token.to_owned());
        let operator = Keyward::alone();
        let operator =
            operator.with("KEYWARD_ADDR", &self.url()).with("KEYWARD_CA_CERT", &self.ca_file().display().to_string());
        operator.run_with(&["operator", "login"], &format!("{token}\n")).ok();
        self.operator = operator;
    }

    /// The first operator's command line.
    pub fn operator(&self) -> &Keyward {
        &self.operator
    }

    /// Somebody else's.
    pub fn nobody(&self) -> Keyward {
        let nobody = Keyward::alone().with("KEYWARD_ADDR", &self.url());
        nobody.with("KEYWARD_CA_CERT", &self.ca_file().display().to_string())
    }

    /// A caller over TLS, by default nobody.
    pub fn caller(&self) -> Caller {
        Caller::over_tls(self.api, std::fs::read_to_string(self.ca_file()).unwrap())
    }

    /// Where the API is served.
    pub fn addr(&self) -> SocketAddr {
        self.api
    }

    /// The same as the command line takes it.
    pub fn url(&self) -> String {
        format!("https://{}", self.api)
    }

    /// Where metrics and health are served.
    pub fn ops_addr(&self) -> SocketAddr {
        self.ops
    }

    /// The authority of its certificate.
    pub fn ca_file(&self) -> PathBuf {
        self.folder().join("ca.pem")
    }

    /// Where everything lies.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// The same, to wait for what it does.
    pub fn process_mut(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Kills it (SIGKILL) and starts it again.
    pub async fn kill_and_restart(&mut self) {
        self.process.signal(Signal::KILL);
        self.process.kill();
        self.start_again();
        self.wait_open().await;
    }

    /// Starts one that has ended.
    pub fn start_again(&mut self) {
        self.process = run(self.folder(), &self.env);
    }

    /// Waits until it has logged something.
    pub async fn wait_logged(&self, text: &str) {
        wait_until(&format!("`{text}` is logged"), async || self.process.log().contains(text)).await;
    }

    /// A caller on the socket: the daemon's own user.
    pub async fn socket(&self) -> Caller {
        Caller::over_socket(self.folder().join("keyward.sock")).connect().await
    }

    /// What it counts.
    pub async fn metrics(&self) -> String {
        let reply = http::get(&format!("http://{}/metrics", self.ops)).send().await.unwrap();
        assert_eq!(reply.status, 200);
        reply.text().to_string()
    }

    /// Waits until it serves the operator.
    pub async fn wait_open(&self) {
        wait_until("the daemon is open", async || self.operator.run(&["token", "whoami"]).status.success()).await;
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        self.process.kill();
        for name in ["audit", "keyward.store", "server.pem", "log"] {
            let path = self.folder().join(name);
            if path.is_dir() {
                canary::search_folder("the daemon's folder", &path);
            } else {
                canary::search(&format!("the daemon's {name}"), &std::fs::read(&path).unwrap());
            }
        }
        canary::nothing_found();
    }
}

fn run(folder: &Path, env: &[(String, String)]) -> Process {
    let mut command = Command::new(Keyward::program());
    command.args(["server", "--config"]).arg(folder.join("keyward.toml"));
    command.envs(env.iter().map(|(name, value)| (name, value)));
    Process::start_command("keyward server", command, &folder.join("log"))
}
