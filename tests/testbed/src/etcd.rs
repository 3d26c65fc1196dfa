//! A real etcd of one member.

use std::path::Path;
use std::process::Command;

use data_encoding::BASE64;
use tempfile::TempDir;

use crate::{Process, Tool, bin, free_ports, http};

/// A running etcd. Its data lives as long as the handle, over any number of restarts.
#[derive(Debug)]
pub struct Etcd {
    dir: TempDir,
    client: u16,
    peer: u16,
    process: Option<Process>,
}

impl Etcd {
    /// Starts an empty one and waits until it serves.
    ///
    /// # Panics
    /// When it does not come up.
    pub async fn start() -> Self {
        let [client, peer] = free_ports();
        let mut etcd =
            Self { dir: TempDir::with_prefix("etcd-").expect("a temporary folder"), client, peer, process: None };
        etcd.restart().await;
        etcd
    }

    /// Starts it again on the same ports and data, after [`Self::stop`] or [`Self::kill`], or as it runs.
    pub async fn restart(&mut self) {
        self.process = None;
        let (client, peer) = (self.endpoint(), format!("http://127.0.0.1:{}", self.peer));
        let data = self.dir.path().join("data");
        let args = [
            "--name=testbed".to_owned(),
            format!("--data-dir={}", data.display()),
            format!("--listen-client-urls={client}"),
            format!("--advertise-client-urls={client}"),
            format!("--listen-peer-urls={peer}"),
            format!("--initial-advertise-peer-urls={peer}"),
            format!("--initial-cluster=testbed={peer}"),
            "--log-level=warn".to_owned(),
            "--unsafe-no-fsync".to_owned(),
        ];
        let mut process = Process::start("etcd", &bin(Tool::Etcd), args, &self.dir.path().join("etcd.log"));
        let health = format!("{client}/health");
        process
            .wait_ready("its health", async || {
                http::get(&health).send().await.is_ok_and(|reply| reply.status == 200 && reply.text().contains("true"))
            })
            .await;
        self.process = Some(process);
    }

    /// `http://127.0.0.1:PORT` for clients.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.client)
    }

    /// The port for clients.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.client
    }

    /// Where its data lies.
    #[must_use]
    pub fn data_dir(&self) -> std::path::PathBuf {
        self.dir.path().join("data")
    }

    /// Its log file.
    #[must_use]
    pub fn log_path(&self) -> std::path::PathBuf {
        self.dir.path().join("etcd.log")
    }

    /// The value under `key`, byte for byte as etcd holds it.
    ///
    /// # Panics
    /// When there is none.
    pub async fn get_raw(&self, key: &str) -> Vec<u8> {
        let mut found = self.range(&[key]).await;
        assert!(!found.is_empty(), "etcd holds no key {key}");
        found.remove(0).1
    }

    /// Keys under `prefix` with their values, in order.
    pub async fn get_prefix(&self, prefix: &str) -> Vec<(String, Vec<u8>)> {
        self.range(&[prefix, "--prefix"]).await
    }

    /// Puts `value` under `key`, past whoever owns it.
    pub async fn put_raw(&self, key: &str, value: &[u8]) {
        let body = serde_json::json!({ "key": BASE64.encode(key.as_bytes()), "value": BASE64.encode(value) });
        let reply =
            http::post(&format!("{}/v3/kv/put", self.endpoint())).json(&body).send().await.expect("etcd answers");
        assert_eq!(reply.status, 200, "{}", reply.text());
    }

    async fn range(&self, args: &[&str]) -> Vec<(String, Vec<u8>)> {
        let mut command = tokio::process::Command::from(Command::new(bin(Tool::Etcdctl)));
        command.arg(format!("--endpoints={}", self.endpoint())).args(["get", "--write-out=json"]).args(args);
        let output = command.kill_on_drop(true).output().await.expect("etcdctl runs");
        assert!(output.status.success(), "etcdctl get: {}", String::from_utf8_lossy(&output.stderr));
        let reply: serde_json::Value = serde_json::from_slice(&output.stdout).expect("etcdctl prints JSON");
        let decode = |item: &serde_json::Value| BASE64.decode(item.as_str().unwrap_or("").as_bytes()).expect("base64");
        reply["kvs"].as_array().map_or_else(Vec::new, |items| {
            items
                .iter()
                .map(|item| (String::from_utf8_lossy(&decode(&item["key"])).into_owned(), decode(&item["value"])))
                .collect()
        })
    }

    /// Stops it as an operator would; data and ports are kept.
    pub async fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.stop().await;
        }
    }

    /// Kills it (SIGKILL); data and ports are kept.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// The folder of data and log.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }
}
