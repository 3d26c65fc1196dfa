//! Requests for a certificate (PKCS#10), which nodes send at join and renewal.

use std::sync::LazyLock;

use keyward::{
    identity::{NodeIdentity, ca::Authority},
    method::TenantId,
};
use keyward_kit::{cluster::{ClusterId, NodeId}, tls::spki_sha256};
use rcgen::{CertificateParams, KeyPair, PublicKeyData as _};

use crate::support::{NOW, altered, changes};

static AUTHORITY: LazyLock<Authority> =
    LazyLock::new(|| Authority::load(&Authority::make("nodes", NOW).unwrap()).unwrap());
static KEY: LazyLock<KeyPair> = LazyLock::new(|| KeyPair::generate().unwrap());
static REQUEST: LazyLock<Vec<u8>> =
    LazyLock::new(|| CertificateParams::default().serialize_request(&*KEY).unwrap().der().to_vec());

pub(super) fn run(bytes: &[u8]) {
    issue(bytes);
    let changed = altered(&REQUEST, bytes);
    if let Some(key) = issue(&changed) {
        assert_eq!(key, keyward_sdk::crypto::digest::sha256(&KEY.subject_public_key_info()), "a key that was not proven");
    }
}

/// The hash of the key that was certified.
fn issue(request: &[u8]) -> Option<[u8; 32]> {
    let node = NodeIdentity {
        tenant: TenantId([7; 16]),
        cluster: "prod".parse().unwrap(),
        cluster_id: ClusterId::from_bytes([1; 16]),
        node: "cp-0".parse().unwrap(),
        node_id: NodeId::from_bytes([2; 16]),
        generation: 1,
    };
    AUTHORITY.issue_node(&node, request, NOW).ok().map(|issued| spki_sha256(&issued.certificate).unwrap())
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    changes().into_iter().chain([REQUEST.clone()]).collect()
}
