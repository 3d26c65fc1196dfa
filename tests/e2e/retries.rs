//! The same request id gets the same reply, for a day and through a restart.

use std::collections::HashMap;

use keyward_api::v1::{CreateTenantRequest, GetSecretMetadataRequest, PutSecretRequest, RedeemBootstrapTokenRequest};
use keyward_sdk::time::{Clock, ManualClock, Span, SystemClock};
use keyward_testbed::CiTokens;
use serde_json::json;
use tonic::Code;

use crate::support::{Caller, Key, broker, field, github, reason};

const ID: &str = "2f9c1c1e-7f4d-4b66-9c39-d5b4a4b2f0aa";

fn put(value: &str) -> PutSecretRequest {
    let fields = HashMap::from([("value".to_owned(), value.as_bytes().to_vec().into())]);
    PutSecretRequest { path: "a".to_owned(), fields, ..PutSecretRequest::default() }
}

async fn versions(caller: &Caller) -> usize {
    let get = GetSecretMetadataRequest { path: "a".to_owned() };
    caller.secrets().get_secret_metadata(get).await.unwrap().into_inner().metadata.unwrap().versions.len()
}

#[tokio::test]
async fn a_retry_gets_what_the_first_try_did_and_nothing_is_done_twice() {
    let clock = ManualClock::at(SystemClock.now());
    let mut broker = broker().clock(clock.clone()).start().await;
    let operator = broker.operator().await;
    let again = operator.clone().request_id(ID);
    let first = again.secrets().put_secret(put("x")).await.unwrap().into_inner();
    let second = again.secrets().put_secret(put("x")).await.unwrap().into_inner();
    assert_eq!(first, second);
    assert_eq!(versions(&operator).await, 1);

    broker.restart().await;
    let operator = broker.operator().await;
    let again = operator.clone().request_id(ID);
    assert_eq!(again.secrets().put_secret(put("x")).await.unwrap().into_inner(), first);
    assert_eq!(versions(&operator).await, 1);

    let other = again.secrets().put_secret(put("y")).await.unwrap_err();
    assert_eq!((other.code(), reason(&other).as_str()), (Code::FailedPrecondition, "REQUEST_ID_REUSED"));
    // Another RPC is another request, even under the same id.
    again
        .tenants()
        .create_tenant(CreateTenantRequest { name: "b".to_owned(), description: String::new() })
        .await
        .unwrap();
    operator.secrets().put_secret(put("x")).await.unwrap();
    assert_eq!(versions(&operator).await, 2, "without an id, each request is one of its own");
}

#[tokio::test]
async fn what_is_shown_once_is_shown_again_to_a_retry() {
    let broker = broker().start().await;
    let again = broker.operator().await.request_id(ID);
    let create = || CreateTenantRequest { name: "b".to_owned(), description: String::new() };
    let first = again.tenants().create_tenant(create()).await.unwrap().into_inner();
    let second = again.tenants().create_tenant(create()).await.unwrap().into_inner();
    assert_eq!(first, second);
    let exists = broker.operator().await.tenants().create_tenant(create()).await.unwrap_err();
    assert_eq!((exists.code(), reason(&exists).as_str()), (Code::AlreadyExists, "EXISTS"));
    // Nobody else gets it.
    let stranger = broker.caller().key(&Key::make()).request_id(ID).connect().await;
    assert_eq!(stranger.tenants().create_tenant(create()).await.unwrap_err().code(), Code::Unauthenticated);
}

#[tokio::test]
async fn a_request_id_is_forgotten_after_a_day() {
    let clock = ManualClock::at(SystemClock.now());
    let broker = broker().clock(clock.clone()).start().await;
    let ci = CiTokens::start().await;
    broker.deploys(&ci).await;
    broker.role("writer", TAKE_AND_WRITE).await;
    let key = Key::make();
    let write = async || {
        let caller = broker.caller().key(&key).connect().await;
        let now = clock.now().millis() / 1_000;
        let oidc = github(&ci, json!({ "iat": now, "nbf": now, "exp": now + 300 }));
        let token = caller.login("writer", &oidc).await.unwrap();
        let writer = caller.token(&token.token).request_id(ID);
        writer.secrets().put_secret(put("x")).await.unwrap().into_inner().version.unwrap().version
    };
    assert_eq!(write().await, 1);
    clock.advance(Span::from_hours(23));
    assert_eq!(write().await, 1);
    clock.advance(Span::from_hours(2));
    assert_eq!(write().await, 2);
}

const TAKE_AND_WRITE: &str = r#"
    permit (principal in Issuer::"github", action == Action::"assume", resource == Role::"writer");
    permit (principal in Role::"writer", action == Action::"secret.write", resource);
"#;

#[tokio::test]
async fn two_at_the_same_moment_under_one_id_write_once() {
    let broker = broker().start().await;
    let again = broker.operator().await.request_id(ID);
    let tries = (0..8).map(|_| {
        let caller = again.clone();
        tokio::spawn(async move { caller.secrets().put_secret(put("x")).await })
    });
    let mut answers = Vec::new();
    for answer in futures_util::future::join_all(tries).await {
        match answer.unwrap() {
            Ok(reply) => answers.push(reply.into_inner().version.unwrap().version),
            Err(status) => assert_eq!(status.code(), Code::Aborted, "{status:?}"),
        }
    }
    assert!(answers.iter().all(|version| *version == 1), "{answers:?}");
    assert_eq!(versions(&broker.operator().await).await, 1);
}

#[tokio::test]
async fn a_malformed_request_id_is_refused() {
    let broker = broker().start().await;
    for id in ["short", &"x".repeat(65), "with spaces in between it"] {
        let status = broker.operator().await.request_id(id).secrets().put_secret(put("x")).await.unwrap_err();
        assert_eq!((status.code(), field(&status).as_str()), (Code::InvalidArgument, "keyward-request-id"));
    }
}

#[tokio::test]
async fn a_reply_that_is_bound_to_a_key_is_repeated_to_that_key_alone() {
    let broker = broker().start().await;
    let create = CreateTenantRequest { name: "b".to_owned(), description: String::new() };
    let made = broker.operator().await.tenants().create_tenant(create).await.unwrap().into_inner();
    let redeem = || RedeemBootstrapTokenRequest { bootstrap_token: made.operator_token.clone() };
    let key = Key::make();
    let owner = broker.caller().key(&key).connect().await.request_id(ID);
    let first = owner.auth().redeem_bootstrap_token(redeem()).await.unwrap().into_inner();
    assert_eq!(owner.auth().redeem_bootstrap_token(redeem()).await.unwrap().into_inner(), first);
    for other in [broker.caller(), broker.caller().key(&Key::make())] {
        let other = other.connect().await.request_id(ID);
        let refused = other.auth().redeem_bootstrap_token(redeem()).await.unwrap_err();
        assert_eq!(reason(&refused), "BOOTSTRAP_TOKEN_UNKNOWN");
    }
}
