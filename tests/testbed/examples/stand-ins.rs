//! Servers for `tests/demo/run`, each until this program ends.
//!
//!   stand-ins ci DIR              what a CI system does for its jobs: DIR/jwks.json, DIR/iss, DIR/ca.pem, and for jobs of
//!                                 two repositories DIR/shop.env and DIR/mallory.env
//!   stand-ins cluster DIR CONFIG  etcd and a kube-apiserver with this EncryptionConfiguration: DIR/kubeconfig, DIR/etcd
//!
//! `DIR/ready` is written last.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "fails with what is wrong"
)]
#![allow(clippy::disallowed_methods, reason = "settings are the demo's own")]

use std::{fs, future::pending, path::Path};

use keyward_testbed::{Apiserver, ApiserverOptions, CiTokens, Etcd};
use serde_json::json;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let args: Vec<String> = std::env::args().collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[1..] {
        ["ci", dir] => ci(Path::new(dir)).await,
        ["cluster", dir, config] => cluster(Path::new(dir), Path::new(config)).await,
        _ => panic!("stand-ins ci DIR | cluster DIR CONFIG"),
    }
}

async fn ci(dir: &Path) {
    let ci = CiTokens::start().await;
    let write = |name: &str, text: &str| fs::write(dir.join(name), text).unwrap();
    write("jwks.json", &ci.jwks().to_string());
    write("iss", ci.issuer());
    write("ca.pem", ci.ca_pem());
    for (name, repository) in [("shop", "acme/shop"), ("mallory", "mallory/shop")] {
        let env = ci.gitlab_env(json!({ "project_path": repository }));
        let lines: Vec<String> = env.iter().map(|(name, value)| format!("export {name}='{value}'")).collect();
        write(&format!("{name}.env"), &format!("{}\n", lines.join("\n")));
    }
    write("ready", "");
    pending().await
}

async fn cluster(dir: &Path, config: &Path) {
    let etcd = Etcd::start().await;
    let options = ApiserverOptions { encryption_config: Some(config.to_owned()), ..ApiserverOptions::default() };
    let apiserver = Apiserver::start(&etcd, options).await;
    fs::copy(apiserver.kubeconfig(), dir.join("kubeconfig")).unwrap();
    fs::write(dir.join("etcd"), etcd.endpoint()).unwrap();
    fs::write(dir.join("ready"), "").unwrap();
    pending().await
}
