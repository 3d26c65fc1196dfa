//! The settings of the Kubernetes provider.

use std::path::Path;

use keyward_kube_kms::settings::parse;

use crate::support::texts;

pub(super) fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match parse(text, Path::new("kube-kms.toml")) {
        Ok(config) => assert!(!config.clusters.is_empty()),
        Err(problems) => assert!(problems.to_string().contains("kube-kms.toml"), "a problem does not name its file"),
    }
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    texts(&[
        "",
        "[[cluster]]\nname = \"prod\"\n",
        "state_dir = \"/var/lib/x\"\nshutdown_grace = \"10s\"\n[ops]\nlisten = \"127.0.0.1:9\"\n[[cluster]]\nname = \"prod\"\nsocket = \"/run/k.sock\"\nmode = \"remote\"\nremote_timeout = \"2s\"\n",
    ])
}
