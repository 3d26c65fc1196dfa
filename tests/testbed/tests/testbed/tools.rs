//! Tools are there, or the test fails.

use std::process::Command;

use keyward_testbed::{Tool, bin, checkout};
use tempfile::TempDir;

#[test]
fn a_missing_tool_fails_and_names_the_command_that_builds_it() {
    let empty = TempDir::new().unwrap();
    let asked = Command::new(checkout().join("tests/testbed/setup/setup"))
        .args(["path", "kube-apiserver"])
        .env("XDG_CACHE_HOME", empty.path())
        .output()
        .unwrap();
    assert!(!asked.status.success() && asked.stdout.is_empty());
    let said = String::from_utf8_lossy(&asked.stderr).into_owned();
    assert!(said.contains("run: tests/testbed/setup/setup kubernetes"), "{said}");
}

#[test]
fn the_servers_are_of_the_versions_that_are_promised() {
    for (tool, arg, version) in [
        (Tool::KubeApiserver, "--version", "Kubernetes v1.36.3"),
        (Tool::Kubectl, "version", "v1.36.3"),
        (Tool::Etcd, "--version", "3.6.8"),
        (Tool::Etcdctl, "version", "3.6.8"),
        (Tool::Bao, "version", "OpenBao v2.7.2"),
        (Tool::Buf, "--version", "1.75.0"),
    ] {
        let client = if tool == Tool::Kubectl { vec![arg, "--client"] } else { vec![arg] };
        let output = Command::new(bin(tool)).args(client).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(said.contains(version), "{tool:?}: {said}");
    }
}
