//! Nothing of one tenant is of use in another.

use keyward_api::v1::{
    CancelTenantDestructionRequest, CreateTenantRequest, DestroyTenantRequest, GetClusterRequest, GetSecretRequest,
    ListSecretsRequest, ListTenantsRequest, RedeemBootstrapTokenRequest, RegisterClusterRequest, ResumeTenantRequest,
    RevokeRequest, RotateKeyringRequest, SealRequest, SuspendTenantRequest, TenantState, WhoAmIRequest,
    revoke_request::What,
};
use keyward_testbed::CiTokens;
use serde_json::json;
use tonic::{Code, Status};

use crate::support::{Broker, Caller, Key, broker, github, reason};

/// A tenant `other`, and its operator.
async fn other(broker: &Broker) -> Caller {
    broker.tenant("other").await
}

fn why(status: &Status) -> (Code, String) {
    (status.code(), reason(status))
}

fn foreign() -> (Code, String) {
    (Code::Unauthenticated, "TOKEN_FOREIGN".to_owned())
}

fn denied() -> (Code, String) {
    (Code::PermissionDenied, "DENIED".to_owned())
}

#[tokio::test]
async fn a_token_serves_in_its_own_tenant_only() {
    let broker = broker().start().await;
    let other = other(&broker).await;
    assert_eq!(other.auth().who_am_i(WhoAmIRequest {}).await.unwrap().into_inner().tenant, "other");
    for (caller, tenant) in
        [(broker.operator().await, "other"), (other.clone(), "main"), (broker.operator().await, "other")]
    {
        let status = caller.tenant(tenant).auth().who_am_i(WhoAmIRequest {}).await.unwrap_err();
        assert_eq!(why(&status), foreign());
    }
    // The tenant that a token names in clear is bound in: another one's id does not open it.
    let (key, token) = broker.operator_proof();
    let id = other.auth().who_am_i(WhoAmIRequest {}).await.unwrap().into_inner();
    let tenants = broker
        .operator()
        .await
        .tenants()
        .list_tenants(ListTenantsRequest::default())
        .await
        .unwrap()
        .into_inner()
        .tenants;
    let other_id =
        data_encoding::HEXLOWER.decode(tenants.iter().find(|t| t.name == id.tenant).unwrap().id.as_bytes()).unwrap();
    let text = token.strip_prefix("kw1.").unwrap();
    let mut bytes = data_encoding::BASE64URL_NOPAD.decode(text.as_bytes()).unwrap();
    bytes[1..17].copy_from_slice(&other_id);
    let swapped = format!("kw1.{}", data_encoding::BASE64URL_NOPAD.encode(&bytes));
    let caller = broker.caller().key(key).token(&swapped).connect().await;
    let status = caller.auth().who_am_i(WhoAmIRequest {}).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn names_of_one_tenant_say_nothing_in_another() {
    let broker = broker().start().await;
    let (main, other) = (broker.operator().await, other(&broker).await);
    broker.secret("prod/db", marked!("of main")).await;
    let register = RegisterClusterRequest { name: "blue".to_owned(), mode: 1, ..RegisterClusterRequest::default() };
    main.clusters().register_cluster(register.clone()).await.unwrap();
    let get = GetSecretRequest { path: "prod/db".to_owned(), version: 0 };
    let missing = other.secrets().get_secret(get).await.unwrap_err();
    assert_eq!(why(&missing), (Code::NotFound, "NOT_FOUND".to_owned()));
    let list = ListSecretsRequest { recursive: true, ..ListSecretsRequest::default() };
    assert!(other.secrets().list_secrets(list).await.unwrap().into_inner().names.is_empty());
    let missing = other.clusters().get_cluster(GetClusterRequest { name: "blue".to_owned() }).await.unwrap_err();
    assert_eq!(missing.code(), Code::NotFound);
    // The same names stand for other things there.
    let made = other.clusters().register_cluster(register).await.unwrap().into_inner().cluster.unwrap();
    let first = main.clusters().get_cluster(GetClusterRequest { name: "blue".to_owned() }).await.unwrap();
    assert_ne!(made.id, first.into_inner().cluster.unwrap().id);
}

#[tokio::test]
async fn only_main_runs_the_installation() {
    let broker = broker().start().await;
    let other = other(&broker).await;
    let name = || "main".to_owned();
    let mut tenants = other.tenants();
    let create = CreateTenantRequest { name: "third".to_owned(), description: String::new() };
    assert_eq!(why(&tenants.create_tenant(create).await.unwrap_err()), denied());
    assert_eq!(why(&tenants.list_tenants(ListTenantsRequest::default()).await.unwrap_err()), denied());
    assert_eq!(why(&tenants.suspend_tenant(SuspendTenantRequest { name: name() }).await.unwrap_err()), denied());
    let destroy = DestroyTenantRequest { name: name(), waiting_period: None, renew_seal: false };
    assert_eq!(why(&tenants.destroy_tenant(destroy).await.unwrap_err()), denied());
    assert_eq!(why(&other.seal().seal(SealRequest {}).await.unwrap_err()), denied());
    let rotate = RotateKeyringRequest { tenant: name() };
    assert_eq!(why(&other.seal().rotate_keyring(rotate).await.unwrap_err()), denied());
}

#[tokio::test]
async fn revoking_in_one_tenant_leaves_the_others_alone() {
    let broker = broker().start().await;
    let other = other(&broker).await;
    let ci = CiTokens::start().await;
    broker.deploys(&ci).await;
    let (job, token) = broker.job(&ci, "deploy").await;
    for what in [What::TokenId(token.id), What::Role("deploy".to_owned()), What::Issuer("github".to_owned())] {
        other.auth().revoke(RevokeRequest { what: Some(what), issued_before: None }).await.unwrap();
    }
    job.auth().who_am_i(WhoAmIRequest {}).await.unwrap();
    other.auth().revoke(RevokeRequest { what: Some(What::Tenant(true)), issued_before: None }).await.unwrap();
    job.auth().who_am_i(WhoAmIRequest {}).await.unwrap();
    let status = other.auth().who_am_i(WhoAmIRequest {}).await.unwrap_err();
    assert_eq!(why(&status), (Code::Unauthenticated, "TOKEN_REVOKED".to_owned()));
    // An issuer of one tenant vouches for nobody in another.
    let caller = broker.caller().key(&Key::make()).tenant("other").connect().await;
    let status = caller.login("deploy", &github(&ci, json!({}))).await.unwrap_err();
    assert!(matches!(status.code(), Code::Unauthenticated | Code::PermissionDenied), "{status:?}");
}

#[tokio::test]
async fn a_suspended_tenant_is_refused_until_it_is_resumed() {
    let broker = broker().start().await;
    let (main, other) = (broker.operator().await, other(&broker).await);
    let name = || "other".to_owned();
    main.tenants().suspend_tenant(SuspendTenantRequest { name: name() }).await.unwrap();
    let status = other.auth().who_am_i(WhoAmIRequest {}).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied, "{status:?}");
    main.tenants().resume_tenant(ResumeTenantRequest { name: name() }).await.unwrap();
    other.auth().who_am_i(WhoAmIRequest {}).await.unwrap();
    let destroyed = main
        .tenants()
        .destroy_tenant(DestroyTenantRequest { name: name(), waiting_period: None, renew_seal: false })
        .await
        .unwrap();
    assert_eq!(destroyed.into_inner().tenant.unwrap().state(), TenantState::Destroying);
    let status = other.auth().who_am_i(WhoAmIRequest {}).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied, "{status:?}");
    let cancel = CancelTenantDestructionRequest { name: name() };
    let tenant = main.tenants().cancel_tenant_destruction(cancel).await.unwrap().into_inner().tenant.unwrap();
    assert_eq!(tenant.state(), TenantState::Suspended);
    let again = main.tenants().suspend_tenant(SuspendTenantRequest { name: "main".to_owned() }).await.unwrap_err();
    assert_eq!(again.code(), Code::FailedPrecondition, "main cannot be suspended");
}

#[tokio::test]
async fn a_bootstrap_token_serves_once() {
    let broker = broker().start().await;
    let bootstrap_token = broker.new_tenant("other").await;
    let caller = broker.caller().key(&Key::make()).connect().await;
    let redeem = RedeemBootstrapTokenRequest { bootstrap_token };
    caller.auth().redeem_bootstrap_token(redeem.clone()).await.unwrap();
    let twice = caller.auth().redeem_bootstrap_token(redeem).await.unwrap_err();
    assert_eq!(why(&twice), (Code::Unauthenticated, "BOOTSTRAP_TOKEN_UNKNOWN".to_owned()));
}
