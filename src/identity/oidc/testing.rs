//! Issuers for tests: keys that sign, and a network that answers what a test says.

use std::{
    collections::HashMap,
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use data_encoding::BASE64URL_NOPAD as B64;
use keyward_sdk::crypto::asymmetric::{KeyKind, PrivateKey, Scheme, generate};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::{Authorities, Fetch, FetchError, IssuerConfig, SignatureAlgorithm};

pub(super) const NOW: u64 = 1_800_000_000;
pub(super) const ISS: &str = "https://ci.example/org";

pub(super) struct Signer {
    pub(super) kid: &'static str,
    algorithm: SignatureAlgorithm,
    key: PrivateKey,
}

/// RSA keys take long to make, so tests share one.
pub(super) static RSA: LazyLock<Signer> = LazyLock::new(|| Signer::new("rsa-1", SignatureAlgorithm::RS256));

impl Signer {
    pub(super) fn new(kid: &'static str, algorithm: SignatureAlgorithm) -> Self {
        let kind = match algorithm {
            SignatureAlgorithm::ES256 => KeyKind::EcdsaP256,
            SignatureAlgorithm::ES384 => KeyKind::EcdsaP384,
            SignatureAlgorithm::EdDSA => KeyKind::Ed25519,
            _ => KeyKind::Rsa2048,
        };
        let key = PrivateKey::from_pkcs8(kind, &generate(kind).unwrap()).unwrap();
        Self { kid, algorithm, key }
    }

    pub(super) fn modulus(&self) -> Vec<u8> {
        use x509_parser::prelude::{FromDer, SubjectPublicKeyInfo};
        let spki = self.key.public_key().to_spki();
        let (_, info) = SubjectPublicKeyInfo::from_der(&spki).unwrap();
        let x509_parser::public_key::PublicKey::RSA(rsa) = info.parsed().unwrap() else { panic!("no RSA key") };
        assert_eq!(rsa.try_exponent().unwrap(), 65_537);
        rsa.modulus.to_vec()
    }

    pub(super) fn jwk(&self) -> Value {
        let public = self.key.public_key();
        let raw = public.raw();
        let point = |len: usize| (B64.encode(&raw[1..=len]), B64.encode(&raw[len + 1..]));
        match self.algorithm {
            SignatureAlgorithm::ES256 => {
                let (x, y) = point(32);
                json!({"kty":"EC","crv":"P-256","kid":self.kid,"x":x,"y":y})
            }
            SignatureAlgorithm::ES384 => {
                let (x, y) = point(48);
                json!({"kty":"EC","crv":"P-384","kid":self.kid,"x":x,"y":y})
            }
            SignatureAlgorithm::EdDSA => json!({"kty":"OKP","crv":"Ed25519","kid":self.kid,"x":B64.encode(raw)}),
            _ => json!({"kty":"RSA","use":"sig","kid":self.kid,"e":"AQAB","n":B64.encode(&self.modulus())}),
        }
    }

    pub(super) fn sign(&self, claims: &Value) -> String {
        self.sign_under(&json!({"alg":self.algorithm.name(),"kid":self.kid,"typ":"JWT"}), claims)
    }

    pub(super) fn sign_under(&self, header: &Value, claims: &Value) -> String {
        self.sign_text(&header.to_string(), &claims.to_string())
    }

    pub(super) fn sign_text(&self, header: &str, claims: &str) -> String {
        let signed = format!("{}.{}", B64.encode(header.as_bytes()), B64.encode(claims.as_bytes()));
        let scheme = match self.algorithm {
            SignatureAlgorithm::RS256 => Scheme::RsaPkcs1Sha256,
            SignatureAlgorithm::RS384 => Scheme::RsaPkcs1Sha384,
            SignatureAlgorithm::RS512 => Scheme::RsaPkcs1Sha512,
            SignatureAlgorithm::PS256 => Scheme::RsaPssSha256,
            SignatureAlgorithm::PS384 => Scheme::RsaPssSha384,
            SignatureAlgorithm::PS512 => Scheme::RsaPssSha512,
            SignatureAlgorithm::ES256 | SignatureAlgorithm::ES384 => Scheme::EcdsaFixed,
            SignatureAlgorithm::EdDSA => Scheme::Ed25519,
        };
        let signature = self.key.sign(scheme, signed.as_bytes()).unwrap();
        format!("{signed}.{}", B64.encode(&signature))
    }
}

pub(super) fn jwks(signers: &[&Signer]) -> String {
    json!({"keys": signers.iter().map(|signer| signer.jwk()).collect::<Vec<_>>()}).to_string()
}

pub(super) fn claims() -> Value {
    json!({"iss": ISS, "sub": "project_path:org/app:ref_type:branch:ref:main", "aud": "keyward", "iat": NOW - 10, "exp": NOW + 300})
}

pub(super) fn config(keys: &Value) -> IssuerConfig {
    serde_json::from_value(json!({
        "name": "ci", "iss": ISS, "keys": keys, "audiences": ["keyward"],
        "algorithms": ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"],
    }))
    .unwrap()
}

/// A network of documents.
#[derive(Default)]
pub(super) struct FakeFetch {
    documents: Mutex<HashMap<String, Result<Bytes, FetchError>>>,
    count: AtomicUsize,
    gate: Option<Semaphore>,
}

impl FakeFetch {
    pub(super) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Answers only once [`Self::open`] was called.
    pub(super) fn closed() -> Arc<Self> {
        Arc::new(Self { gate: Some(Semaphore::new(0)), ..Self::default() })
    }

    pub(super) fn open(&self) {
        self.gate.as_ref().unwrap().add_permits(1_000);
    }

    pub(super) fn put(&self, url: &str, document: &str) {
        self.documents.lock().unwrap().insert(url.into(), Ok(Bytes::copy_from_slice(document.as_bytes())));
    }

    pub(super) fn fail(&self, url: &str) {
        self.documents.lock().unwrap().insert(url.into(), Err(FetchError::Timeout("ci.example".into())));
    }

    pub(super) fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Fetch for FakeFetch {
    async fn fetch(&self, url: &str, _: Option<&Authorities>) -> Result<Bytes, FetchError> {
        self.count.fetch_add(1, Ordering::SeqCst);
        if let Some(gate) = &self.gate {
            gate.acquire().await.unwrap().forget();
        }
        let missing = || Err(FetchError::Status { host: "ci.example".into(), status: 404 });
        self.documents.lock().unwrap().get(url).cloned().unwrap_or_else(missing)
    }
}
