//! Who is not identified gets `UNAUTHENTICATED`, with one reason each.

use keyward_api::v1::{AttenuateRequest, RevokeRequest, RevokeSelfRequest, Scope, WhoAmIRequest, revoke_request::What};
use keyward_sdk::time::{Clock, ManualClock, Span, SystemClock};
use keyward_testbed::CiTokens;
use serde_json::json;
use tonic::{Code, Status};

use crate::support::{Caller, Key, broker, github, reason};

async fn refused(caller: &Caller) -> (Code, String) {
    let status = caller.auth().who_am_i(WhoAmIRequest {}).await.expect_err("nobody is identified");
    (status.code(), reason(&status))
}

fn unauthenticated(reason: &str) -> (Code, String) {
    (Code::Unauthenticated, reason.to_owned())
}

#[tokio::test]
async fn a_request_without_a_token_is_refused() {
    let broker = broker().start().await;
    assert_eq!(refused(&broker.caller().connect().await).await, unauthenticated("NO_TOKEN"));
    // A key alone says nothing of whose it is.
    let unknown = broker.caller().key(&Key::make()).connect().await;
    assert_eq!(refused(&unknown).await, unauthenticated("NO_TOKEN"));
}

#[tokio::test]
async fn an_expired_token_is_refused() {
    let clock = ManualClock::at(SystemClock.now());
    let broker = broker().clock(clock.clone()).start().await;
    let ci = CiTokens::start().await;
    broker.deploys(&ci).await;
    let (job, _) = broker.job(&ci, "deploy").await;
    job.auth().who_am_i(WhoAmIRequest {}).await.unwrap();
    clock.advance(Span::from_minutes(15));
    assert_eq!(refused(&job).await, unauthenticated("TOKEN_EXPIRED"));
}

#[tokio::test]
async fn a_token_of_another_installation_is_refused() {
    let (here, there) = tokio::join!(broker().start(), broker().start());
    let (key, token) = there.operator_proof();
    let stranger = here.caller().key(key).token(token).connect().await;
    assert_eq!(refused(&stranger).await, unauthenticated("TOKEN_FOREIGN"));
}

#[tokio::test]
async fn a_revoked_token_and_what_was_narrowed_from_it_are_refused() {
    let broker = broker().start().await;
    let ci = CiTokens::start().await;
    broker.deploys(&ci).await;
    let (job, token) = broker.job(&ci, "deploy").await;
    let narrow =
        AttenuateRequest { scope: Some(Scope { paths: vec!["prod/db".to_owned()], actions: vec![] }), life: None };
    let narrowed = job.auth().attenuate(narrow).await.unwrap().into_inner().token.unwrap();
    let narrowed = job.clone().token(&narrowed.token);
    narrowed.auth().who_am_i(WhoAmIRequest {}).await.unwrap();
    let what = Some(What::TokenId(token.id));
    broker.operator().await.auth().revoke(RevokeRequest { what, issued_before: None }).await.unwrap();
    assert_eq!(refused(&job).await, unauthenticated("TOKEN_REVOKED"));
    assert_eq!(refused(&narrowed).await, unauthenticated("TOKEN_REVOKED"));

    let (other, _) = broker.job(&ci, "deploy").await;
    other.auth().revoke_self(RevokeSelfRequest {}).await.unwrap();
    assert_eq!(refused(&other).await, unauthenticated("TOKEN_REVOKED"));
}

#[tokio::test]
async fn a_copied_token_is_refused() {
    let broker = broker().start().await;
    let ci = CiTokens::start().await;
    broker.deploys(&ci).await;
    let (_, token) = broker.job(&ci, "deploy").await;
    let thief = broker.caller().key(&Key::make()).token(&token.token).connect().await;
    assert_eq!(refused(&thief).await, unauthenticated("TOKEN_NOT_BOUND"));
    let thief = broker.caller().token(&token.token).connect().await;
    assert_eq!(refused(&thief).await, unauthenticated("TOKEN_NOT_BOUND"));
}

#[tokio::test]
async fn a_garbled_token_is_refused() {
    let broker = broker().start().await;
    let (key, token) = broker.operator_proof();
    let caller = broker.caller().key(key).connect().await;
    let mut flipped = token.to_owned().into_bytes();
    let at = flipped.len() - 20;
    flipped[at] = if flipped[at] == b'A' { b'B' } else { b'A' };
    let flipped = String::from_utf8(flipped).unwrap();
    let shown = [flipped.as_str(), &token[..token.len() - 1], "kw1.", "kw9.AAAA", "", "?", &"x".repeat(13_000)];
    for text in shown {
        let (code, reason) = refused(&caller.clone().token(text)).await;
        assert_eq!(
            (code, reason.as_str()),
            (Code::Unauthenticated, "TOKEN_GARBLED"),
            "{}",
            &text[..text.len().min(60)]
        );
    }
    for header in ["Basic abc", "bearer", token] {
        let (code, reason) = refused(&caller.clone().header("authorization", header)).await;
        assert_eq!((code, reason.as_str()), (Code::Unauthenticated, "TOKEN_GARBLED"));
    }
}

#[tokio::test]
async fn an_oidc_token_that_is_not_for_us_does_not_log_in() {
    let broker = broker().start().await;
    let (ci, mallory) = tokio::join!(CiTokens::start(), CiTokens::start());
    broker.deploys(&ci).await;
    let caller = broker.caller().key(&Key::make()).connect().await;
    let refused = async |token: &str| {
        let status: Status = caller.login("deploy", token).await.expect_err("nobody logs in");
        assert_eq!(status.code(), Code::Unauthenticated, "{status:?}");
        reason(&status)
    };
    let reasons = [
        refused(&ci.github(json!({ "aud": "https://elsewhere.example" }))).await,
        refused(&github(&ci, json!({ "exp": 1_600_000_000 }))).await,
        refused(&github(&mallory, json!({}))).await,
        refused(&github(&mallory, json!({ "iss": ci.issuer() }))).await,
        refused("not.a.token").await,
    ];
    assert_eq!(
        reasons,
        ["ID_TOKEN_AUDIENCE", "ID_TOKEN_EXPIRED", "ISSUER_UNKNOWN", "ID_TOKEN_KEY_UNKNOWN", "ID_TOKEN_GARBLED"]
    );
}
