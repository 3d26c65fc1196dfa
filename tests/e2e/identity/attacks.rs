//! OIDC tokens as attackers make them, over the API: each is refused for its one reason, and nobody logs in.

use data_encoding::BASE64URL_NOPAD;
use keyward_sdk::crypto::hmac::HmacKey;
use keyward_testbed::{CiTokens, ci::Alg};
use serde_json::{Value, json};
use tonic::Code;

use crate::support::{AUDIENCE, Broker, Caller, Key, broker, github, reason};

fn now() -> u64 {
    std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()
}

fn claims(ci: &CiTokens, more: Value) -> Value {
    let mut claims = json!({
        "iss": ci.issuer(), "sub": "job", "aud": AUDIENCE, "iat": now(), "exp": now() + 300,
        "repository": "acme/shop", "ref": "refs/heads/main", "environment": "production",
    });
    for (name, value) in more.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims
}

struct Attacked {
    _broker: Broker,
    caller: Caller,
    ci: CiTokens,
}

impl Attacked {
    async fn start() -> Self {
        let (broker, ci) = (broker().start().await, CiTokens::start().await);
        broker.deploys(&ci).await;
        let caller = broker.caller().key(&Key::make()).connect().await;
        let this = Self { _broker: broker, caller, ci };
        this.caller.login("deploy", &this.signed(json!({}), json!({}))).await.expect("an honest job logs in");
        this
    }

    fn signed(&self, header: Value, more: Value) -> String {
        self.ci.signed(Alg::Rs256, header, &claims(&self.ci, more))
    }

    async fn refused(&self, token: &str) -> String {
        let status = self.caller.login("deploy", token).await.expect_err("nobody logs in");
        assert_eq!(status.code(), Code::Unauthenticated, "{status:?}");
        reason(&status)
    }
}

#[tokio::test]
async fn a_header_that_brings_or_fetches_a_key_is_refused() {
    let attacked = Attacked::start().await;
    let own = attacked.ci.jwks()["keys"][0].clone();
    for header in [
        json!({ "jku": "https://attacker.example/jwks" }),
        json!({ "x5u": "https://attacker.example/chain" }),
        json!({ "x5c": ["AAAA"] }),
        json!({ "jwk": own }),
        json!({ "crit": ["exp"] }),
        json!({ "crit": [] }),
        json!({ "b64": false }),
        json!({ "zip": "DEF" }),
        json!({ "typ": "logout+jwt" }),
    ] {
        let token = attacked.signed(header.clone(), json!({}));
        assert_eq!(attacked.refused(&token).await, "ID_TOKEN_HEADER", "{header}");
    }
    assert_eq!(attacked.ci.seen("/jwks"), 0, "nothing was fetched for them");
}

#[tokio::test]
async fn an_unsigned_or_symmetric_token_is_refused() {
    let attacked = Attacked::start().await;
    let unsigned = attacked.ci.signed(Alg::None, json!({}), &claims(&attacked.ci, json!({})));
    assert_eq!(attacked.refused(&unsigned).await, "ID_TOKEN_GARBLED");
    // With somebody's signature on it.
    for alg in ["none", "None", "nOnE", "HS256", "HS512", "RS1"] {
        let token = attacked.signed(json!({ "alg": alg }), json!({}));
        assert_eq!(attacked.refused(&token).await, "ID_TOKEN_ALGORITHM", "{alg}");
    }
    // The public key, as the key of an HMAC.
    let jwks = attacked.ci.jwks();
    let public = BASE64URL_NOPAD.decode(jwks["keys"][0]["n"].as_str().unwrap().as_bytes()).unwrap();
    let encode = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    let header = json!({ "typ": "JWT", "alg": "HS256", "kid": jwks["keys"][0]["kid"] });
    let body = format!("{}.{}", encode(&header), encode(&claims(&attacked.ci, json!({}))));
    let tag = HmacKey::new(&public).tag(body.as_bytes());
    let token = format!("{body}.{}", BASE64URL_NOPAD.encode(tag.as_ref()));
    assert_eq!(attacked.refused(&token).await, "ID_TOKEN_ALGORITHM");
    // An algorithm that the issuer has a key for, and its settings do not allow.
    let other = attacked.ci.signed(Alg::Es256, json!({}), &claims(&attacked.ci, json!({})));
    assert_eq!(attacked.refused(&other).await, "ID_TOKEN_ALGORITHM");
}

