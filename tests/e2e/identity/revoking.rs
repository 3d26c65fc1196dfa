//! Tokens taken back: whose, and of which time.

use std::ops::Range;

use keyward::identity::{IssuerRef, OwnToken, Principal, Revocation, Revoked, TokenId};
use keyward_api::v1::{
    AttenuateRequest, GetSecretRequest, PrincipalRef, RevokeRequest, RevokeSelfRequest, Role, Token, WhoAmIRequest,
    revoke_request::What,
};
use keyward_sdk::time::{Clock, ManualClock, Span, SystemClock, Timestamp};
use keyward_testbed::CiTokens;
use serde_json::json;
use tonic::{Code, Status};

use crate::support::{Broker, Caller, Key, Timed, broker, field, github, reason};

const SUBJECT: &str = "repo:acme/shop:environment:production";

async fn revoke(broker: &Broker, what: What) -> Result<(), Status> {
    let request = RevokeRequest { what: Some(what), issued_before: None };
    broker.operator().await.auth().revoke(request).await.map(drop)
}

async fn who(caller: &Caller) -> Result<(), Status> {
    caller.auth().who_am_i(WhoAmIRequest {}).await.map(drop)
}

async fn is_revoked(caller: &Caller) -> bool {
    match who(caller).await {
        Ok(()) => false,
        Err(status) => {
            assert_eq!((status.code(), reason(&status).as_str()), (Code::Unauthenticated, "TOKEN_REVOKED"));
            true
        }
    }
}

/// A job of another repository, in a role `other`.
async fn other_job(broker: &Broker, ci: &CiTokens) -> Caller {
    broker
        .role(
            "other",
            r#"permit (principal in Issuer::"github", action == Action::"assume", resource == Role::"other");"#,
        )
        .await;
    let caller = broker.caller().key(&Key::make()).connect().await;
    let token = caller.login("other", &github(ci, json!({ "sub": "repo:acme/other" }))).await.unwrap();
    caller.token(&token.token)
}

/// What was narrowed from a job's token.
async fn narrowed(job: &Caller) -> Caller {
    let token = job.auth().attenuate(AttenuateRequest::default()).await.unwrap().into_inner().token.unwrap();
    job.clone().token(&token.token)
}

#[tokio::test]
async fn tokens_in_a_role_are_taken_back_and_no_others() {
    let (broker, ci) = (broker().start().await, CiTokens::start().await);
    broker.deploys(&ci).await;
    let ((job, _), other) = (broker.job(&ci, "deploy").await, other_job(&broker, &ci).await);
    let child = narrowed(&job).await;
    revoke(&broker, What::Role("deploy".to_owned())).await.unwrap();
    assert!(is_revoked(&job).await && is_revoked(&child).await);
    assert!(!is_revoked(&other).await && !is_revoked(&broker.operator().await).await);
    let (again, _) = broker.job(&ci, "deploy").await;
    assert!(!is_revoked(&again).await, "a new login counts");
}

#[tokio::test]
async fn tokens_of_a_principal_are_taken_back_in_every_role_and_no_one_elses() {
    let (broker, ci) = (broker().start().await, CiTokens::start().await);
    broker.deploys(&ci).await;
    let ((job, _), other) = (broker.job(&ci, "deploy").await, other_job(&broker, &ci).await);
    let caller = broker.caller().key(&Key::make()).connect().await;
    let token = caller.login("other", &github(&ci, json!({}))).await.unwrap();
    let same_in_other_role = caller.token(&token.token);
    let named = |issuer: &str, subject: &str| {
        What::Principal(PrincipalRef { issuer: issuer.to_owned(), subject: subject.to_owned() })
    };
    // Neither another issuer's subject of that name nor the beginning of it.
    revoke(&broker, named("gitlab", SUBJECT)).await.unwrap();
    revoke(&broker, named("", SUBJECT)).await.unwrap();
    revoke(&broker, named("github", "repo:acme/shop")).await.unwrap();
    assert!(!is_revoked(&job).await);
    revoke(&broker, named("github", SUBJECT)).await.unwrap();
    assert!(is_revoked(&job).await && is_revoked(&same_in_other_role).await);
    assert!(!is_revoked(&other).await);
}

#[tokio::test]
async fn tokens_of_an_issuer_are_taken_back_and_no_others() {
    let (broker, ci) = (broker().start().await, CiTokens::start().await);
    broker.deploys(&ci).await;
    let ((job, _), other) = (broker.job(&ci, "deploy").await, other_job(&broker, &ci).await);
    revoke(&broker, What::Issuer("gitlab".to_owned())).await.unwrap();
    assert!(!is_revoked(&job).await);
    revoke(&broker, What::Issuer("github".to_owned())).await.unwrap();
    assert!(is_revoked(&job).await && is_revoked(&other).await);
    assert!(!is_revoked(&broker.operator().await).await);
}

#[tokio::test]
async fn only_what_was_issued_by_a_moment_is_taken_back() {
    let clock = ManualClock::at(SystemClock.now());
    let (broker, ci) = (broker().clock(clock.clone()).start().await, CiTokens::start().await);
    broker.deploys(&ci).await;
    let (before, _) = broker.job(&ci, "deploy").await;
    clock.advance(Span::from_secs(10));
    let moment = clock.now();
    clock.advance(Span::from_secs(10));
    let (after, _) = broker.job(&ci, "deploy").await;
    let at = |moment: keyward_sdk::time::Timestamp| {
        let (seconds, millis) = (moment.millis() / 1_000, moment.millis() % 1_000);
        Some(prost_types::Timestamp { seconds: seconds as i64, nanos: millis as i32 * 1_000_000 })
    };
    let revoke = async |issued_before| {
        let request = RevokeRequest { what: Some(What::Role("deploy".to_owned())), issued_before };
        broker.operator().await.auth().revoke(request).await
    };
    let future = revoke(at(clock.now().saturating_add(Span::from_secs(60)))).await.unwrap_err();
    assert_eq!((future.code(), field(&future).as_str()), (Code::InvalidArgument, "issued_before"));
    revoke(at(moment)).await.unwrap();
    assert!(is_revoked(&before).await && !is_revoked(&after).await);
    let none = RevokeRequest { what: None, issued_before: None };
    let refused = broker.operator().await.auth().revoke(none).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
}

