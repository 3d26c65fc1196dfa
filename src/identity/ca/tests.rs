use keyward_kit::cluster::{ClusterId, NodeId};
use keyward_sdk::time::{Span, Timestamp};
use rcgen::{CertificateParams, KeyPair, SanType};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::*;
use crate::{
    identity::{ClientAuthorities, IdentityError, NodeIdentity},
    method::TenantId,
};

fn now() -> Timestamp {
    Timestamp::from_secs(1_800_000_000)
}

fn authority() -> Authority {
    Authority::load(&Authority::make("Keyward nodes", now()).unwrap()).unwrap()
}

fn node() -> NodeIdentity {
    NodeIdentity {
        tenant: TenantId([7; 16]),
        cluster: "prod-1".parse().unwrap(),
        cluster_id: ClusterId::from_bytes([1; 16]),
        node: "cp-0".parse().unwrap(),
        node_id: NodeId::from_bytes([2; 16]),
        generation: 3,
    }
}

fn request(key: &KeyPair) -> Vec<u8> {
    CertificateParams::default().serialize_request(key).unwrap().der().to_vec()
}

#[test]
fn a_stored_authority_reads_back_with_the_same_key() {
    let record = Authority::make("Keyward", now()).unwrap();
    let bytes = crate::keyring::encode(&record).unwrap();
    let read: AuthorityRecord = crate::keyring::decode(&bytes, "x").unwrap();
    assert_eq!(Authority::load(&read).unwrap().key_hash(), Authority::load(&record).unwrap().key_hash());
    let other = Authority::make("Keyward", now()).unwrap();
    let mixed = AuthorityRecord { key: other.key, ..record };
    assert!(matches!(Authority::load(&mixed), Err(CaError::Authority(_))));
}

#[test]
fn names_come_from_the_broker_and_never_from_the_request() {
    let key = KeyPair::generate().unwrap();
    let mut asked = CertificateParams::new(["evil.example".to_owned()]).unwrap();
    asked
        .subject_alt_names
        .push(SanType::URI("keyward:node:00000000000000000000000000000000:x:y:9".try_into().unwrap()));
    asked.is_ca = rcgen::IsCa::NoCa;
    let request = asked.serialize_request(&key).unwrap();
    let authority = authority();
    let issued = authority.issue_node(&node(), request.der(), now()).unwrap();
    let (_, read) = X509Certificate::from_der(&issued.certificate).unwrap();
    assert_eq!(read.subject().iter_common_name().next().unwrap().as_str().unwrap(), "prod-1/cp-0");
    let names = &read.subject_alternative_name().unwrap().unwrap().value.general_names;
    assert_eq!(names.len(), 1);
    assert!(!read.is_ca());
    assert_eq!(issued.not_after, now().saturating_add(NODE_LIFE));

    let known = ClientAuthorities::default();
    known.set_nodes(node().tenant, &[authority.certificate().clone()]).unwrap();
    let peer = known.classify(&[issued.certificate], now()).unwrap();
    assert_eq!(peer.node(), Some(&node()));
}

#[test]
fn a_request_that_does_not_prove_its_key_is_refused() {
    let authority = authority();
    let good = request(&KeyPair::generate().unwrap());
    assert!(authority.issue_node(&node(), &good, now()).is_ok());
    let mut changed = good.clone();
    let last = changed.len() - 1;
    changed[last] ^= 1;
    let trailing = [&good[..], &[0]].concat();
    for bad in [&changed[..], &trailing, &good[..good.len() - 1], b"", b"random", &vec![0x30; 5_000]] {
        assert!(matches!(authority.issue_node(&node(), bad, now()), Err(CaError::Request(_))));
    }
}

#[test]
fn a_server_certificate_serves_and_pins() {
    use keyward_kit::tls::PinnedCa;
    use rustls::client::danger::ServerCertVerifier;
    use rustls_pki_types::{ServerName, UnixTime};
    let authority = authority();
    let issued = authority.issue_server(&["localhost".into(), "127.0.0.1".into(), "::1".into()], now()).unwrap();
    assert_eq!(issued.renew_at, now().saturating_add(Span::from_days(15)));
    let at = UnixTime::since_unix_epoch(std::time::Duration::from_secs(now().as_secs()));
    let check = |pin: [u8; 32], name: &'static str| {
        PinnedCa::new(pin).verify_server_cert(
            &issued.chain[0],
            &issued.chain[1..],
            &ServerName::try_from(name).unwrap(),
            &[],
            at,
        )
    };
    assert!(check(*authority.key_hash(), "localhost").is_ok());
    assert!(check(*authority.key_hash(), "127.0.0.1").is_ok());
    assert!(check(*authority.key_hash(), "other.example").is_err());
    assert!(check([0; 32], "localhost").is_err());
    for bad in ["", "a b", "*", "-x.example"] {
        assert!(matches!(authority.issue_server(&[bad.into()], now()), Err(CaError::Name(_))), "{bad}");
    }
}

#[test]
fn a_server_certificate_is_no_client_certificate() {
    let authority = authority();
    let issued = authority.issue_server(&["localhost".into()], now()).unwrap();
    let known = ClientAuthorities::default();
    known.set_configured(&[authority.certificate().clone()]).unwrap();
    let peer = known.classify(&issued.chain, now()).unwrap();
    assert_eq!(peer.caller(TenantId([1; 16])).unwrap_err(), IdentityError::CertificateUnknown);
}
