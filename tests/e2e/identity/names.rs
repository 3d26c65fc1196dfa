//! Malformed names of issuers, roles, policies and clusters, and paths of scopes, are refused with their field.

use keyward_api::v1::{
    AttenuateRequest, CreateKeyRequest, DeleteIssuerRequest, DeletePolicyRequest, DeleteRoleRequest, GetClusterRequest,
    GetIssuerRequest, GetPolicyRequest, GetRoleRequest, Issuer, PutIssuerRequest, PutRoleRequest, RefreshIssuerRequest,
    Role, Scope, issuer::Keys, key_service_client::KeyServiceClient,
};
use tonic::{Code, Status};

use crate::support::{broker, field};

fn malformed() -> Vec<String> {
    let short = [
        "..",
        ".",
        "a/../b",
        "a//b",
        "/a",
        "a/",
        "a b",
        "a\u{0}",
        "a\nb",
        "a\u{7f}",
        "e\u{301}",
        "\u{ff41}",
        "a\u{202e}b",
        "%2e",
        "a\\b",
    ];
    let long = "x".repeat(10_000);
    short.iter().map(|name| (*name).to_owned()).chain([String::new(), long]).collect()
}

fn blamed(status: &Status, expected: &str, name: &str) {
    assert_eq!((status.code(), field(status).as_str()), (Code::InvalidArgument, expected), "{name:.40?}: {status:?}");
    assert!(status.message().len() < 300, "what was sent is not sent back");
}

#[tokio::test]
async fn malformed_names_of_issuers_roles_policies_and_clusters_are_refused_with_the_field() {
    let broker = broker().start().await;
    let operator = broker.operator().await;
    let (mut issuers, mut roles, mut policies) = (operator.issuers(), operator.roles(), operator.policies());
    for text in malformed() {
        let name = || text.clone();
        let issuer = Issuer {
            name: name(),
            iss: "https://ci.example".to_owned(),
            keys: Some(Keys::Jwks(r#"{"keys":[]}"#.to_owned())),
            audiences: vec!["keyward".to_owned()],
            algorithms: vec!["RS256".to_owned()],
            ..Issuer::default()
        };
        let put = PutIssuerRequest { issuer: Some(issuer), force: true };
        blamed(&issuers.put_issuer(put).await.unwrap_err(), "issuer.name", &text);
        blamed(&issuers.get_issuer(GetIssuerRequest { name: name() }).await.unwrap_err(), "name", &text);
        let delete = DeleteIssuerRequest { name: name(), force: true };
        blamed(&issuers.delete_issuer(delete).await.unwrap_err(), "name", &text);
        blamed(&issuers.refresh_issuer(RefreshIssuerRequest { name: name() }).await.unwrap_err(), "name", &text);
        let put = PutRoleRequest { role: Some(Role { name: name(), ..Role::default() }), force: true };
        blamed(&roles.put_role(put).await.unwrap_err(), "role.name", &text);
        blamed(&roles.get_role(GetRoleRequest { name: name() }).await.unwrap_err(), "name", &text);
        blamed(&roles.delete_role(DeleteRoleRequest { name: name(), force: true }).await.unwrap_err(), "name", &text);
        blamed(&policies.get_policy(GetPolicyRequest { name: name() }).await.unwrap_err(), "name", &text);
        let delete = DeletePolicyRequest { name: name(), force: true };
        blamed(&policies.delete_policy(delete).await.unwrap_err(), "name", &text);
        let get = GetClusterRequest { name: name() };
        blamed(&operator.clusters().get_cluster(get).await.unwrap_err(), "name", &text);
    }
    // A plain name is no path.
    blamed(&roles.get_role(GetRoleRequest { name: "a/b".to_owned() }).await.unwrap_err(), "name", "a/b");
}

#[tokio::test]
async fn malformed_paths_of_scopes_and_keys_are_refused_with_the_field() {
    let broker = broker().start().await;
    let operator = broker.operator().await;
    for text in malformed() {
        let scope = || Some(Scope { paths: vec![text.clone()], actions: Vec::new() });
        let narrow = AttenuateRequest { scope: scope(), life: None };
        blamed(&operator.auth().attenuate(narrow).await.unwrap_err(), "scope.paths", &text);
        let role = Role { name: "deploy".to_owned(), scope: scope(), ..Role::default() };
        let put = PutRoleRequest { role: Some(role), force: true };
        blamed(&operator.roles().put_role(put).await.unwrap_err(), "scope.paths", &text);
        let create = CreateKeyRequest { path: text.clone(), r#type: 1, ..CreateKeyRequest::default() };
        let refused = KeyServiceClient::new(operator.client()).create_key(create).await.unwrap_err();
        blamed(&refused, "path", &text);
    }
}