/// A job that has no key to prove: what a script with `curl` is.
async fn bearer(broker: &Broker, ci: &CiTokens) -> Result<Token, Status> {
    broker.caller().connect().await.login("script", &github(ci, json!({}))).await
}

const SCRIPT: &str = r#"
    permit (principal in Issuer::"github", action == Action::"assume", resource == Role::"script");
    permit (principal in Role::"script", action == Action::"secret.read", resource in Folder::"prod");"#;

#[tokio::test]
async fn a_bearer_role_gives_tokens_that_serve_without_a_key_until_they_are_taken_back() {
    let (broker, ci) = (broker().start().await, CiTokens::start().await);
    broker.trust(&ci).await;
    broker.secret("prod/db", marked!("of a script")).await;
    broker.role("script", SCRIPT).await;
    let refused = bearer(&broker, &ci).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "KEY_REQUIRED"));
    broker.bearer_role("script", SCRIPT).await;
    let token = bearer(&broker, &ci).await.unwrap();
    assert!(!token.bound);
    // Anywhere, with any key or none: whoever has a copy can use it.
    let copies = [broker.caller().token(&token.token), broker.caller().key(&Key::make()).token(&token.token)];
    for copy in copies {
        let copy = copy.connect().await;
        let get = GetSecretRequest { path: "prod/db".to_owned(), version: 0 };
        let read = copy.secrets().get_secret(get).await.unwrap().into_inner();
        assert_eq!(read.fields["value"], marked!("of a script").as_bytes());
    }
    let script = broker.caller().token(&token.token).connect().await;
    let child = narrowed(&script).await;
    who(&child).await.unwrap();
    // With a key, the same role gives a token for that key.
    let key = Key::make();
    let bound = broker.caller().key(&key).connect().await.login("script", &github(&ci, json!({}))).await.unwrap();
    assert!(bound.bound);
    let copied = broker.caller().token(&bound.token).connect().await;
    assert_eq!(reason(&who(&copied).await.unwrap_err()), "TOKEN_NOT_BOUND");
    // The role is made strict: what is about serves no longer.
    let role = Role { name: "script".to_owned(), ..Role::default() };
    let put = keyward_api::v1::PutRoleRequest { role: Some(role), force: false };
    broker.operator().await.roles().put_role(put).await.unwrap();
    assert_eq!(reason(&who(&script).await.unwrap_err()), "TOKEN_NOT_BEARER");
    assert_eq!(reason(&who(&child).await.unwrap_err()), "TOKEN_NOT_BEARER");
}

/// With a token of two minutes of its own, and the token's id.
async fn brief(operator: &Caller) -> (Caller, String) {
    let narrow = AttenuateRequest { scope: None, life: Some(prost_types::Duration { seconds: 120, nanos: 0 }) };
    let token = operator.auth().attenuate(narrow).await.unwrap().into_inner().token.unwrap();
    (operator.clone().token(&token.token), token.id)
}

#[tokio::test]
async fn holders_of_tokens_cannot_fill_the_list_of_what_is_taken_back_and_leave_room_to_operators() {
    let mut timed = Timed::start().await;
    timed.pass(Span::from_hours(1)).await;
    let operator = timed.operator().await;
    let world = timed.world();
    let main = world.main_tenant();
    let (own, _) = brief(&operator).await;
    own.auth().revoke_self(RevokeSelfRequest {}).await.unwrap();
    assert!(is_revoked(&own).await);
    assert_eq!(world.revocations.own(main), 1);
    timed.pass(Span::from_minutes(1)).await;
    assert_eq!(world.revocations.own(main), 1);
    timed.pass(Span::from_minutes(2)).await;
    assert_eq!(world.revocations.own(main), 0, "forgotten with the end of the token");

    let operator = timed.operator().await;
    let (own, id) = brief(&operator).await;
    let me = own.auth().who_am_i(WhoAmIRequest {}).await.unwrap().into_inner().subject;
    let fill = |numbers: Range<u128>, subject: &str| {
        let by = Principal { tenant: main, issuer: IssuerRef::Operator, subject: subject.into() };
        for n in numbers {
            let own = Some(OwnToken { by: by.clone(), ends: Timestamp::MAX });
            let record = Revocation::now(Revoked::Token(TokenId(n.to_be_bytes())), timed.clock.now());
            world.revocations.set(main, &format!("{n:032x}"), Some(Revocation { own, ..record }));
        }
    };
    let is_full = async || {
        let full = own.auth().revoke_self(RevokeSelfRequest {}).await.unwrap_err();
        assert_eq!((full.code(), reason(&full).as_str()), (Code::ResourceExhausted, "LIMIT"));
    };
    fill(0..2_000, &me);
    is_full().await;
    // What one holder filled up is nothing to the others; only all of them together have an end.
    fill(0..9_999, "another");
    let (second, _) = brief(&operator).await;
    second.auth().revoke_self(RevokeSelfRequest {}).await.unwrap();
    assert!(is_revoked(&second).await);
    is_full().await;
    let what = Some(What::TokenId(id));
    operator.auth().revoke(RevokeRequest { what, issued_before: None }).await.unwrap();
    assert!(is_revoked(&own).await);
}
