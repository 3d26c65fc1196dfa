use std::{collections::HashMap, sync::Mutex};

use keyward_kit::cluster::{ClusterId, NodeId};
use keyward_sdk::time::{Clock, ManualClock, Span};
use rcgen::{CertificateParams, KeyPair};

use super::*;
use crate::{
    identity::{
        ClientAuthorities, NodeIdentity, NodeProblem, Revocation, Revoked, RoleConfig, ShownNode, TokenId,
        ca::Authority,
        token::{Grant, Minted, Narrowing, attenuate, mint},
    },
    keyring::KeyringRecord,
    method::Name,
};

const MAIN: TenantId = TenantId([1; 16]);
const OTHER: TenantId = TenantId([2; 16]);

#[derive(Default)]
struct World {
    rings: Mutex<HashMap<TenantId, Arc<Keyring>>>,
    roles: Mutex<(u64, HashMap<Name, RoleConfig>)>,
    locked: Mutex<Vec<Name>>,
}

impl TokenKeys for World {
    fn keyring(&self, tenant: TenantId) -> Option<Arc<Keyring>> {
        self.rings.lock().unwrap().get(&tenant).cloned()
    }
}

impl Roles for World {
    fn role(&self, _: TenantId, name: &Name) -> Option<Arc<RoleConfig>> {
        self.roles.lock().unwrap().1.get(name).cloned().map(Arc::new)
    }
    fn generation(&self) -> u64 {
        self.roles.lock().unwrap().0
    }
}

impl Nodes for World {
    fn certificate(&self, shown: &ShownNode) -> Result<(), NodeProblem> {
        if self.locked.lock().unwrap().contains(&shown.identity.node) { Err(NodeProblem::Locked) } else { Ok(()) }
    }
    fn token(&self, _: TenantId, subject: &str, _: &TokenFacts) -> Result<(), NodeProblem> {
        let locked = self.locked.lock().unwrap();
        if locked.iter().any(|node| subject.ends_with(&format!("/{node}"))) { Err(NodeProblem::Locked) } else { Ok(()) }
    }
}

struct Bench {
    world: Arc<World>,
    revocations: Arc<Revocations>,
    clock: Arc<ManualClock>,
    identity: Identity,
}

fn bench() -> Bench {
    let clock = ManualClock::at(Timestamp::from_secs(1_800_000_000));
    let world = Arc::new(World::default());
    for tenant in [MAIN, OTHER] {
        world
            .rings
            .lock()
            .unwrap()
            .insert(tenant, Arc::new(Keyring::new(KeyringRecord::generate(clock.now())).unwrap()));
    }
    let revocations = Arc::new(Revocations::default());
    let identity =
        Identity::new(world.clone(), world.clone(), world.clone(), revocations.clone(), clock.clone(), 1_000);
    let bench = Bench { world, revocations, clock, identity };
    bench.role(|_| {});
    bench
}

fn role() -> Name {
    "deploy".parse().unwrap()
}

fn bearer_text(minted: &Minted) -> Vec<u8> {
    format!("Bearer {}", minted.text.expose()).into_bytes()
}

fn facts<'a>(header: Option<&'a [u8]>, certificate: Option<&'a Arc<PeerCertificate>>) -> Facts<'a> {
    let peer = Peer::Network("192.0.2.1:1".parse().unwrap());
    Facts { peer, certificate, authorization: header, tenant: None, default_tenant: MAIN }
}

fn key() -> (Arc<PeerCertificate>, [u8; 32]) {
    let certificate = CertificateParams::default().self_signed(&KeyPair::generate().unwrap()).unwrap();
    let peer = ClientAuthorities::default().classify(&[certificate.der().clone()], Timestamp::from_secs(1)).unwrap();
    let hash = *peer.key_hash();
    (Arc::new(peer), hash)
}

