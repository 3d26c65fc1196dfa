//! The stand-in for CI issuers.

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use data_encoding::BASE64URL_NOPAD;
use keyward_testbed::ci::{Alg, Fault, REQUEST_TOKEN};
use keyward_testbed::{CiTokens, http};
use serde_json::{Value, json};

fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&BASE64URL_NOPAD.decode(part.as_bytes()).unwrap()).unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    BASE64URL_NOPAD.decode(value.as_str().unwrap().as_bytes()).unwrap()
}

fn rsa_key<'a>(jwks: &'a Value, token: &str) -> Option<&'a Value> {
    let kid = part(token, 0)["kid"].clone();
    jwks["keys"].as_array().unwrap().iter().find(|key| key["kid"] == kid && key["kty"] == "RSA")
}

fn opens(jwks: &Value, token: &str) -> bool {
    let Some(key) = rsa_key(jwks, token) else { return false };
    let (body, signature) = token.rsplit_once('.').unwrap();
    let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap();
    let modulus = bytes(&key["n"]);
    let modulus = modulus.strip_prefix(&[0]).unwrap_or(&modulus).to_vec();
    let key = RsaPublicKeyComponents { n: modulus, e: bytes(&key["e"]) };
    key.verify(&RSA_PKCS1_2048_8192_SHA256, body.as_bytes(), &signature).is_ok()
}

#[tokio::test]
async fn tokens_verify_against_what_discovery_leads_to() {
    let ci = CiTokens::start().await;
    let tokens = [ci.github(json!({})), ci.gitlab(json!({})), ci.azure(json!({})), ci.jenkins(json!({}))];
    for token in &tokens {
        let issuer = part(token, 1)["iss"].as_str().unwrap().to_owned();
        let discovery = format!("{issuer}/.well-known/openid-configuration");
        let document = http::get(&discovery).ca(ci.ca_pem()).send().await.unwrap().json();
        assert_eq!(document["issuer"], issuer.as_str());
        let jwks = http::get(document["jwks_uri"].as_str().unwrap()).ca(ci.ca_pem()).send().await.unwrap().json();
        assert!(opens(&jwks, token), "{issuer}");
    }
    let [_, gitlab, _, jenkins] = tokens.map(|token| part(&token, 1));
    assert_eq!((&gitlab["ref_protected"], &gitlab["project_id"]), (&json!("true"), &json!("20")), "strings");
    assert_eq!((&jenkins["build_number"], jenkins.get("jti")), (&json!(42), None));

    let old = ci.github(json!({}));
    ci.rotate();
    assert!(!opens(&ci.jwks(), &old), "a new key does not open what the old one signed");
    let token = ci.github(json!({ "repository": "evil/shop", "environment": null }));
    assert_eq!((&part(&token, 1)["repository"], part(&token, 1).get("environment")), (&json!("evil/shop"), None));
    let none = ci.signed(Alg::None, json!({}), &json!({ "sub": "x" }));
    assert!(none.ends_with('.') && part(&none, 0)["alg"] == "none");
}

#[tokio::test]
async fn github_and_azure_hand_out_tokens_only_to_their_job() {
    let ci = CiTokens::start().await;
    let find = |env: &[(String, String)], name: &str| env.iter().find(|(key, _)| key == name).unwrap().1.clone();

    let github = find(&ci.github_env(true), "ACTIONS_ID_TOKEN_REQUEST_URL");
    let url = format!("{github}&audience=https%3A%2F%2Fkeyward.example");
    let refused = http::get(&url).ca(ci.ca_pem()).send().await.unwrap();
    assert_eq!(refused.status, 401);
    let given = http::get(&url).ca(ci.ca_pem()).bearer(REQUEST_TOKEN).send().await.unwrap().json();
    let token = given["value"].as_str().unwrap().to_owned();
    assert_eq!(part(&token, 1)["aud"], "https://keyward.example");
    assert!(opens(&ci.jwks(), &token));

    let azure = find(&ci.azure_env(false), "SYSTEM_OIDCREQUESTURI");
    let sent_away = http::post(&azure).send().await.unwrap();
    assert_eq!(sent_away.status, 302, "without its header the service redirects to a page");
    let refused = http::post(&azure).header("X-TFS-FedAuthRedirect", "Suppress").send().await.unwrap();
    assert_eq!(refused.status, 401);
    let unversioned = http::post(&azure).bearer(REQUEST_TOKEN).send().await.unwrap();
    assert_eq!(unversioned.status, 400);
    ci.endpoint_claims(json!({ "def_id": "99" }));
    let url = format!("{azure}?api-version=7.1");
    let given = http::post(&url).bearer(REQUEST_TOKEN).json(&json!({})).send().await.unwrap().json();
    assert_eq!(part(given["oidcToken"].as_str().unwrap(), 1)["def_id"], "99");
}

#[tokio::test]
async fn the_issuer_fails_in_the_way_it_is_told() {
    let ci = CiTokens::start().await;
    let url = format!("{}/jwks", ci.http_issuer());
    let within =
        async |millis| tokio::time::timeout(std::time::Duration::from_millis(millis), http::get(&url).send()).await;
    ci.leading_zero(true);
    let token = ci.jenkins(json!({}));
    let jwks = http::get(&url).send().await.unwrap().json();
    let modulus = bytes(&rsa_key(&jwks, &token).unwrap()["n"]);
    assert_eq!((modulus.len(), modulus[0]), (257, 0));
    assert!(opens(&jwks, &token));

    ci.fault("/jwks", Fault::Redirect("http://169.254.169.254/".into()));
    let reply = http::get(&url).send().await.unwrap();
    assert_eq!((reply.status, reply.headers["location"].to_str().unwrap()), (302, "http://169.254.169.254/"));
    ci.fault("/jwks", Fault::Status(503));
    assert_eq!(http::get(&url).send().await.unwrap().status, 503);
    ci.fault("/jwks", Fault::Cut);
    assert!(http::get(&url).send().await.is_err());
    for endless in [Fault::Hang, Fault::Drip, Fault::Endless] {
        ci.fault("/jwks", endless.clone());
        assert!(within(300).await.is_err(), "{endless:?}");
    }
    ci.fault("/jwks", Fault::Huge);
    assert!(http::get(&url).send().await.unwrap().body.len() > 64 << 20);
    let before = ci.seen("/jwks");
    ci.heal();
    assert_eq!(http::get(&url).send().await.unwrap().json(), ci.jwks());
    assert_eq!(ci.seen("/jwks"), before + 1);
}
