use keyward_sdk::time::{ManualClock, Span, Timestamp};
use serde_json::{Value, json};

use super::*;
use crate::identity::{
    ClaimType, ClaimValue,
    oidc::{
        DeclaredClaim,
        testing::{FakeFetch, ISS, NOW, RSA, Signer, claims, config, jwks},
    },
};

const TENANT: TenantId = TenantId([1; 16]);

struct Bench {
    issuers: Arc<Issuers>,
    clock: Arc<ManualClock>,
}

fn bench_with(config: IssuerConfig) -> Bench {
    let clock = ManualClock::at(Timestamp::from_secs(NOW));
    let issuers = Issuers::new(FakeFetch::new(), clock.clone(), &CancellationToken::new());
    issuers.replace(TENANT, vec![config]);
    Bench { issuers: Arc::new(issuers), clock }
}

fn bench(signers: &[&Signer]) -> Bench {
    bench_with(config(&json!({"static": jwks(signers)})))
}

impl Bench {
    async fn verify(&self, token: &str) -> Result<Verified, OidcError> {
        self.issuers.verify(TENANT, token).await
    }

    /// A token of RSA with one claim changed; `null` removes it.
    async fn with(&self, name: &str, value: Value) -> Result<Verified, OidcError> {
        let mut claims = claims();
        match value {
            Value::Null => claims.as_object_mut().unwrap().remove(name),
            value => claims.as_object_mut().unwrap().insert(name.into(), value),
        };
        self.verify(&RSA.sign(&claims)).await
    }
}

#[tokio::test]
async fn every_allowed_algorithm_verifies() {
    use SignatureAlgorithm as A;
    for algorithm in [A::RS384, A::RS512, A::PS256, A::PS384, A::PS512, A::ES256, A::ES384, A::EdDSA, A::RS256] {
        let signer = Signer::new("k", algorithm);
        let verified = bench(&[&signer]).verify(&signer.sign(&claims())).await.unwrap();
        assert_eq!(&*verified.subject, "project_path:org/app:ref_type:branch:ref:main");
        assert_eq!(verified.expires_at, Timestamp::from_secs(NOW + 300));
        assert_eq!(verified.accepted_until, Timestamp::from_secs(NOW + 360));
    }
}

#[tokio::test]
async fn an_unsigned_token_is_refused() {
    let bench = bench(&[&RSA]);
    let signed = RSA.sign_under(&json!({"alg":"none"}), &claims());
    let cut = format!("{}.", signed.rsplit_once('.').unwrap().0);
    assert_eq!(bench.verify(&signed).await, Err(OidcError::Algorithm));
    assert!(matches!(bench.verify(&cut).await, Err(OidcError::Garbled(_))));
}

