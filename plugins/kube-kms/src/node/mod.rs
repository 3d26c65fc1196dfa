//! Who this node is: its key, made here and never sent, its certificate, and what it knows of its cluster.

mod certificate;
mod state;

use keyward_kit::cluster::{ClusterId, NodeId};
use rustls_pki_types::CertificateDer;

pub use self::{
    certificate::{CertificateError, NodeCertificate, NodeKey},
    state::{NodeState, StateError},
};

/// What a node knows of its cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The cluster's name.
    pub cluster: String,
    /// The cluster's id.
    pub cluster_id: ClusterId,
    /// The tenant's id.
    pub tenant_id: [u8; 16],
    /// Where the broker is, `host:port`.
    pub endpoints: Vec<String>,
    /// The CAs that the broker's certificate may come from.
    pub broker_ca: Vec<CertificateDer<'static>>,
    /// Signs orders to this cluster's nodes; pinned at join, never replaced.
    pub control_key: [u8; 32],
}

/// A node as it joined.
#[derive(Debug)]
pub struct Node {
    /// Its id.
    pub id: NodeId,
    /// Its name.
    pub name: String,
    /// Its cluster.
    pub facts: Facts,
    /// Its certificate.
    pub certificate: NodeCertificate,
}
