//! Jobs of a CI system: the issuer that vouches for them, and what they may do.

use std::collections::HashMap;

use keyward_api::v1::{
    ClaimType, DeclaredClaim, Issuer, LoginRequest, PutIssuerRequest, PutPolicyRequest, PutRoleRequest,
    PutSecretRequest, Role, Token, issuer::Keys,
};
use keyward_testbed::CiTokens;
use serde_json::{Value, json};
use tonic::Status;

use super::{
    broker::Broker,
    caller::{Caller, Key},
};

/// Whose tokens of GitHub's shape mean us.
pub const AUDIENCE: &str = "https://github.com/acme";

impl Broker {
    /// Believes what `ci` says of jobs, under the name `github`.
    pub async fn trust(&self, ci: &CiTokens) {
        let text = || DeclaredClaim { r#type: ClaimType::Text.into(), path: String::new() };
        let claims = ["repository", "ref", "environment"].map(|name| (name.to_owned(), text()));
        let issuer = Issuer {
            name: "github".to_owned(),
            iss: ci.issuer().to_owned(),
            keys: Some(Keys::Jwks(ci.jwks().to_string())),
            audiences: vec![AUDIENCE.to_owned()],
            algorithms: vec!["RS256".to_owned()],
            claims: HashMap::from(claims),
            ..Issuer::default()
        };
        let request = PutIssuerRequest { issuer: Some(issuer), force: false };
        self.operator().await.issuers().put_issuer(request).await.expect("the issuer is taken");
    }

    /// A role `name`, and a policy of the same name.
    pub async fn role(&self, name: &str, policy: &str) {
        self.any_role(Role { name: name.to_owned(), ..Role::default() }, policy).await;
    }

    /// A role whose tokens may be used without a key.
    pub async fn bearer_role(&self, name: &str, policy: &str) {
        self.any_role(Role { name: name.to_owned(), bearer: true, ..Role::default() }, policy).await;
    }

    async fn any_role(&self, role: Role, policy: &str) {
        let operator = self.operator().await;
        let name = role.name.clone();
        operator.roles().put_role(PutRoleRequest { role: Some(role), force: false }).await.expect("the role is taken");
        self.policy(&name, policy).await;
    }

    /// A policy.
    pub async fn policy(&self, name: &str, text: &str) {
        let policy = PutPolicyRequest { name: name.to_owned(), text: text.to_owned(), force: false };
        self.operator().await.policies().put_policy(policy).await.expect("the policy is taken");
    }

    /// Lets jobs of `acme/shop` take the role `deploy`, which reads what is at and below `prod/db`.
    pub async fn deploys(&self, ci: &CiTokens) {
        self.trust(ci).await;
        self.role(
            "deploy",
            r#"@id("take") permit (principal in Issuer::"github", action == Action::"assume", resource == Role::"deploy")
               when { principal.claims has repository && principal.claims.repository == "acme/shop" };
               @id("read") permit (principal in Role::"deploy", action == Action::"secret.read", resource in Folder::"prod/db");"#,
        )
        .await;
    }

    /// Writes a secret of one field `value`.
    pub async fn secret(&self, path: &str, value: &str) {
        let fields = HashMap::from([("value".to_owned(), value.as_bytes().to_vec().into())]);
        let put = PutSecretRequest { path: path.to_owned(), fields, ..PutSecretRequest::default() };
        self.operator().await.secrets().put_secret(put).await.expect("the secret is written");
    }

    /// A job of `acme/shop` that took `role`, over a connection of its own, and its token.
    pub async fn job(&self, ci: &CiTokens, role: &str) -> (Caller, Token) {
        let caller = self.caller().key(&Key::make()).connect().await;
        let token = caller.login(role, &github(ci, json!({}))).await.expect("the job logs in");
        (caller.token(&token.token), token)
    }
}

impl Caller {
    /// Takes a role with an OIDC token.
    pub async fn login(&self, role: &str, oidc_token: &str) -> Result<Token, Status> {
        let request =
            LoginRequest { role: role.to_owned(), oidc_token: oidc_token.to_owned(), ..LoginRequest::default() };
        Ok(self.auth().login(request).await?.into_inner().token.unwrap())
    }
}

/// A token as GitHub Actions makes them, for us.
pub fn github(ci: &CiTokens, mut overrides: Value) -> String {
    overrides["aud"] = json!(AUDIENCE);
    ci.github(overrides)
}