#[tokio::test]
async fn an_hmac_with_the_public_key_is_refused() {
    use data_encoding::BASE64URL_NOPAD as B64;
    let bench = bench(&[&RSA]);
    let signed =
        format!("{}.{}", B64.encode(br#"{"alg":"HS256","kid":"rsa-1"}"#), B64.encode(claims().to_string().as_bytes()));
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &RSA.modulus());
    let forged = format!("{signed}.{}", B64.encode(ring::hmac::sign(&key, signed.as_bytes()).as_ref()));
    assert_eq!(bench.verify(&forged).await, Err(OidcError::Algorithm));
}

#[tokio::test]
async fn a_key_is_not_used_for_an_algorithm_of_another_kind() {
    let ec = Signer::new("rsa-1", SignatureAlgorithm::ES256);
    let bench = bench(&[&RSA]);
    assert_eq!(bench.verify(&ec.sign(&claims())).await, Err(OidcError::KeyUnknown));
    let claimed = RSA.sign_under(&json!({"alg":"ES256","kid":"rsa-1"}), &claims());
    assert_eq!(bench.verify(&claimed).await, Err(OidcError::KeyUnknown));
    // The right kind of key, another padding than the one it was signed with.
    let padding = RSA.sign_under(&json!({"alg":"PS256","kid":"rsa-1"}), &claims());
    assert_eq!(bench.verify(&padding).await, Err(OidcError::Signature));
}

#[tokio::test]
async fn an_algorithm_outside_the_issuers_list_is_refused() {
    let mut config = config(&json!({"static": jwks(&[&RSA])}));
    config.algorithms = vec![SignatureAlgorithm::ES256];
    assert_eq!(bench_with(config).verify(&RSA.sign(&claims())).await, Err(OidcError::Algorithm));
}

#[tokio::test]
async fn keys_that_a_token_brings_are_never_used() {
    let bench = bench(&[&RSA]);
    let attacker = Signer::new("rsa-1", SignatureAlgorithm::ES256);
    for (name, value) in [
        ("jwk", attacker.jwk()),
        ("jku", json!("https://evil.example/jwks")),
        ("x5u", json!("https://evil.example/c")),
        ("x5c", json!(["MIIB"])),
    ] {
        let header = json!({"alg":"ES256","kid":"rsa-1",name:value});
        assert_eq!(bench.verify(&attacker.sign_under(&header, &claims())).await, Err(OidcError::Header(name)));
    }
    let header = json!({"alg":"RS256","kid":"rsa-1","crit":["exp"]});
    assert_eq!(bench.verify(&RSA.sign_under(&header, &claims())).await, Err(OidcError::Header("crit")));
}

#[tokio::test]
async fn odd_key_ids_find_nothing() {
    let bench = bench(&[&RSA, &Signer::new("ec-1", SignatureAlgorithm::ES256)]);
    for kid in ["", "RSA-1", "rsa-1 ", "../rsa-1", "rsa-1\0", "' OR 1=1 --", "ec-1"] {
        let token = RSA.sign_under(&json!({"alg":"RS256","kid":kid}), &claims());
        assert_eq!(bench.verify(&token).await, Err(OidcError::KeyUnknown), "{kid:?}");
    }
    assert!(bench.verify(&RSA.sign_under(&json!({"alg":"RS256"}), &claims())).await.is_ok());
}

#[tokio::test]
async fn times_are_checked_with_the_issuers_skew_and_no_more() {
    let bench = bench(&[&RSA]);
    assert_eq!(bench.with("exp", Value::Null).await, Err(OidcError::Missing("exp")));
    assert_eq!(bench.with("exp", json!(NOW - 60)).await, Err(OidcError::Expired));
    assert!(bench.with("exp", json!(NOW - 59)).await.is_ok());
    assert_eq!(bench.with("nbf", json!(NOW + 61)).await, Err(OidcError::NotYetValid));
    assert!(bench.with("nbf", json!(NOW + 60)).await.is_ok());
    assert_eq!(bench.with("iat", json!(NOW + 61)).await, Err(OidcError::IssuedInFuture));
    for wrong in [json!("1900000000"), json!(-1), json!([1]), json!(1e300), json!(true), json!({})] {
        assert_eq!(bench.with("exp", wrong).await, Err(OidcError::ClaimType("exp".into())));
    }
    assert!(bench.with("exp", json!(NOW as f64 + 0.5)).await.is_ok());
    bench.clock.advance(Span::from_secs(300 + 60));
    assert_eq!(bench.verify(&RSA.sign(&claims())).await, Err(OidcError::Expired));
}

#[tokio::test]
async fn an_old_token_is_refused_where_the_issuer_limits_its_age() {
    let mut config = config(&json!({"static": jwks(&[&RSA])}));
    config.max_token_age_seconds = Some(30);
    let bench = bench_with(config);
    assert!(bench.with("iat", json!(NOW - 89)).await.is_ok());
    assert_eq!(bench.with("iat", json!(NOW - 90)).await, Err(OidcError::TooOld));
    assert_eq!(bench.with("iat", Value::Null).await, Err(OidcError::Missing("iat")));
}

#[tokio::test]
async fn a_token_without_our_audience_is_refused() {
    let bench = bench(&[&RSA]);
    assert_eq!(bench.with("aud", Value::Null).await, Err(OidcError::Missing("aud")));
    assert_eq!(bench.with("aud", json!("keyward2")).await, Err(OidcError::Audience));
    assert_eq!(bench.with("aud", json!("KEYWARD")).await, Err(OidcError::Audience));
    assert_eq!(bench.with("aud", json!([])).await, Err(OidcError::Audience));
    assert!(bench.with("aud", json!(["other", "keyward"])).await.is_ok());
    for wrong in [json!(7), json!(["keyward", 7]), json!({"keyward": true}), json!(vec!["keyward"; 33])] {
        assert_eq!(bench.with("aud", wrong).await, Err(OidcError::ClaimType("aud".into())));
    }
}

#[tokio::test]
async fn the_issuer_is_compared_byte_for_byte() {
    let bench = bench(&[&RSA]);
    for iss in [
        "https://ci.example/org/",
        "https://CI.example/org",
        "https://ci.example:443/org",
        "https://ci.example/./org",
        "http://ci.example/org",
        "",
    ] {
        assert_eq!(bench.with("iss", json!(iss)).await, Err(OidcError::IssuerUnknown), "{iss}");
    }
    assert_eq!(bench.with("iss", json!([ISS])).await, Err(OidcError::Missing("iss")));
    assert_eq!(bench.with("iss", Value::Null).await, Err(OidcError::Missing("iss")));
}

#[tokio::test]
async fn an_issuer_of_one_tenant_is_unknown_in_another() {
    let bench = bench(&[&RSA]);
    let token = RSA.sign(&claims());
    assert!(bench.verify(&token).await.is_ok());
    assert_eq!(bench.issuers.verify(TenantId([2; 16]), &token).await, Err(OidcError::IssuerUnknown));
}

#[tokio::test]
async fn subjects_are_neither_empty_nor_endless() {
    let bench = bench(&[&RSA]);
    for bad in [json!(""), json!("a".repeat(513)), json!("a\u{0}b"), json!("a\nb"), json!(7), json!(["a"])] {
        assert_eq!(bench.with("sub", bad).await, Err(OidcError::Subject));
    }
    assert_eq!(bench.with("sub", Value::Null).await, Err(OidcError::Missing("sub")));
    assert!(bench.with("sub", json!("a".repeat(512))).await.is_ok());
}

#[tokio::test]
async fn a_changed_byte_anywhere_is_refused() {
    let bench = bench(&[&RSA]);
    let token = RSA.sign(&claims());
    for at in (0..token.len()).step_by(7) {
        let mut bytes = token.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        assert!(bench.verify(&String::from_utf8(bytes).unwrap()).await.is_err(), "byte {at}");
    }
}

#[tokio::test]
async fn duplicate_claims_deep_nesting_and_huge_tokens_are_refused() {
    let bench = bench(&[&RSA]);
    let header = r#"{"alg":"RS256","kid":"rsa-1"}"#;
    let twice = claims().to_string().replacen('{', r#"{"sub":"admin","#, 1);
    assert!(matches!(bench.verify(&RSA.sign_text(header, &twice)).await, Err(OidcError::Garbled(_))));
    let deep = claims().to_string().replacen('{', &format!(r#"{{"x":{}1{},"#, "[".repeat(64), "]".repeat(64)), 1);
    assert!(matches!(bench.verify(&RSA.sign_text(header, &deep)).await, Err(OidcError::Garbled(_))));
    let huge = bench.with("pad", json!("a".repeat(16 << 10))).await;
    assert!(matches!(huge, Err(OidcError::Garbled(_))));
}

#[tokio::test]
async fn the_twin_of_an_ecdsa_signature_has_the_same_fingerprint() {
    let signer = Signer::new("k", SignatureAlgorithm::ES256);
    let bench = bench(&[&signer]);
    let (one, two) = (signer.sign(&claims()), signer.sign(&claims()));
    assert_ne!(one, two); // another signature of the same content
    let print = async |token: &str| bench.verify(token).await.unwrap().fingerprint;
    assert_eq!(print(&one).await, print(&two).await);
}

#[tokio::test]
async fn only_declared_claims_come_through() {
    let mut config = config(&json!({"static": jwks(&[&RSA])}));
    config.claims.insert("groups".into(), DeclaredClaim { kind: ClaimType::Texts, path: None });
    let bench = bench_with(config);
    let verified = bench.with("groups", json!(["a", "b"])).await.unwrap();
    assert_eq!(verified.claims.len(), 1);
    assert_eq!(verified.claims["groups"], ClaimValue::Texts(vec!["a".into(), "b".into()]));
    assert_eq!(bench.with("groups", json!("admin")).await, Err(OidcError::ClaimType("groups".into())));
}

#[tokio::test]
async fn a_modulus_with_a_leading_zero_byte_verifies() {
    use data_encoding::BASE64URL_NOPAD as B64;
    let padded = [&[0][..], &RSA.modulus()].concat();
    let keys = json!({"keys":[{"kty":"RSA","kid":"rsa-1","e":"AQAB","n":B64.encode(&padded)}]}).to_string();
    assert!(bench_with(config(&json!({"static": keys}))).verify(&RSA.sign(&claims())).await.is_ok());
}

#[tokio::test]
async fn a_removed_issuer_is_unknown_at_once() {
    let bench = bench(&[&RSA]);
    let token = RSA.sign(&claims());
    assert!(bench.verify(&token).await.is_ok());
    bench.issuers.replace(TENANT, Vec::new());
    assert_eq!(bench.verify(&token).await, Err(OidcError::IssuerUnknown));
}

#[tokio::test]
async fn an_issuer_renamed_in_one_commit_is_never_lost() {
    use crate::keyring::{View, encode};
    let bench = bench(&[&RSA]);
    let mut renamed = config(&json!({"static": jwks(&[&RSA])}));
    renamed.name = "zz".parse().unwrap();
    bench.issuers.apply(TENANT, "zz", Some(&encode(&renamed).unwrap())).unwrap();
    bench.issuers.apply(TENANT, "ci", None).unwrap();
    let verified = bench.verify(&RSA.sign(&claims())).await.unwrap();
    assert_eq!(verified.issuer.name.as_str(), "zz");
}