impl Bench {
    fn role(&self, change: impl FnOnce(&mut RoleConfig)) {
        let mut config: RoleConfig = serde_json::from_str(r#"{"name":"deploy","bearer":true}"#).unwrap();
        change(&mut config);
        let mut roles = self.world.roles.lock().unwrap();
        roles.0 += 1;
        roles.1.insert(role(), config);
    }

    fn ring(&self, tenant: TenantId) -> Arc<Keyring> {
        self.world.keyring(tenant).unwrap()
    }

    fn mint(&self, tenant: TenantId, binding: Binding) -> Minted {
        let principal = Principal { tenant, issuer: IssuerRef::Oidc("ci".parse().unwrap()), subject: "a".into() };
        let (claims, scope, life) = (Claims::default(), Scope::unlimited(), Span::from_minutes(15));
        mint(&self.ring(tenant), Grant { principal, role: role(), claims, scope, life, binding }, self.clock.now())
            .unwrap()
    }

    fn ask(&self, minted: &Minted) -> Result<Caller, IdentityError> {
        self.identity.identify(&facts(Some(&bearer_text(minted)), None))
    }

    fn revoke(&self, what: Revoked) {
        self.revocations.set(MAIN, "r", Some(Revocation::now(what, self.clock.now())));
    }
}

#[test]
fn a_request_without_a_token_is_nobodys() {
    let bench = bench();
    assert_eq!(bench.identity.identify(&facts(None, None)).unwrap_err(), IdentityError::NoToken);
    assert_eq!(bench.identity.identify(&facts(None, Some(&key().0))).unwrap_err(), IdentityError::NoToken);
}

#[test]
fn a_garbled_token_has_its_own_reason() {
    let bench = bench();
    for header in [
        &b""[..],
        b"Bearer",
        b"Bearer ",
        b"Bearer x",
        b"Bearer kw1.",
        b"Basic dTpw",
        b"Bearer kw1.AAAA",
        b"\xff\xfe",
        b"Bearer kw1.\xc3\xa9",
        b"Bearer eyJhbGciOiJub25lIn0.e30.",
    ] {
        assert_eq!(bench.identity.identify(&facts(Some(header), None)).unwrap_err(), IdentityError::TokenGarbled);
    }
    let huge = [&b"Bearer kw1."[..], &vec![b'A'; 20_000]].concat();
    assert_eq!(bench.identity.identify(&facts(Some(&huge), None)).unwrap_err(), IdentityError::TokenGarbled);
    let minted = bench.mint(MAIN, Binding::Bearer);
    for header in [format!("bearer {}", minted.text.expose()), format!("BEARER  {} ", minted.text.expose())] {
        assert!(bench.identity.identify(&facts(Some(header.as_bytes()), None)).is_ok());
    }
}

#[test]
fn an_expired_token_has_its_own_reason_kept_or_not() {
    let bench = bench();
    let minted = bench.mint(MAIN, Binding::Bearer);
    assert!(bench.ask(&minted).is_ok());
    bench.clock.advance(Span::from_minutes(15));
    assert_eq!(bench.ask(&minted).unwrap_err(), IdentityError::TokenExpired);
}

#[test]
fn a_foreign_token_has_its_own_reason() {
    let bench = bench();
    let elsewhere = self::bench();
    let ring = elsewhere.ring(MAIN);
    elsewhere.world.rings.lock().unwrap().insert(TenantId([3; 16]), ring);
    assert_eq!(
        bench.ask(&elsewhere.mint(TenantId([3; 16]), Binding::Bearer)).unwrap_err(),
        IdentityError::TokenForeign
    );
    let minted = bench.mint(OTHER, Binding::Bearer);
    assert_eq!(bench.ask(&minted).unwrap().tenant(), OTHER);
    let header = bearer_text(&minted);
    let asked = Facts { tenant: Some(MAIN), ..facts(Some(&header), None) };
    assert_eq!(bench.identity.identify(&asked).unwrap_err(), IdentityError::TokenForeign);
}

#[test]
fn a_revoked_token_is_refused_although_it_was_kept() {
    let bench = bench();
    let minted = bench.mint(MAIN, Binding::Bearer);
    let caller = bench.ask(&minted).unwrap();
    let child = attenuate(&bench.ring(MAIN), &caller, Narrowing::default(), bench.clock.now()).unwrap();
    let child_caller = bench.ask(&child).unwrap();
    bench.revoke(Revoked::Token(minted.facts.id));
    assert_eq!(bench.ask(&minted).unwrap_err(), IdentityError::TokenRevoked);
    assert_eq!(bench.ask(&child).unwrap_err(), IdentityError::TokenRevoked);
    assert_eq!(bench.identity.still(&child_caller, None).unwrap_err(), IdentityError::TokenRevoked);
    bench.revoke(Revoked::Token(TokenId([0; 16])));
    assert!(bench.ask(&minted).is_ok());
}

#[test]
fn a_copied_token_is_useless_without_its_key() {
    let bench = bench();
    let ((own, hash), (other, _)) = (key(), key());
    let header = bearer_text(&bench.mint(MAIN, Binding::Key(hash)));
    let with = |certificate| bench.identity.identify(&facts(Some(&header), certificate));
    assert!(with(Some(&own)).is_ok());
    assert_eq!(with(Some(&other)).unwrap_err(), IdentityError::TokenNotBound);
    assert_eq!(with(None).unwrap_err(), IdentityError::TokenNotBound);
}

#[test]
fn a_bearer_token_needs_a_role_that_still_allows_it() {
    let bench = bench();
    let minted = bench.mint(MAIN, Binding::Bearer);
    let caller = bench.ask(&minted).unwrap();
    bench.role(|role| role.bearer = false);
    assert_eq!(bench.ask(&minted).unwrap_err(), IdentityError::TokenNotBearer);
    assert_eq!(bench.identity.still(&caller, None).unwrap_err(), IdentityError::TokenNotBearer);
}

#[test]
fn a_changed_role_counts_for_tokens_that_exist() {
    let bench = bench();
    let minted = bench.mint(MAIN, Binding::Bearer);
    assert!(bench.ask(&minted).is_ok());
    bench.role(|role| role.max_life = Span::from_minutes(5));
    bench.clock.advance(Span::from_minutes(5));
    assert_eq!(bench.ask(&minted).unwrap_err(), IdentityError::TokenExpired);
    let fresh = bench.mint(MAIN, Binding::Bearer);
    assert!(bench.ask(&fresh).is_ok());
    let mut roles = bench.world.roles.lock().unwrap();
    roles.1.clear();
    roles.0 += 1;
    drop(roles);
    assert_eq!(bench.ask(&fresh).unwrap_err(), IdentityError::TokenRoleGone);
}

#[test]
fn a_destroyed_tenants_tokens_are_foreign_at_once() {
    let bench = bench();
    let minted = bench.mint(OTHER, Binding::Bearer);
    assert!(bench.ask(&minted).is_ok());
    bench.world.rings.lock().unwrap().remove(&OTHER);
    assert_eq!(bench.ask(&minted).unwrap_err(), IdentityError::TokenForeign);
}

#[test]
fn what_is_kept_gives_the_same_caller_and_forgets_with_the_key() {
    let bench = bench();
    let minted = bench.mint(MAIN, Binding::Bearer);
    assert_eq!(bench.ask(&minted).unwrap().address(), bench.ask(&minted).unwrap().address());
    let other = Arc::new(Keyring::new(KeyringRecord::generate(bench.clock.now())).unwrap());
    bench.world.rings.lock().unwrap().insert(MAIN, other);
    assert_eq!(bench.ask(&minted).unwrap_err(), IdentityError::TokenGarbled);
}

#[test]
fn the_daemons_own_user_is_somebody_on_the_unix_socket() {
    let bench = bench();
    let from = |uid| bench.identity.identify(&Facts { peer: Peer::Local { uid }, ..facts(None, None) });
    assert_eq!(from(1_000).unwrap().principal().issuer, IssuerRef::LocalUser);
    assert_eq!(from(1_001).unwrap_err(), IdentityError::NoToken);
    assert_eq!(from(0).unwrap_err(), IdentityError::NoToken);
}

#[test]
fn a_node_is_its_certificate_until_that_expires_or_is_revoked() {
    let bench = bench();
    let authority = Authority::load(&Authority::make("nodes", bench.clock.now()).unwrap()).unwrap();
    let node = NodeIdentity {
        tenant: MAIN,
        cluster: "prod".parse().unwrap(),
        cluster_id: ClusterId::from_bytes([1; 16]),
        node: "cp-0".parse().unwrap(),
        node_id: NodeId::from_bytes([2; 16]),
        generation: 1,
    };
    let request = CertificateParams::default().serialize_request(&KeyPair::generate().unwrap()).unwrap();
    let issued = authority.issue_node(&node, request.der(), bench.clock.now()).unwrap();
    let known = ClientAuthorities::default();
    known.set_nodes(MAIN, &[authority.certificate().clone()]).unwrap();
    let peer = Arc::new(known.classify(&[issued.certificate], bench.clock.now()).unwrap());
    let ask = || bench.identity.identify(&facts(None, Some(&peer)));
    let caller = ask().unwrap();
    assert_eq!((caller.node().map(|shown| &shown.identity), caller.address()), (Some(&node), ask().unwrap().address()));
    bench.revoke(Revoked::Principal(caller.principal().clone()));
    assert_eq!(ask().unwrap_err(), IdentityError::CertificateRevoked);
    assert_eq!(bench.identity.still(&caller, Some(&peer)).unwrap_err(), IdentityError::CertificateRevoked);
    bench.revocations.set(MAIN, "r", None);
    assert_eq!(bench.identity.still(&caller, Some(&peer)).map(drop), Ok(()));
    bench.clock.advance(Span::from_days(8));
    assert_eq!(ask().unwrap_err(), IdentityError::CertificateExpired);
    assert_eq!(bench.identity.still(&caller, Some(&peer)).unwrap_err(), IdentityError::CertificateExpired);
}
