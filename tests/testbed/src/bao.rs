//! A real OpenBao in development mode: the peer that Keyward is compared with.

use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::{Process, Tool, bin, free_ports, http};

/// A running `bao server -dev`.
#[derive(Debug)]
pub struct Bao {
    url: String,
    process: Process,
    _dir: TempDir,
}

impl Bao {
    /// Its root token.
    pub const TOKEN: &str = "testbed-root";

    /// Starts one, unsealed, with everything in memory.
    ///
    /// # Panics
    /// When it does not come up.
    pub async fn dev_start() -> Self {
        let [port, cluster] = free_ports();
        let dir = TempDir::with_prefix("bao-").expect("a temporary folder");
        let mut command = Command::new(bin(Tool::Bao));
        command.args(["server", "-dev", "-dev-no-store-token", "-log-level=warn"]);
        command.arg(format!("-dev-root-token-id={}", Self::TOKEN));
        command.arg(format!("-dev-listen-address=127.0.0.1:{port}"));
        command.env("HOME", dir.path()).env("BAO_CLUSTER_ADDR", format!("https://127.0.0.1:{cluster}"));
        let mut process = Process::start_command("bao", command, &dir.path().join("bao.log"));
        let url = format!("http://127.0.0.1:{port}");
        let health = format!("{url}/v1/sys/health");
        process
            .wait_ready("/v1/sys/health", async || {
                http::get(&health).send().await.is_ok_and(|reply| reply.status == 200)
            })
            .await;
        Self { url, process, _dir: dir }
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its process id, to measure it.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// POST to `/v1/PATH` with the root token.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn write(&self, path: &str, body: Value) -> Value {
        let call = http::post(&format!("{}/v1/{path}", self.url)).header("x-vault-token", Self::TOKEN).json(&body);
        let reply = call.send().await.expect("bao answers");
        assert!(reply.status < 300, "{path}: {} {}", reply.status, reply.text());
        if reply.body.is_empty() { Value::Null } else { reply.json() }
    }
}
