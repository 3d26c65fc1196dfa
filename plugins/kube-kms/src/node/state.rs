//! The node's folder: `node.pem` (certificate and key), `cluster.json` (facts), the keyset and its protector. All files have
//! mode 0600 and are replaced whole.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use data_encoding::{BASE64, HEXLOWER};
use keyward_kit::settings::{SecretRefError, read_private};
use rustls_pki_types::CertificateDer;
use serde::{Deserialize, Serialize};

use super::{CertificateError, Facts, Node, NodeCertificate};
use crate::files;

const PEM: &str = "node.pem";
const FACTS: &str = "cluster.json";
const MAX_FACTS: u64 = 256 << 10;

/// The folder of one node.
#[derive(Clone, Debug)]
pub struct NodeState {
    folder: PathBuf,
}

/// Why the node's state cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// A node has joined here before.
    #[error("a node has joined from `{0}` before; remove the folder to join anew")]
    Joined(PathBuf),
    /// No node has joined from here.
    #[error("no node has joined from `{0}`; run `keyward-kube-kms join --config FILE --token-file FILE`")]
    NotJoined(PathBuf),
    /// The certificate.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The file of facts is damaged.
    #[error("`{0}` cannot be read: {1}; restore it, or remove the folder and join anew")]
    Facts(PathBuf, String),
    /// The disk.
    #[error("`{0}`: {1}")]
    Io(PathBuf, #[source] io::Error),
    /// The key lies open or cannot be read.
    #[error("node key {0}")]
    Key(#[from] SecretRefError),
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    format: u32,
    cluster: String,
    cluster_id: String,
    tenant_id: String,
    node: String,
    node_id: String,
    endpoints: Vec<String>,
    broker_ca: Vec<String>,
    control_key: String,
    certificate_generation: u64,
}

impl NodeState {
    /// The state in `folder`.
    #[must_use]
    pub fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether a node has joined from here.
    #[must_use]
    pub fn is_joined(&self) -> bool {
        self.folder.join(PEM).exists()
    }

    /// Reads the node.
    ///
    /// # Errors
    /// [`StateError`] if none has joined or its files cannot be used.
    pub fn load(&self) -> Result<Node, StateError> {
        if !self.is_joined() {
            return Err(StateError::NotJoined(self.folder.clone()));
        }
        let path = self.folder.join(FACTS);
        let refuse = |why: String| StateError::Facts(path.clone(), why);
        let size = fs::metadata(&path).map_err(|error| refuse(error.to_string()))?.len();
        if size > MAX_FACTS {
            return Err(refuse("it is larger than 256 KiB".to_owned()));
        }
        let text = fs::read(&path).map_err(|error| refuse(error.to_string()))?;
        let stored: Stored = serde_json::from_slice(&text).map_err(|error| refuse(error.to_string()))?;
        let pem = read_private(&self.folder.join(PEM))?;
        let certificate = NodeCertificate::from_pem(pem, stored.certificate_generation)?;
        stored.into_node(certificate).ok_or_else(|| refuse("a value in it means nothing".to_owned()))
    }

    /// Writes the node: facts first, since a node that has its certificate counts as joined.
    ///
    /// # Errors
    /// [`StateError::Io`] if it could not be made durable.
    pub fn save(&self, node: &Node) -> Result<(), StateError> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |error| StateError::Io(path, error)
        };
        files::private_folder(&self.folder).map_err(io(&self.folder))?;
        let path = self.folder.join(FACTS);
        let facts = serde_json::to_vec_pretty(&Stored::of(node)).map_err(|error| io(&path)(error.into()))?;
        files::replace_now(&path, &facts, None).map_err(io(&path))?;
        let path = self.folder.join(PEM);
        files::replace_now(&path, node.certificate.pem().expose(), None).map_err(io(&path))
    }
}

impl Stored {
    fn of(node: &Node) -> Self {
        let Facts { cluster, cluster_id, tenant_id, endpoints, broker_ca, control_key } = &node.facts;
        Self {
            format: 1,
            cluster: cluster.clone(),
            cluster_id: cluster_id.to_string(),
            tenant_id: HEXLOWER.encode(tenant_id),
            node: node.name.clone(),
            node_id: node.id.to_string(),
            endpoints: endpoints.clone(),
            broker_ca: broker_ca.iter().map(|ca| BASE64.encode(ca)).collect(),
            control_key: HEXLOWER.encode(control_key),
            certificate_generation: node.certificate.generation,
        }
    }

    fn into_node(self, certificate: NodeCertificate) -> Option<Node> {
        if self.format != 1 || self.endpoints.is_empty() {
            return None;
        }
        let ca = |text: &String| BASE64.decode(text.as_bytes()).ok().map(CertificateDer::from);
        let facts = Facts {
            cluster: self.cluster,
            cluster_id: self.cluster_id.parse().ok()?,
            tenant_id: HEXLOWER.decode(self.tenant_id.as_bytes()).ok()?.try_into().ok()?,
            endpoints: self.endpoints,
            broker_ca: self.broker_ca.iter().map(ca).collect::<Option<_>>()?,
            control_key: HEXLOWER.decode(self.control_key.as_bytes()).ok()?.try_into().ok()?,
        };
        Some(Node { id: self.node_id.parse().ok()?, name: self.node, facts, certificate })
    }
}