#[tokio::test]
async fn a_token_that_was_signed_by_someone_else_or_changed_is_refused() {
    let attacked = Attacked::start().await;
    let mallory = CiTokens::start().await;
    let forged = mallory.signed(Alg::Rs256, json!({}), &claims(&attacked.ci, json!({})));
    assert_eq!(attacked.refused(&forged).await, "ID_TOKEN_KEY_UNKNOWN");
    let kid = attacked.ci.jwks()["keys"][0]["kid"].clone();
    let forged = mallory.signed(Alg::Rs256, json!({ "kid": kid }), &claims(&attacked.ci, json!({})));
    assert_eq!(attacked.refused(&forged).await, "ID_TOKEN_SIGNATURE");
    let honest = attacked.signed(json!({}), json!({}));
    let parts: Vec<_> = honest.split('.').collect();
    let other = attacked.signed(json!({}), json!({ "repository": "acme/other" }));
    let swapped = format!("{}.{}.{}", parts[0], parts[1], other.split('.').nth(2).unwrap());
    assert_eq!(attacked.refused(&swapped).await, "ID_TOKEN_SIGNATURE");
    assert_eq!(attacked.refused(&format!("{honest}=")).await, "ID_TOKEN_SIGNATURE");
    for garbled in [format!("{}.{}", parts[0], parts[1]), format!("{honest}.{}", parts[2]), "..".to_owned()] {
        assert_eq!(attacked.refused(&garbled).await, "ID_TOKEN_GARBLED");
    }
}

#[tokio::test]
async fn claims_of_another_type_than_declared_are_refused_and_never_converted() {
    let attacked = Attacked::start().await;
    for more in [
        json!({ "repository": ["acme/shop"] }),
        json!({ "repository": 7 }),
        json!({ "repository": true }),
        json!({ "repository": { "name": "acme/shop" } }),
        json!({ "exp": (now() + 300).to_string() }),
        json!({ "aud": { "a": AUDIENCE } }),
        json!({ "aud": [AUDIENCE, 7] }),
    ] {
        let token = attacked.signed(json!({}), more.clone());
        assert_eq!(attacked.refused(&token).await, "ID_TOKEN_CLAIM_TYPE", "{more}");
    }
    for missing in ["exp", "aud", "sub"] {
        let token = attacked.signed(json!({}), json!({ missing: null }));
        assert_eq!(attacked.refused(&token).await, "ID_TOKEN_CLAIM_MISSING", "{missing}");
    }
    for subject in [json!(""), json!("a\u{0}b"), json!(7), json!("x".repeat(513))] {
        let token = attacked.signed(json!({}), json!({ "sub": subject }));
        assert_eq!(attacked.refused(&token).await, "ID_TOKEN_SUBJECT", "{subject}");
    }
    // A claim that is not there is not a claim of another type: policy decides.
    let token = attacked.signed(json!({}), json!({ "repository": null }));
    assert_eq!(attacked.caller.login("deploy", &token).await.unwrap_err().code(), Code::PermissionDenied);
}

#[tokio::test]
async fn clocks_may_differ_by_a_minute_and_no_more() {
    let attacked = Attacked::start().await;
    let take = async |more: Value| attacked.caller.login("deploy", &attacked.signed(json!({}), more)).await;
    // Half of the skew, and twice of it: the machine may be slow, and not by so much.
    take(json!({ "exp": now() - 20 })).await.expect("its clock is behind");
    take(json!({ "iat": now() + 30, "nbf": now() + 30 })).await.expect("its clock is ahead");
    assert_eq!(reason(&take(json!({ "exp": now() - 61 })).await.unwrap_err()), "ID_TOKEN_EXPIRED");
    assert_eq!(reason(&take(json!({ "nbf": now() + 240 })).await.unwrap_err()), "ID_TOKEN_NOT_YET_VALID");
    assert_eq!(reason(&take(json!({ "iat": now() + 240 })).await.unwrap_err()), "ID_TOKEN_ISSUED_IN_FUTURE");
}

#[tokio::test]
async fn a_token_for_someone_else_is_refused() {
    let attacked = Attacked::start().await;
    let refused = async |more: Value| attacked.refused(&attacked.signed(json!({}), more)).await;
    assert_eq!(refused(json!({ "aud": "https://elsewhere.example" })).await, "ID_TOKEN_AUDIENCE");
    assert_eq!(refused(json!({ "aud": [] })).await, "ID_TOKEN_AUDIENCE");
    assert_eq!(refused(json!({ "aud": format!("{AUDIENCE}/") })).await, "ID_TOKEN_AUDIENCE");
    assert_eq!(refused(json!({ "iss": format!("{}/", attacked.ci.issuer()) })).await, "ISSUER_UNKNOWN");
    assert_eq!(refused(json!({ "iss": "https://attacker.example" })).await, "ISSUER_UNKNOWN");
    let others = json!({ "aud": ["https://elsewhere.example", AUDIENCE] });
    attacked.caller.login("deploy", &attacked.signed(json!({}), others)).await.expect("one of them means us");
    attacked.caller.login("deploy", &github(&attacked.ci, json!({}))).await.expect("and the honest job still");
}
