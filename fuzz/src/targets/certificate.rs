//! Certificates that a peer shows: whatever they say, only what an authority of ours signed makes a node.

use std::sync::LazyLock;

use keyward::{
    identity::{ClientAuthorities, NodeIdentity, ca::Authority},
    method::TenantId,
};
use keyward_kit::cluster::{ClusterId, NodeId};
use rcgen::{CertificateParams, KeyPair};
use rustls_pki_types::CertificateDer;

use crate::support::{NOW, altered, changes};

const TENANT: TenantId = TenantId([7; 16]);

struct Known {
    authorities: ClientAuthorities,
    node: NodeIdentity,
    shown: Vec<u8>,
}

static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let authority = Authority::load(&Authority::make("nodes", NOW).unwrap()).unwrap();
    let node = NodeIdentity {
        tenant: TENANT,
        cluster: "prod".parse().unwrap(),
        cluster_id: ClusterId::from_bytes([1; 16]),
        node: "cp-0".parse().unwrap(),
        node_id: NodeId::from_bytes([2; 16]),
        generation: 1,
    };
    let request = CertificateParams::default().serialize_request(&KeyPair::generate().unwrap()).unwrap();
    let shown = authority.issue_node(&node, request.der(), NOW).unwrap().certificate.to_vec();
    let authorities = ClientAuthorities::default();
    authorities.set_nodes(TENANT, &[authority.certificate().clone()]).unwrap();
    Known { authorities, node, shown }
});

pub(super) fn run(bytes: &[u8]) {
    let chain = [CertificateDer::from(bytes)];
    if let Ok(peer) = KNOWN.authorities.classify(&chain, NOW) {
        assert!(bytes == KNOWN.shown || peer.node().is_none(), "a certificate of a node was forged");
    }
    let changed = altered(&KNOWN.shown, bytes);
    let chain = [CertificateDer::from(changed.as_slice())];
    let node = KNOWN.authorities.classify(&chain, NOW).ok().and_then(|peer| peer.node().cloned());
    let expected = (changed == KNOWN.shown).then(|| KNOWN.node.clone());
    assert_eq!(node, expected, "an altered certificate is taken, or a whole one is not");
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let mut params = CertificateParams::new(vec!["broker.example".to_owned()]).unwrap();
    params.subject_alt_names.push(rcgen::SanType::URI("spiffe://example/ns/a".try_into().unwrap()));
    let own = params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec();
    changes().into_iter().chain([KNOWN.shown.clone(), own]).collect()
}
