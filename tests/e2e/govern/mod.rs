//! Policies, roles, issuers, and people who log in.

mod assume;
mod issuers;
mod people;
mod policies;
mod presets;
mod roles;

use keyward_api::v1::{
    Issuer, LoginRequest, Policy, PutIssuerRequest, PutPolicyRequest, PutRoleRequest, Role, issuer::Keys,
    issuer_service_client::IssuerServiceClient, policy_service_client::PolicyServiceClient,
    role_service_client::RoleServiceClient,
};
use keyward_testbed::{CiTokens, ci::Alg};
use serde_json::{Value, json};
use tonic::Status;

use crate::support::{Broker, Caller, Client, Key};

/// `PolicyService` of a caller.
fn policies(caller: &Caller) -> PolicyServiceClient<Client> {
    PolicyServiceClient::new(caller.client())
}

/// `RoleService` of a caller.
fn roles(caller: &Caller) -> RoleServiceClient<Client> {
    RoleServiceClient::new(caller.client())
}

/// `IssuerService` of a caller.
fn issuers(caller: &Caller) -> IssuerServiceClient<Client> {
    IssuerServiceClient::new(caller.client())
}

async fn put_policy(caller: &Caller, name: &str, text: &str) -> Result<Policy, Status> {
    let request = PutPolicyRequest { name: name.to_owned(), text: text.to_owned(), force: false };
    policies(caller).put_policy(request).await.map(|answer| answer.into_inner().policy.unwrap())
}

async fn put_role(caller: &Caller, name: &str) {
    let role = Role { name: name.to_owned(), ..Role::default() };
    roles(caller).put_role(PutRoleRequest { role: Some(role), force: false }).await.expect("the role is taken");
}

/// An issuer called `ci` with given keys, whose claim `repository` policies may read.
fn ci(tokens: &CiTokens) -> Issuer {
    let declared = |kind: &str| keyward_api::v1::DeclaredClaim {
        r#type: keyward_api::v1::ClaimType::from_str_name(kind).unwrap().into(),
        path: String::new(),
    };
    Issuer {
        name: "ci".to_owned(),
        iss: tokens.issuer().to_owned(),
        keys: Some(Keys::Jwks(tokens.jwks().to_string())),
        audiences: vec!["keyward".to_owned()],
        algorithms: vec!["RS256".to_owned()],
        claims: [("repository".to_owned(), declared("CLAIM_TYPE_TEXT"))].into(),
        ..Issuer::default()
    }
}

async fn put_issuer(caller: &Caller, issuer: Issuer) -> Result<Issuer, Status> {
    let request = PutIssuerRequest { issuer: Some(issuer), force: false };
    issuers(caller).put_issuer(request).await.map(|answer| answer.into_inner().issuer.unwrap())
}

/// A token of `ci`.
fn token(tokens: &CiTokens, more: &Value) -> String {
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let mut claims = json!({
        "iss": tokens.issuer(), "sub": "job", "aud": "keyward", "iat": now, "exp": now + 300, "repository": "acme/shop",
    });
    for (name, value) in more.as_object().unwrap() {
        claims[name] = value.clone();
    }
    tokens.signed(Alg::Rs256, json!({}), &claims)
}

/// Logs in with an OIDC token and a key of its own.
async fn log_in(broker: &Broker, role: &str, oidc_token: String) -> Result<Caller, Status> {
    let caller = broker.caller().key(&Key::make()).connect().await;
    let request = LoginRequest { role: role.to_owned(), oidc_token, ..LoginRequest::default() };
    let token = caller.auth().login(request).await?.into_inner().token.unwrap();
    Ok(caller.token(&token.token))
}
