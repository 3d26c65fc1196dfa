use keyward_sdk::time::{ManualClock, Span};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{
    identity::oidc::{
        Issuers, OidcError, SignatureAlgorithm, Verified,
        testing::{FakeFetch, ISS, NOW, RSA, Signer, claims, config, jwks},
    },
    method::{Name, TenantId},
};

const TENANT: TenantId = TenantId([1; 16]);
const DISCOVERY: &str = "https://ci.example/org/.well-known/openid-configuration";
const JWKS: &str = "https://ci.example/jwks";

struct Bench {
    issuers: Arc<Issuers>,
    clock: Arc<ManualClock>,
    net: Arc<FakeFetch>,
}

fn bench_on(net: Arc<FakeFetch>) -> Bench {
    let clock = ManualClock::at(Timestamp::from_secs(NOW));
    let issuers = Arc::new(Issuers::new(net.clone(), clock.clone(), &CancellationToken::new()));
    issuers.replace(TENANT, vec![config(&json!("discovery"))]);
    net.put(DISCOVERY, &json!({"issuer": ISS, "jwks_uri": JWKS}).to_string());
    Bench { issuers, clock, net }
}

impl Bench {
    async fn login(&self, signer: &Signer) -> Result<Verified, OidcError> {
        let mut claims = claims();
        claims["exp"] = json!(NOW + 1_000_000);
        self.issuers.verify(TENANT, &signer.sign(&claims)).await
    }

    fn state(&self) -> crate::identity::oidc::IssuerState {
        self.issuers.state(TENANT, &"ci".parse::<Name>().unwrap()).unwrap()
    }
}

#[tokio::test]
async fn keys_are_discovered_once_and_kept() {
    let bench = bench_on(FakeFetch::new());
    bench.net.put(JWKS, &jwks(&[&RSA]));
    for _ in 0..3 {
        bench.login(&RSA).await.unwrap();
    }
    assert_eq!(bench.net.count(), 2); // the discovery document and the keys
    assert_eq!(bench.state().keys.len(), 1);
    assert_eq!(bench.state().fetches.last_error, None);
}

#[tokio::test]
async fn an_unknown_key_id_causes_a_fetch_but_only_so_often() {
    let bench = bench_on(FakeFetch::new());
    let new = Signer::new("new", SignatureAlgorithm::ES256);
    bench.net.put(JWKS, &jwks(&[&RSA]));
    bench.login(&RSA).await.unwrap();
    for _ in 0..10 {
        assert_eq!(bench.login(&new).await, Err(OidcError::KeyUnknown));
    }
    assert_eq!(bench.net.count(), 2);
    bench.net.put(JWKS, &jwks(&[&RSA, &new]));
    bench.clock.advance(Span::from_secs(10));
    bench.login(&new).await.unwrap();
    assert_eq!(bench.net.count(), 4);
}

#[tokio::test]
async fn a_key_missing_from_a_successful_fetch_is_dropped_at_once() {
    let bench = bench_on(FakeFetch::new());
    let new = Signer::new("new", SignatureAlgorithm::ES256);
    bench.net.put(JWKS, &jwks(&[&RSA]));
    bench.login(&RSA).await.unwrap();
    bench.net.put(JWKS, &jwks(&[&new]));
    bench.clock.advance(Span::from_secs(10));
    bench.login(&new).await.unwrap();
    assert_eq!(bench.login(&RSA).await, Err(OidcError::KeyUnknown));
}

#[tokio::test]
async fn without_any_fetch_keys_count_for_24_hours() {
    let bench = bench_on(FakeFetch::new());
    bench.net.put(JWKS, &jwks(&[&RSA]));
    bench.login(&RSA).await.unwrap();
    bench.net.fail(JWKS);
    bench.clock.advance(Span::from_hours(24));
    bench.login(&RSA).await.unwrap();
    bench.clock.advance(Span::from_millis(1));
    let gone = FetchError::Timeout("ci.example".into());
    assert_eq!(bench.login(&RSA).await, Err(OidcError::KeysUnavailable(gone.clone())));
    assert_eq!(bench.state().fetches.last_error, Some(gone));
    assert_eq!(bench.state().keys, []);
}

#[tokio::test]
async fn a_clock_set_back_does_not_prolong_keys() {
    let bench = bench_on(FakeFetch::new());
    bench.net.put(JWKS, &jwks(&[&RSA]));
    bench.login(&RSA).await.unwrap();
    bench.net.fail(JWKS);
    bench.clock.advance(Span::from_hours(25));
    bench.clock.set_wall(Timestamp::from_secs(NOW));
    assert!(bench.login(&RSA).await.is_err());
}

#[tokio::test]
async fn a_failed_fetch_keeps_the_keys_and_is_shown() {
    let bench = bench_on(FakeFetch::new());
    bench.net.put(JWKS, &jwks(&[&RSA]));
    bench.login(&RSA).await.unwrap();
    for (document, problem) in
        [("", true), ("{}", true), (r#"{"keys":[]}"#, true), (r#"{"keys":[{"kty":"oct","k":"AA"}]}"#, true)]
    {
        bench.net.put(JWKS, document);
        bench.clock.advance(Span::from_secs(10));
        bench.issuers.refresh(TENANT, &"ci".parse().unwrap()).await;
        assert_eq!(matches!(bench.state().fetches.last_error, Some(FetchError::Document { .. })), problem);
        bench.login(&RSA).await.unwrap();
    }
}

#[tokio::test]
async fn a_discovery_document_of_another_issuer_is_refused() {
    let bench = bench_on(FakeFetch::new());
    bench.net.put(JWKS, &jwks(&[&RSA]));
    bench.net.put(DISCOVERY, &json!({"issuer": format!("{ISS}/"), "jwks_uri": JWKS}).to_string());
    assert_eq!(bench.login(&RSA).await, Err(OidcError::KeysUnavailable(FetchError::Issuer)));
}

#[tokio::test]
async fn many_logins_at_once_cause_one_fetch() {
    let bench = bench_on(FakeFetch::closed());
    bench.net.put(JWKS, &jwks(&[&RSA]));
    let logins = futures_util::future::join_all((0..50).map(|_| bench.login(&RSA)));
    let open = async {
        while bench.net.count() == 0 {
            tokio::task::yield_now().await;
        }
        bench.net.open();
    };
    let (results, ()) = tokio::join!(logins, open);
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(bench.net.count(), 2);
}

#[tokio::test]
async fn a_caller_who_gives_up_does_not_break_off_the_fetch() {
    let bench = bench_on(FakeFetch::closed());
    bench.net.put(JWKS, &jwks(&[&RSA]));
    {
        let login = bench.login(&RSA);
        tokio::pin!(login);
        assert!(futures_util::poll!(&mut login).is_pending());
    }
    bench.net.open();
    bench.login(&RSA).await.unwrap();
    assert_eq!(bench.net.count(), 2);
}

#[tokio::test]
async fn a_changed_issuer_keeps_its_keys_only_with_the_same_source() {
    let bench = bench_on(FakeFetch::new());
    bench.net.put(JWKS, &jwks(&[&RSA]));
    bench.login(&RSA).await.unwrap();
    let mut changed = config(&json!("discovery"));
    changed.clock_skew_seconds = 0;
    bench.issuers.replace(TENANT, vec![changed.clone()]);
    assert_eq!(bench.state().keys.len(), 1);
    changed.keys = KeySource::Jwks("https://other.example/jwks".into());
    bench.issuers.replace(TENANT, vec![changed]);
    assert_eq!(bench.state().keys.len(), 0);
}
