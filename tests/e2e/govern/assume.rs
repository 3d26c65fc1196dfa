use keyward_api::v1::{AttenuateRequest, PutIssuerRequest, WhoAmIRequest};
use keyward_testbed::CiTokens;
use serde_json::json;
use tonic::{Code, Status};

use super::{ci, issuers, log_in, put_issuer, put_policy, put_role, token};
use crate::support::{Caller, broker, reason};

const TAKE: &str = r#"permit (principal in Issuer::"ci", action == Action::"assume", resource == Role::"deploy")
when { principal.claims has repository && principal.claims.repository == "acme/shop" };"#;

async fn who(caller: &Caller) -> Result<(), Status> {
    caller.auth().who_am_i(WhoAmIRequest {}).await.map(|_| ())
}

#[tokio::test]
async fn a_token_whose_owner_may_no_longer_take_its_role_is_refused_at_once() {
    let (broker, tokens) = (broker().start().await, CiTokens::start().await);
    let operator = broker.operator().await;
    put_issuer(&operator, ci(&tokens)).await.unwrap();
    put_role(&operator, "deploy").await;
    put_policy(&operator, "deploy", TAKE).await.unwrap();
    let shop = log_in(&broker, "deploy", token(&tokens, &json!({}))).await.unwrap();
    let refused = log_in(&broker, "deploy", token(&tokens, &json!({ "repository": "acme/other" }))).await;
    assert_eq!(refused.map(|_| ()).unwrap_err().code(), Code::PermissionDenied);
    let child = shop.auth().attenuate(AttenuateRequest::default()).await.unwrap().into_inner().token.unwrap();
    let child = shop.clone().token(&child.token);
    for _ in 0..2 {
        who(&shop).await.unwrap();
        who(&child).await.unwrap();
        put_policy(&operator, "deploy", &TAKE.replace("acme/shop", "acme/other")).await.unwrap();
        for caller in [&shop, &child] {
            let lost = who(caller).await.unwrap_err();
            assert_eq!((lost.code(), reason(&lost).as_str()), (Code::Unauthenticated, "TOKEN_ROLE_DENIED"));
        }
        who(&operator).await.expect("an operator's token was not taken by policy");
        put_policy(&operator, "deploy", TAKE).await.unwrap();
    }
    let mut poorer = ci(&tokens);
    poorer.claims.clear();
    issuers(&operator).put_issuer(PutIssuerRequest { issuer: Some(poorer), force: true }).await.unwrap();
    assert_eq!(reason(&who(&shop).await.unwrap_err()), "TOKEN_ROLE_DENIED");
}
