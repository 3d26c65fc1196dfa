//! What identity costs a request: a token made, opened, kept and narrowed; revocations asked; an OIDC token believed.
#![allow(
    missing_docs,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a bench says what it expects by failing"
)]

use std::{hint::black_box, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use data_encoding::BASE64URL_NOPAD as B64;
use keyward::{
    identity::{
        Binding, ClaimValue, Claims, ClientAuthorities, Facts, Identity, IssuerRef, Issuers, NodeProblem, Nodes, Peer,
        Principal, Revocation, Revocations, Revoked, RoleConfig, Roles, Scope, ShownNode, TokenFacts, TokenId,
        TokenKeys,
        oidc::{Authorities, Fetch, FetchError},
        token::{self, Grant, Narrowing, Sealed},
    },
    keyring::{Keyring, KeyringRecord},
    method::{Name, TenantId},
};
use keyward_sdk::{
    crypto::asymmetric::{KeyKind, PrivateKey, Scheme, generate},
    time::{Clock, Span, SystemClock},
};
use serde_json::json;

const TENANT: TenantId = TenantId([1; 16]);

struct World {
    ring: Arc<Keyring>,
    role: Arc<RoleConfig>,
}

impl TokenKeys for World {
    fn keyring(&self, _: TenantId) -> Option<Arc<Keyring>> {
        Some(Arc::clone(&self.ring))
    }
}

impl Nodes for World {
    fn certificate(&self, _: &ShownNode) -> Result<(), NodeProblem> {
        Err(NodeProblem::Unknown)
    }
    fn token(&self, _: TenantId, _: &str, _: &TokenFacts) -> Result<(), NodeProblem> {
        Err(NodeProblem::Unknown)
    }
}

impl Roles for World {
    fn role(&self, _: TenantId, _: &Name) -> Option<Arc<RoleConfig>> {
        Some(Arc::clone(&self.role))
    }
    fn generation(&self) -> u64 {
        1
    }
}

fn grant(binding: Binding) -> Grant {
    let claims: Claims =
        Arc::new((0..12).map(|n| (format!("claim{n}"), ClaimValue::Text("value".to_owned()))).collect());
    Grant {
        principal: Principal {
            tenant: TENANT,
            issuer: IssuerRef::Oidc("ci".parse().unwrap()),
            subject: "repo:acme/shop:ref:refs/heads/main".into(),
        },
        role: "deploy".parse().unwrap(),
        claims,
        scope: Scope::unlimited(),
        life: Span::from_hours(24),
        binding,
    }
}

fn tokens(c: &mut Criterion) {
    let now = SystemClock.now();
    let ring = Arc::new(Keyring::new(KeyringRecord::generate(now)).unwrap());
    let role = serde_json::from_value(json!({"name": "deploy", "max_life": Span::from_hours(24)})).unwrap();
    let world = Arc::new(World { ring: Arc::clone(&ring), role: Arc::new(role) });
    let key = rcgen::KeyPair::generate().unwrap();
    let own = rcgen::CertificateParams::default().self_signed(&key).unwrap();
    let peer = Arc::new(ClientAuthorities::default().classify(&[own.der().clone()], now).unwrap());
    let minted = token::mint(&ring, grant(Binding::Key(*peer.key_hash())), now).unwrap();
    c.bench_function("token/mint", |b| b.iter(|| token::mint(&ring, grant(Binding::Bearer), now).unwrap()));
    c.bench_function("token/open", |b| {
        b.iter(|| token::open(&ring, &Sealed::parse(black_box(minted.text.expose())).unwrap()).unwrap())
    });

    let revocations = Arc::new(Revocations::default());
    let identity =
        Identity::new(world.clone(), world.clone(), world, Arc::clone(&revocations), SystemClock::shared(), 0);
    let header = format!("Bearer {}", minted.text.expose());
    let facts = Facts {
        peer: Peer::Network("127.0.0.1:1".parse().unwrap()),
        certificate: Some(&peer),
        authorization: Some(header.as_bytes()),
        tenant: None,
        default_tenant: TENANT,
    };
    c.bench_function("token/identify_kept", |b| b.iter(|| identity.identify(black_box(&facts)).unwrap()));
    let caller = identity.identify(&facts).unwrap();
    c.bench_function("token/attenuate", |b| {
        b.iter(|| token::attenuate(&ring, &caller, Narrowing::default(), now).unwrap())
    });

    for n in 0..250_u16 {
        let name: Name = format!("other{n}").parse().unwrap();
        let mut id = [0; 16];
        id[..2].copy_from_slice(&n.to_be_bytes());
        let other = Principal { subject: name.as_str().into(), ..grant(Binding::Bearer).principal };
        let issuer = IssuerRef::Oidc(name.clone());
        for (kind, what) in
            [Revoked::Role(name), Revoked::Token(TokenId(id)), Revoked::Principal(other), Revoked::Issuer(issuer)]
                .into_iter()
                .enumerate()
        {
            revocations.set(TENANT, &format!("{n}-{kind}"), Some(Revocation::now(what, now)));
        }
    }
    let token = caller.token().unwrap();
    c.bench_function("token/is_revoked/1000_records", |b| {
        b.iter(|| assert!(!revocations.is_revoked(black_box(token), caller.principal(), caller.role())))
    });
}

struct Nowhere;

#[async_trait]
impl Fetch for Nowhere {
    async fn fetch(&self, _: &str, _: Option<&Authorities>) -> Result<Bytes, FetchError> {
        Err(FetchError::Never)
    }
}

fn oidc(c: &mut Criterion) {
    use x509_parser::prelude::{FromDer, SubjectPublicKeyInfo};
    let now = SystemClock.now().as_secs();
    let key = PrivateKey::from_pkcs8(KeyKind::Rsa2048, &generate(KeyKind::Rsa2048).unwrap()).unwrap();
    let spki = key.public_key().to_spki();
    let (_, info) = SubjectPublicKeyInfo::from_der(&spki).unwrap();
    let Ok(x509_parser::public_key::PublicKey::RSA(public)) = info.parsed() else { return };
    let jwks = json!({"keys": [{"kty": "RSA", "kid": "k", "e": "AQAB", "n": B64.encode(public.modulus)}]}).to_string();
    let mut claims =
        json!({"iss": "https://ci", "sub": "repo:acme/shop", "aud": "keyward", "iat": now, "exp": now + 86_400});
    let mut declared = json!({});
    for n in 0..12 {
        claims[format!("claim{n}")] = json!("value");
        declared[format!("claim{n}")] = json!({"type": "text"});
    }
    let config = json!({
        "name": "ci", "iss": "https://ci", "keys": {"static": jwks}, "audiences": ["keyward"],
        "algorithms": ["RS256"], "claims": declared,
    });
    let part = |json: serde_json::Value| B64.encode(json.to_string().as_bytes());
    let signed = format!("{}.{}", part(json!({"alg": "RS256", "kid": "k", "typ": "JWT"})), part(claims));
    let signature = key.sign(Scheme::RsaPkcs1Sha256, signed.as_bytes()).unwrap();
    let text = format!("{signed}.{}", B64.encode(&signature));
    let issuers = Issuers::new(Arc::new(Nowhere), SystemClock::shared(), &tokio_util::sync::CancellationToken::new());
    issuers.replace(TENANT, vec![serde_json::from_value(config).unwrap()]);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    c.bench_function("oidc/verify_rs256", |b| {
        b.iter(|| runtime.block_on(issuers.verify(TENANT, black_box(&text))).unwrap())
    });
}

criterion_group!(benches, tokens, oidc);
criterion_main!(benches);
