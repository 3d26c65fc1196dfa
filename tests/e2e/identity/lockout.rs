//! What would leave nobody who can write policies is refused unless it is forced: by roles and issuers, too.

use keyward_api::v1::{
    ClaimType, DeclaredClaim, DeleteIssuerRequest, DeleteRoleRequest, Issuer, PutIssuerRequest, PutRoleRequest, Role,
    Scope, issuer::Keys,
};
use keyward_testbed::CiTokens;
use serde_json::json;
use tonic::Status;

use crate::support::{Broker, Caller, broker, github, reason};

/// The operator may do everything but write policies; the role `admin` may write them, and jobs may take it.
const ADMIN: &str = r#"
    permit (principal in Issuer::"github", action == Action::"assume", resource == Role::"admin")
      when { principal.claims has repository && principal.claims.repository == "acme/shop" };
    permit (principal in Role::"admin", action in Action::"policy", resource);"#;
const OPERATOR: &str =
    r#"permit (principal in Role::"operator", action, resource) unless { action == Action::"policy.write" };"#;

async fn handed_over(ci: &CiTokens) -> (Broker, Caller) {
    let broker = broker().start().await;
    broker.trust(ci).await;
    broker.role("admin", ADMIN).await;
    broker.policy("operator", OPERATOR).await;
    let operator = broker.operator().await;
    (broker, operator)
}

fn locked_out(done: Result<impl Sized, Status>) {
    let Err(refused) = done else { panic!("it is refused") };
    assert_eq!(reason(&refused), "LOCK_OUT", "{refused:?}");
}

#[tokio::test]
async fn the_last_role_that_can_write_policies_is_neither_removed_nor_narrowed() {
    let ci = CiTokens::start().await;
    let (broker, operator) = handed_over(&ci).await;
    let delete = |force| DeleteRoleRequest { name: "admin".to_owned(), force };
    locked_out(operator.roles().delete_role(delete(false)).await);
    for scope in [
        Scope { paths: vec!["prod".to_owned()], actions: vec![] },
        Scope { paths: vec![], actions: vec!["secret.read".to_owned()] },
    ] {
        let role = Role { name: "admin".to_owned(), scope: Some(scope), ..Role::default() };
        locked_out(operator.roles().put_role(PutRoleRequest { role: Some(role), force: false }).await);
    }
    broker.job(&ci, "admin").await;
    operator.roles().delete_role(delete(true)).await.expect("forced");
}

#[tokio::test]
async fn the_issuer_by_which_alone_someone_can_write_policies_is_not_removed() {
    let ci = CiTokens::start().await;
    let (broker, operator) = handed_over(&ci).await;
    let text = || DeclaredClaim { r#type: ClaimType::Text.into(), path: String::new() };
    // The policies stay valid: another issuer has the claim that they read.
    let second = Issuer {
        name: "second".to_owned(),
        iss: "https://second.example".to_owned(),
        keys: Some(Keys::Jwks(ci.jwks().to_string())),
        audiences: vec!["keyward".to_owned()],
        algorithms: vec!["RS256".to_owned()],
        claims: [("repository".to_owned(), text())].into(),
        ..Issuer::default()
    };
    let put = |issuer: Issuer| PutIssuerRequest { issuer: Some(issuer), force: false };
    operator.issuers().put_issuer(put(second)).await.unwrap();
    let delete = |name: &str, force| DeleteIssuerRequest { name: name.to_owned(), force };
    locked_out(operator.issuers().delete_issuer(delete("github", false)).await);
    broker.job(&ci, "admin").await;
    operator.issuers().delete_issuer(delete("second", false)).await.expect("nobody needs it");
    operator.issuers().delete_issuer(delete("github", true)).await.expect("forced");
}

#[tokio::test]
async fn an_issuer_is_not_changed_so_that_no_policy_is_left_by_which_someone_can_write_them() {
    let ci = CiTokens::start().await;
    let (broker, operator) = handed_over(&ci).await;
    let bare = Issuer {
        name: "github".to_owned(),
        iss: ci.issuer().to_owned(),
        keys: Some(Keys::Jwks(ci.jwks().to_string())),
        audiences: vec![crate::support::AUDIENCE.to_owned()],
        algorithms: vec!["RS256".to_owned()],
        ..Issuer::default()
    };
    let put = |force| PutIssuerRequest { issuer: Some(bare.clone()), force };
    let refused = operator.issuers().put_issuer(put(false)).await.unwrap_err();
    assert_eq!(reason(&refused), "POLICIES_INVALID");
    let caller = broker.caller().key(&crate::support::Key::make()).connect().await;
    caller.login("admin", &github(&ci, json!({}))).await.expect("nothing was changed");
    operator.issuers().put_issuer(put(true)).await.expect("forced");
    caller.login("admin", &github(&ci, json!({}))).await.unwrap_err();
}

#[tokio::test]
async fn the_role_of_operators_is_not_deleted_or_narrowed_unless_that_is_forced() {
    let broker = broker().start().await;
    let operator = broker.operator().await;
    let delete = |force| DeleteRoleRequest { name: "operator".to_owned(), force };
    locked_out(operator.roles().delete_role(delete(false)).await);
    let scope = Some(Scope { paths: vec![], actions: vec!["secret.read".to_owned()] });
    let narrowed = Role { name: "operator".to_owned(), scope, ..Role::default() };
    locked_out(operator.roles().put_role(PutRoleRequest { role: Some(narrowed), force: false }).await);
    operator.roles().delete_role(delete(true)).await.expect("forced");
    assert!(operator.roles().delete_role(delete(true)).await.is_err(), "nobody acts in a role that is gone");
}
