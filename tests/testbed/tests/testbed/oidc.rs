//! The OpenID provider.

use data_encoding::BASE64URL_NOPAD;
use keyward_testbed::{OidcProvider, http};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

fn claims(token: &str) -> Value {
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64URL_NOPAD.decode(part.as_bytes()).unwrap()).unwrap()
}

async fn kids(provider: &OidcProvider) -> Vec<String> {
    let jwks = http::get(&format!("{}/jwks", provider.issuer())).send().await.unwrap().json();
    jwks["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_person_logs_in_with_a_code_on_a_loopback_port() {
    let provider = OidcProvider::start().await;
    let issuer = provider.issuer();
    provider.account("bob", json!({ "groups": ["operators"] })).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let redirect = format!("http://127.0.0.1:{}/callback", listener.local_addr().unwrap().port());
    let waiting = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 4096];
        let size = stream.read(&mut request).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\ndone").await.unwrap();
        String::from_utf8_lossy(&request[..size]).into_owned()
    });
    // RFC 7636, appendix B.
    let (verifier, challenge) =
        ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    let url = format!(
        "{issuer}/auth?client_id=keyward-cli&response_type=code&scope=openid%20groups&state=s1&nonce=n1\
         &redirect_uri={}&code_challenge={challenge}&code_challenge_method=S256",
        http::percent(&redirect)
    );
    let page = provider.browse(&url, "bob").await;
    assert_eq!((page.status, page.body.as_str()), (200, "done"), "{page:?}");
    let request = waiting.await.unwrap();
    assert!(request.contains("state=s1"), "{request}");
    let code = request.split("code=").nth(1).unwrap().split(['&', ' ']).next().unwrap();
    let form = |verifier| {
        [
            ("grant_type", "authorization_code"),
            ("client_id", OidcProvider::CLIENT_ID),
            ("code", code),
            ("redirect_uri", &redirect),
            ("code_verifier", verifier),
        ]
    };
    let token = format!("{issuer}/token");
    let reply = http::post(&token).form(&form(verifier)).send().await.unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
    let seen = claims(reply.json()["id_token"].as_str().unwrap());
    assert_eq!((&seen["sub"], &seen["aud"], &seen["nonce"]), (&json!("bob"), &json!("keyward-cli"), &json!("n1")));
    assert_eq!(seen["groups"], json!(["operators"]));
    let twice = http::post(&token).form(&form(verifier)).send().await.unwrap();
    assert_eq!(twice.json()["error"], "invalid_grant", "a code works once");

    let refused = provider.browse_and_refuse(&url).await;
    assert!(refused.url.starts_with(&redirect) && refused.url.contains("error=access_denied"), "{refused:?}");
}

#[tokio::test]
async fn a_device_is_let_in_and_a_refused_one_is_not() {
    let provider = OidcProvider::start().await;
    let ask = async || {
        let form = [("client_id", OidcProvider::CLIENT_ID), ("scope", "openid groups")];
        http::post(&format!("{}/device/auth", provider.issuer())).form(&form).send().await.unwrap().json()
    };
    let poll = async |device: &Value| {
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("client_id", OidcProvider::CLIENT_ID),
            ("device_code", device["device_code"].as_str().unwrap()),
        ];
        http::post(&format!("{}/token", provider.issuer())).form(&form).send().await.unwrap().json()
    };
    let device = ask().await;
    assert_eq!(poll(&device).await["error"], "authorization_pending");
    let page = provider.browse(device["verification_uri_complete"].as_str().unwrap(), "alice").await;
    assert_eq!(page.status, 200, "{page:?}");
    let reply = poll(&device).await;
    assert_eq!(claims(reply["id_token"].as_str().unwrap())["groups"], json!(["developers"]), "{reply}");

    let other = ask().await;
    provider.browse_and_refuse(other["verification_uri_complete"].as_str().unwrap()).await;
    assert_eq!(poll(&other).await["error"], "access_denied");
}

#[tokio::test]
async fn keys_change_and_tokens_are_signed_with_the_current_one() {
    let provider = OidcProvider::start().await;
    let before = kids(&provider).await;
    provider.rotate_keys_keeping_old().await;
    let both = kids(&provider).await;
    assert!(before.iter().all(|kid| both.contains(kid)) && both.len() == 4);
    provider.rotate_keys().await;
    let after = kids(&provider).await;
    assert!(after.len() == 2 && after.iter().all(|kid| !both.contains(kid)));
    let token = provider.mint(json!({ "aud": "keyward", "groups": ["a"], "jti": null })).await;
    let header = BASE64URL_NOPAD.decode(token.split('.').next().unwrap().as_bytes()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    assert!(after.contains(&header["kid"].as_str().unwrap().to_owned()));
    let seen = claims(&token);
    assert_eq!((&seen["aud"], seen.get("jti")), (&json!("keyward"), None));
    assert!(provider.seen("/jwks").await >= 3);
}
