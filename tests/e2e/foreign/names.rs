//! Names of policies, roles and issuers, page tokens and request ids.

use keyward_api::v1::{
    CreateKeyRequest, DeleteIssuerRequest, DeletePolicyRequest, DeleteRoleRequest, GetIssuerRequest, GetPolicyRequest,
    GetRoleRequest, GetSecretRequest, KeyType, ListKeysRequest, ListPoliciesRequest, ListSecretsRequest,
    PutRoleRequest, PutSecretRequest, RefreshIssuerRequest, Role, key_service_client::KeyServiceClient,
};
use keyward_testbed::CiTokens;
use tonic::Code;

use super::alike;
use crate::support::{Caller, broker};

#[tokio::test]
async fn policies_roles_and_issuers_of_one_tenant_are_not_there_in_another() {
    let (broker, ci) = (broker().start().await, CiTokens::start().await);
    broker.deploys(&ci).await;
    let other = broker.tenant("other").await;
    let policies = async |name: &str| {
        let get = GetPolicyRequest { name: name.to_owned() };
        let delete = DeletePolicyRequest { name: name.to_owned(), force: true };
        [
            other.policies().get_policy(get).await.err().unwrap(),
            other.policies().delete_policy(delete).await.err().unwrap(),
        ]
    };
    let roles = async |name: &str| {
        let get = GetRoleRequest { name: name.to_owned() };
        let delete = DeleteRoleRequest { name: name.to_owned(), force: true };
        [other.roles().get_role(get).await.err().unwrap(), other.roles().delete_role(delete).await.err().unwrap()]
    };
    let issuers = async |name: &str| {
        let get = GetIssuerRequest { name: name.to_owned() };
        let delete = DeleteIssuerRequest { name: name.to_owned(), force: true };
        let refresh = RefreshIssuerRequest { name: name.to_owned() };
        [
            other.issuers().get_issuer(get).await.err().unwrap(),
            other.issuers().delete_issuer(delete).await.err().unwrap(),
            other.issuers().refresh_issuer(refresh).await.err().unwrap(),
        ]
    };
    for (there, nowhere) in policies("deploy").await.iter().zip(&policies("nothing").await) {
        assert_eq!(there.code(), Code::NotFound);
        alike(there, "deploy", nowhere, "nothing");
    }
    for (there, nowhere) in roles("deploy").await.iter().zip(&roles("nothing").await) {
        assert_eq!(there.code(), Code::NotFound);
        alike(there, "deploy", nowhere, "nothing");
    }
    for (there, nowhere) in issuers("github").await.iter().zip(&issuers("nothing").await) {
        assert_eq!(there.code(), Code::NotFound);
        alike(there, "github", nowhere, "nothing");
    }
    // A role of the same name is another role.
    let role = Role { name: "deploy".to_owned(), description: "of other".to_owned(), ..Role::default() };
    other.roles().put_role(PutRoleRequest { role: Some(role), force: false }).await.unwrap();
    let get = GetRoleRequest { name: "deploy".to_owned() };
    let first = broker.operator().await.roles().get_role(get).await.unwrap().into_inner().role.unwrap();
    assert_eq!(first.description, "");
    broker.job(&ci, "deploy").await;
}

async fn put(caller: &Caller, path: &str, value: &str) -> Result<u32, tonic::Status> {
    let fields = [("value".to_owned(), value.to_owned().into())].into();
    let put = PutSecretRequest { path: path.to_owned(), fields, ..PutSecretRequest::default() };
    Ok(caller.secrets().put_secret(put).await?.into_inner().version.unwrap().version)
}

#[tokio::test]
async fn a_page_token_of_one_tenant_shows_nothing_of_it_in_another() {
    let broker = broker().start().await;
    let (main, other) = (broker.operator().await, broker.tenant("other").await);
    for n in 0..4 {
        put(&main, &format!("main-{n}"), marked!("of main")).await.unwrap();
    }
    put(&other, "a", marked!("of other")).await.unwrap();
    put(&other, "z", marked!("of other")).await.unwrap();
    let list = ListSecretsRequest { page_size: 2, recursive: true, ..ListSecretsRequest::default() };
    let page = main.secrets().list_secrets(list.clone()).await.unwrap().into_inner();
    assert!(!page.next_page_token.is_empty());
    let list = ListSecretsRequest { page_token: page.next_page_token, ..list };
    match other.secrets().list_secrets(list).await {
        Ok(shown) => assert!(shown.into_inner().names.iter().all(|name| name == "a" || name == "z")),
        Err(refused) => assert_eq!(refused.code(), Code::InvalidArgument),
    }
    let list = ListPoliciesRequest { page_size: 1, page_token: String::new() };
    let token = main.policies().list_policies(list).await.unwrap().into_inner().next_page_token;
    let list = ListPoliciesRequest { page_size: 10, page_token: token };
    let shown = other.policies().list_policies(list).await.unwrap().into_inner().policies;
    assert!(shown.iter().all(|policy| policy.name == "operator"), "{shown:?}");
    let list = ListKeysRequest { folder: String::new(), page_size: 10, page_token: "main".to_owned() };
    assert!(KeyServiceClient::new(other.client()).list_keys(list).await.unwrap().into_inner().keys.is_empty());
}

#[tokio::test]
async fn a_request_id_of_one_tenant_is_a_new_one_in_another() {
    let broker = broker().start().await;
    let id = "2f9c1c1e-7f4d-4b66-9c39-d5b4a4b2f0aa";
    let (main, other) = (broker.operator().await.request_id(id), broker.tenant("other").await.request_id(id));
    assert_eq!(put(&main, "a", marked!("of main")).await.unwrap(), 1);
    assert_eq!(put(&other, "a", marked!("of other")).await.unwrap(), 1, "not refused as used for something else");
    for (caller, value) in [(&main, marked!("of main")), (&other, marked!("of other"))] {
        let get = GetSecretRequest { path: "a".to_owned(), version: 0 };
        assert_eq!(caller.secrets().get_secret(get).await.unwrap().into_inner().fields["value"], value.as_bytes());
    }
    let make = async |caller: &Caller| {
        let (path, kind) = ("app".to_owned(), KeyType::Aes256Gcm.into());
        let request = CreateKeyRequest { path, r#type: kind, ..CreateKeyRequest::default() };
        KeyServiceClient::new(caller.client()).create_key(request).await.unwrap().into_inner().key.unwrap().id
    };
    let (first, second) = (make(&main).await, make(&other).await);
    assert_ne!(first, second, "the kept reply is not another tenant's");
    assert_eq!(make(&main).await, first);
}
