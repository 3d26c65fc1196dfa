//! A real OpenBao server as one would run it: integrated storage on disk, unsealed, an audit file. Over plain HTTP, while
//! Keyward pays for TLS.

use std::{fs, net::SocketAddr, path::Path, process::Command};

use bytes::Bytes;
use keyward_testbed::{Process, Tool, bin, free_ports, http, wait_until};
use serde_json::{Value, json};

use super::NAME;
use crate::{load::HttpTarget, measure::Measured};

/// With which token OpenBao is asked.
#[derive(Clone, Copy)]
pub(crate) enum As {
    /// One whose policy allows just what is asked: what Keyward does as well. A batch token, the quickest kind.
    Job,
    /// The root token, for which no policy is asked at all.
    Root,
}

/// A running `bao server`.
pub(crate) struct OpenBao {
    address: SocketAddr,
    root: String,
    token: String,
    process: Process,
}

impl OpenBao {
    /// Starts one with a transit key.
    pub(crate) async fn start(folder: &Path) -> Self {
        let [api, cluster] = free_ports::<2>().map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let dir = folder.display();
        let settings = format!(
            "storage \"raft\" {{\n  path = \"{dir}/data\"\n  node_id = \"{NAME}\"\n}}\n\
             listener \"tcp\" {{\n  address = \"{api}\"\n  tls_disable = true\n}}\n\
             audit \"file\" \"file\" {{\n  options {{\n    file_path = \"{dir}/audit.log\"\n  }}\n}}\n\
             api_addr = \"http://{api}\"\ncluster_addr = \"https://{cluster}\"\nlog_level = \"error\"\n"
        );
        fs::create_dir(folder.join("data")).expect("the folder can be made");
        let file = folder.join("bao.hcl");
        fs::write(&file, settings).expect("the settings can be written");
        let mut command = Command::new(bin(Tool::Bao));
        command.arg("server").arg(format!("-config={}", file.display())).env("HOME", folder);
        let mut process = Process::start_command("bao", command, &folder.join("bao.out"));
        let up = format!("http://{api}/v1/sys/seal-status");
        process.wait_ready("an answer", async || http::get(&up).send().await.is_ok_and(|r| r.status == 200)).await;
        let mut this = Self { address: api, root: String::new(), token: String::new(), process };
        this.set_up().await;
        this
    }

    async fn set_up(&mut self) {
        let made = self.write("sys/init", json!({ "secret_shares": 1, "secret_threshold": 1 })).await;
        let text = |at: &str| made.pointer(at).and_then(Value::as_str).expect("it is said").to_owned();
        self.root = text("/root_token");
        self.write("sys/unseal", json!({ "key": text("/keys/0") })).await;
        let health = format!("http://{}/v1/sys/health", self.address);
        wait_until("bao leads", async || http::get(&health).send().await.is_ok_and(|reply| reply.status == 200)).await;
        self.write("sys/mounts/transit", json!({ "type": "transit" })).await;
        self.write(&format!("transit/keys/{NAME}"), json!({ "type": "aes256-gcm96" })).await;
        let path = |what: &str| format!("path \"transit/{what}/{NAME}\" {{ capabilities = [\"update\"] }}\n");
        let policy = [path("encrypt"), path("decrypt")].concat();
        self.write(&format!("sys/policies/acl/{NAME}"), json!({ "policy": policy })).await;
        let made = self.write("auth/token/create", json!({ "policies": [NAME], "type": "batch", "ttl": "24h" })).await;
        self.token = made.pointer("/auth/client_token").and_then(Value::as_str).expect("a token").to_owned();
        let audits = format!("http://{}/v1/sys/audit", self.address);
        let audits = http::get(&audits).header("x-vault-token", &self.root).send().await.expect("bao answers");
        assert!(audits.text().contains("file/"), "the audit file is on: {}", audits.text());
    }

    /// POST to `/v1/PATH` as root.
    async fn write(&self, path: &str, body: Value) -> Value {
        let call = http::post(&format!("http://{}/v1/{path}", self.address));
        let reply = call.header("x-vault-token", &self.root).json(&body).send().await.expect("bao answers");
        assert!(reply.status < 300, "{path}: {} {}", reply.status, reply.text());
        if reply.body.is_empty() { Value::Null } else { reply.json() }
    }

    /// Asks the transit engine to `what` (encrypt, decrypt); `expect` is in a right answer.
    pub(crate) fn transit(&self, who: As, what: &str, body: &Value, expect: &str) -> HttpTarget {
        let token = match who {
            As::Job => &self.token,
            As::Root => &self.root,
        };
        HttpTarget {
            address: self.address,
            path: format!("/v1/transit/{what}/{NAME}"),
            token: token.clone(),
            body: Bytes::from(body.to_string()),
            expect: expect.to_owned(),
        }
    }

    /// Its process.
    pub(crate) fn measured(&self) -> Measured {
        Measured(self.process.id())
    }
}
