use keyward_api::v1::{
    ClaimType, DeclaredClaim, DeleteIssuerRequest, GetIssuerRequest, KeyDiscovery, ListIssuersRequest,
    PutIssuerRequest, RefreshIssuerRequest, WhoAmIRequest, issuer::Keys,
};
use keyward_testbed::{CiTokens, OidcProvider};
use serde_json::json;
use tonic::Code;

use super::{ci, issuers, log_in, put_issuer, put_policy, put_role, token};
use crate::support::{Keyward, broker, field, reason};

const TAKE: &str = r#"permit (principal in Issuer::"ci", action == Action::"assume", resource == Role::"deploy")
when { principal.claims has repository && principal.claims.repository == "acme/shop" };"#;

#[tokio::test]
async fn issuers_that_contradict_each_other_are_refused() {
    let (broker, tokens) = (broker().start().await, CiTokens::start().await);
    let operator = broker.operator().await;
    put_issuer(&operator, ci(&tokens)).await.unwrap();
    let mut second = ci(&tokens);
    second.name = "second".to_owned();
    assert_eq!(reason(&put_issuer(&operator, second.clone()).await.unwrap_err()), "ISS_TAKEN");
    second.iss = "https://other.example".to_owned();
    second.claims =
        [("repository".to_owned(), DeclaredClaim { r#type: ClaimType::Long.into(), path: String::new() })].into();
    let refused = put_issuer(&operator, second.clone()).await.unwrap_err();
    assert_eq!((refused.code(), field(&refused).as_str()), (Code::InvalidArgument, "claims"));
    assert!(refused.message().contains("`ci`") && refused.message().contains("`second`"), "{refused:?}");
    second.claims.clear();
    put_issuer(&operator, second.clone()).await.unwrap();
    let listed = issuers(&operator).list_issuers(ListIssuersRequest::default()).await.unwrap().into_inner().issuers;
    assert_eq!(listed.iter().map(|issuer| issuer.name.as_str()).collect::<Vec<_>>(), ["ci", "second"]);
    assert_eq!(listed[0].keys, Some(Keys::Jwks(String::new())), "given keys are left out of lists");
    second.algorithms = vec!["none".to_owned()];
    assert_eq!(field(&put_issuer(&operator, second.clone()).await.unwrap_err()), "issuer.algorithms");
    second.algorithms = vec!["HS256".to_owned()];
    assert_eq!(field(&put_issuer(&operator, second.clone()).await.unwrap_err()), "issuer.algorithms");
    second.algorithms = vec!["RS256".to_owned()];
    second.audiences.clear();
    assert_eq!(field(&put_issuer(&operator, second).await.unwrap_err()), "audiences");
}

#[tokio::test]
async fn an_issuer_whose_claims_a_policy_reads_is_changed_only_by_force() {
    let (broker, tokens) = (broker().start().await, CiTokens::start().await);
    let operator = broker.operator().await;
    put_issuer(&operator, ci(&tokens)).await.unwrap();
    put_role(&operator, "deploy").await;
    put_policy(&operator, "deploy", TAKE).await.unwrap();
    let mut poorer = ci(&tokens);
    poorer.claims.clear();
    let refused = put_issuer(&operator, poorer.clone()).await.unwrap_err();
    assert_eq!(reason(&refused), "POLICIES_INVALID");
    assert!(refused.message().contains("policy `deploy`, line 2"), "{refused:?}");
    let delete = |force| DeleteIssuerRequest { name: "ci".to_owned(), force };
    assert_eq!(reason(&issuers(&operator).delete_issuer(delete(false)).await.unwrap_err()), "POLICIES_INVALID");
    log_in(&broker, "deploy", token(&tokens, &json!({}))).await.expect("nothing was changed");
    issuers(&operator).put_issuer(PutIssuerRequest { issuer: Some(poorer), force: true }).await.unwrap();
    let denied = log_in(&broker, "deploy", token(&tokens, &json!({}))).await.map(|_| ()).unwrap_err();
    assert_eq!(denied.code(), Code::PermissionDenied);
    issuers(&operator).delete_issuer(delete(true)).await.unwrap();
    let get = GetIssuerRequest { name: "ci".to_owned() };
    assert_eq!(issuers(&operator).get_issuer(get).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn tokens_go_with_the_issuer_that_vouched_for_them() {
    let (broker, tokens) = (broker().start().await, CiTokens::start().await);
    let operator = broker.operator().await;
    put_issuer(&operator, ci(&tokens)).await.unwrap();
    put_role(&operator, "deploy").await;
    let any = r#"permit (principal, action == Action::"assume", resource == Role::"deploy");"#;
    put_policy(&operator, "deploy", any).await.unwrap();
    let job = log_in(&broker, "deploy", token(&tokens, &json!({}))).await.unwrap();
    job.auth().who_am_i(WhoAmIRequest {}).await.unwrap();
    issuers(&operator).delete_issuer(DeleteIssuerRequest { name: "ci".to_owned(), force: false }).await.unwrap();
    assert_eq!(reason(&job.auth().who_am_i(WhoAmIRequest {}).await.unwrap_err()), "TOKEN_REVOKED");
    put_issuer(&operator, ci(&tokens)).await.unwrap();
    assert_eq!(reason(&job.auth().who_am_i(WhoAmIRequest {}).await.unwrap_err()), "TOKEN_REVOKED");
    log_in(&broker, "deploy", token(&tokens, &json!({}))).await.expect("a new login counts");
}

#[tokio::test]
async fn a_fetch_from_a_private_address_is_refused_and_the_state_says_so() {
    let broker = broker().config(|config| config.issuer_hosts.clear()).start().await;
    let operator = broker.operator().await;
    let tokens = CiTokens::start().await;
    let mut issuer = ci(&tokens);
    issuer.keys = Some(Keys::Discovery(KeyDiscovery {}));
    put_issuer(&operator, issuer).await.unwrap();
    let refresh = RefreshIssuerRequest { name: "ci".to_owned() };
    let state = issuers(&operator).refresh_issuer(refresh).await.unwrap().into_inner().state.unwrap();
    assert!(state.last_error.contains("private, loopback or link-local"), "{state:?}");
    assert!(state.last_attempt.is_some() && state.last_success.is_none() && state.keys.is_empty());
    let get = GetIssuerRequest { name: "ci".to_owned() };
    assert_eq!(issuers(&operator).get_issuer(get).await.unwrap().into_inner().state, Some(state));
    assert_eq!(tokens.seen("/.well-known/openid-configuration"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_shows_the_keys_of_a_real_provider() {
    let (broker, provider) = (broker().dev().start().await, OidcProvider::start().await);
    let keyward = Keyward::operator(&broker);
    let add =
        ["issuer", "add", "staff", "--iss", provider.issuer(), "--audience", "keyward-cli", "--claim", "groups=texts"];
    let shown = keyward.json(&add);
    assert_eq!((&shown["keys"], &shown["last_error"]), (&json!("discovery"), &json!("")));
    assert!(!shown["keys_now"].as_array().unwrap().is_empty(), "{shown}");
    assert_eq!(keyward.json(&["issuer", "get", "staff"])["claims"], json!(["groups=texts"]));
    assert_eq!(keyward.json(&["issuer", "list"])[0]["name"], json!("staff"));
    keyward.ok(&["issuer", "refresh", "staff"]);
    keyward.ok(&["issuer", "delete", "staff"]);
    assert_eq!(keyward.run(&["issuer", "get", "staff"]).code(), 4);
}
