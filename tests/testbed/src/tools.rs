//! Where the tools are that `setup` built.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock};

/// A program that `tests/testbed/setup/setup` brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tool {
    /// OpenBao, server and command line.
    Bao,
    /// The linter of .proto files.
    Buf,
    /// etcd, the server.
    Etcd,
    /// etcd's command line.
    Etcdctl,
    /// The Kubernetes API server's own KMS v2 client, as of 1.31.
    KmsClient031,
    /// The Kubernetes API server's own KMS v2 client, as of 1.36.
    KmsClient036,
    /// The Kubernetes API server.
    KubeApiserver,
    /// The Kubernetes command line.
    Kubectl,
    /// The OpenID provider of npm `oidc-provider`.
    OidcProvider,
}

impl Tool {
    /// The program's name as `setup path` knows it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bao => "bao",
            Self::Buf => "buf",
            Self::Etcd => "etcd",
            Self::Etcdctl => "etcdctl",
            Self::KmsClient031 => "kms-client-v0.31",
            Self::KmsClient036 => "kms-client-v0.36",
            Self::KubeApiserver => "kube-apiserver",
            Self::Kubectl => "kubectl",
            Self::OidcProvider => "oidc-provider",
        }
    }
}

/// The root of the checkout.
#[must_use]
pub fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the checkout is there")
}

/// The path of `tool`.
///
/// # Panics
/// When it is not built, with the command that builds it.
#[must_use]
pub fn bin(tool: Tool) -> PathBuf {
    static FOUND: OnceLock<Mutex<HashMap<Tool, PathBuf>>> = OnceLock::new();
    let mut found = FOUND.get_or_init(Mutex::default).lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(path) = found.get(&tool) {
        return path.clone();
    }
    let setup = checkout().join("tests/testbed/setup/setup");
    let asked = Command::new(&setup).args(["path", tool.name()]).output().expect("setup runs");
    assert!(asked.status.success(), "{}", String::from_utf8_lossy(&asked.stderr).trim());
    let path = PathBuf::from(String::from_utf8(asked.stdout).expect("a path").trim());
    found.insert(tool, path.clone());
    path
}
