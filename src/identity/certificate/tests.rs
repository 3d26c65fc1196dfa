use keyward_kit::cluster::{ClusterId, NodeId};
use keyward_sdk::time::{Span, Timestamp};
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, SanType};
use rustls_pki_types::CertificateDer;

use super::*;
use crate::{
    identity::{IdentityError, IssuerRef, NodeIdentity, ca::Authority},
    method::TenantId,
};

const TENANT: TenantId = TenantId([7; 16]);

fn now() -> Timestamp {
    Timestamp::from_secs(1_800_000_000)
}

fn node() -> NodeIdentity {
    NodeIdentity {
        tenant: TENANT,
        cluster: "prod".parse().unwrap(),
        cluster_id: ClusterId::from_bytes([1; 16]),
        node: "cp-0".parse().unwrap(),
        node_id: NodeId::from_bytes([2; 16]),
        generation: 1,
    }
}

fn authority() -> Authority {
    Authority::load(&Authority::make("nodes", now()).unwrap()).unwrap()
}

fn request() -> Vec<u8> {
    CertificateParams::default().serialize_request(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
}

/// A certificate of an authority of our own making, with any names.
struct Corporate(rcgen::Issuer<'static, KeyPair>, CertificateDer<'static>);

fn corporate() -> Corporate {
    let mut params = CertificateParams::default();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "corporate");
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap().der().clone();
    Corporate(rcgen::Issuer::new(params, key), certificate)
}

impl Corporate {
    fn issue(&self, name: &str, uris: &[&str]) -> CertificateDer<'static> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.subject_alt_names = uris.iter().map(|uri| SanType::URI((*uri).try_into().unwrap())).collect();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.signed_by(&KeyPair::generate().unwrap(), &self.0).unwrap().der().clone()
    }
}

fn known(corporate: &Corporate) -> ClientAuthorities {
    let known = ClientAuthorities::default();
    known.set_configured(std::slice::from_ref(&corporate.1)).unwrap();
    known
}

#[test]
fn a_spiffe_id_and_a_common_name_are_two_subjects() {
    let corporate = corporate();
    let known = known(&corporate);
    let subject = |certificate| {
        let caller = known.classify(&[certificate], now()).unwrap().caller(TENANT)?;
        assert_eq!(caller.principal().issuer, IssuerRef::Certificate);
        Ok::<_, IdentityError>(caller.principal().subject.to_string())
    };
    assert_eq!(subject(corporate.issue("x", &["spiffe://example.org/ci"])).unwrap(), "spiffe://example.org/ci");
    assert_eq!(subject(corporate.issue("spiffe://example.org/ci", &[])).unwrap(), "cn:spiffe://example.org/ci");
    assert_eq!(subject(corporate.issue("deploy", &["https://x.example"])).unwrap(), "cn:deploy");
    let two = corporate.issue("x", &["spiffe://a/b", "spiffe://c/d"]);
    assert_eq!(subject(two), Err(IdentityError::CertificateUnknown));
}

#[test]
fn a_configured_authority_cannot_make_nodes() {
    let corporate = corporate();
    let known = known(&corporate);
    known.set_nodes(TENANT, &[authority().certificate().clone()]).unwrap();
    let peer = known.classify(&[corporate.issue("x", &[&node_uri(&node())])], now()).unwrap();
    assert_eq!(peer.node(), None);
    assert_eq!(peer.caller(TENANT).unwrap_err(), IdentityError::CertificateUnknown);
}

#[test]
fn a_node_authority_makes_nodes_of_its_own_tenant_only() {
    let (ours, theirs) = (authority(), authority());
    let known = ClientAuthorities::default();
    known.set_nodes(TENANT, &[ours.certificate().clone()]).unwrap();
    known.set_nodes(TenantId([8; 16]), &[theirs.certificate().clone()]).unwrap();
    let forged = theirs.issue_node(&node(), &request(), now()).unwrap();
    assert_eq!(known.classify(&[forged.certificate], now()).unwrap().node(), None);
    let own = ours.issue_node(&node(), &request(), now()).unwrap();
    let peer = known.classify(std::slice::from_ref(&own.certificate), now()).unwrap();
    let caller = peer.caller(TenantId([8; 16])).unwrap();
    assert_eq!(
        (caller.tenant(), &*caller.principal().subject, caller.node().map(|shown| &shown.identity)),
        (TENANT, "prod/cp-0", Some(&node()))
    );
    known.set_nodes(TENANT, &[]).unwrap();
    assert_eq!(known.classify(&[own.certificate], now()).unwrap().node(), None);
}

#[test]
fn an_expired_node_certificate_still_says_whose_it_was() {
    let ours = authority();
    let known = ClientAuthorities::default();
    known.set_nodes(TENANT, &[ours.certificate().clone()]).unwrap();
    let issued = ours.issue_node(&node(), &request(), now()).unwrap();
    let later = now().saturating_add(Span::from_days(30));
    let peer = known.classify(&[issued.certificate], later).unwrap();
    assert_eq!(peer.node(), Some(&node()));
    assert!(!peer.is_valid_at(later) && peer.is_valid_at(now()));
}

#[test]
fn a_self_signed_certificate_is_a_key_and_nothing_more() {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.subject_alt_names = vec![SanType::URI("spiffe://example.org/admin".try_into().unwrap())];
    let certificate = params.self_signed(&key).unwrap().der().clone();
    let peer = known(&corporate()).classify(std::slice::from_ref(&certificate), now()).unwrap();
    assert_eq!(peer.caller(TENANT).unwrap_err(), IdentityError::NoToken);
    assert_eq!(*peer.key_hash(), keyward_kit::tls::spki_sha256(&certificate).unwrap());
}

#[test]
fn what_is_no_certificate_is_refused() {
    let known = ClientAuthorities::default();
    let good = corporate().issue("x", &[]);
    let cases: [Vec<CertificateDer<'_>>; 5] = [
        vec![],
        vec![CertificateDer::from(&b"junk"[..])],
        vec![CertificateDer::from(vec![0x30; 20_000])],
        vec![CertificateDer::from([&good[..], &[0]].concat())],
        vec![good.clone(); 9],
    ];
    for chain in cases {
        assert_eq!(known.classify(&chain, now()).unwrap_err(), IdentityError::CertificateUnknown);
    }
}

#[test]
fn odd_node_names_are_nobodys() {
    let ours = authority();
    let known = ClientAuthorities::default();
    known.set_nodes(TENANT, &[ours.certificate().clone()]).unwrap();
    let tenant = TENANT.to_string();
    let id = NodeId::from_bytes([7; 16]);
    for uri in [
        "keyward:node:",
        &format!("keyward:node:zz:a:{id}:b:{id}:1"),
        &format!("keyward:node:{tenant}:a:b:1"),
        &format!("keyward:node:{tenant}:a:{id}:b:{id}"),
        &format!("keyward:node:{tenant}:a:{id}:b:{id}:1:2"),
        &format!("keyward:node:{tenant}:a/x:{id}:b:{id}:1"),
        &format!("keyward:node:{tenant}:a:zz:b:{id}:1"),
    ] {
        let corporate = corporate();
        let peer = known.classify(&[corporate.issue("x", &[uri])], now()).unwrap();
        assert_eq!(peer.node(), None, "{uri}");
    }
}
