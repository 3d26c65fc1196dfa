//! What one may not, and what is not there and one may not know: the same answer.

use keyward_api::v1::{
    CreateTenantRequest, DeleteSecretRequest, DestroySecretRequest, GetClusterRequest, GetSecretMetadataRequest,
    GetSecretRequest, GetTenantRequest, ListSecretsRequest, PutSecretRequest, RedeemBootstrapTokenRequest,
    WhoAmIRequest,
};
use keyward_testbed::CiTokens;
use serde_json::json;
use tonic::{Code, Status};

use crate::support::{Key, broker, github, reason};

fn same(one: &Status, other: &Status) {
    assert_eq!((one.code(), reason(one)), (Code::PermissionDenied, "DENIED".to_owned()), "{one:?}");
    assert_eq!((one.code(), one.message(), one.details()), (other.code(), other.message(), other.details()));
}

#[tokio::test]
async fn what_is_not_permitted_cannot_be_told_from_what_is_not_there() {
    let broker = broker().start().await;
    let ci = CiTokens::start().await;
    broker.deploys(&ci).await;
    broker.secret("prod/db/main", marked!("may")).await;
    broker.secret("prod/payroll", marked!("may not")).await;
    let (job, _) = broker.job(&ci, "deploy").await;
    let mut secrets = job.secrets();

    let get = |path: &str| GetSecretRequest { path: path.to_owned(), version: 0 };
    assert_eq!(
        secrets.get_secret(get("prod/db/main")).await.unwrap().into_inner().fields["value"],
        marked!("may").as_bytes()
    );
    let there = secrets.get_secret(get("prod/payroll")).await.unwrap_err();
    let nowhere = secrets.get_secret(get("prod/nothing")).await.unwrap_err();
    same(&there, &nowhere);
    // Where it may read, it may know.
    let missing = secrets.get_secret(get("prod/db/nothing")).await.unwrap_err();
    assert_eq!((missing.code(), reason(&missing).as_str()), (Code::NotFound, "NOT_FOUND"));

    for path in ["prod/payroll", "prod/nothing"] {
        let path = path.to_owned();
        let metadata = secrets.get_secret_metadata(GetSecretMetadataRequest { path: path.clone() }).await.unwrap_err();
        same(&there, &metadata);
        let put = PutSecretRequest { path: path.clone(), expected_version: Some(0), ..PutSecretRequest::default() };
        same(&there, &secrets.put_secret(put).await.unwrap_err());
        let delete = DeleteSecretRequest { path: path.clone(), versions: vec![] };
        same(&there, &secrets.delete_secret(delete).await.unwrap_err());
        let destroy = DestroySecretRequest { path: path.clone(), versions: vec![], all: true };
        same(&there, &secrets.destroy_secret(destroy).await.unwrap_err());
        let list = ListSecretsRequest { folder: path, ..ListSecretsRequest::default() };
        same(&there, &secrets.list_secrets(list).await.unwrap_err());
    }
    for name in ["main", "nobody"] {
        same(&there, &job.tenants().get_tenant(GetTenantRequest { name: name.to_owned() }).await.unwrap_err());
        same(&there, &job.clusters().get_cluster(GetClusterRequest { name: name.to_owned() }).await.unwrap_err());
    }
}

#[tokio::test]
async fn a_role_that_is_not_ours_cannot_be_told_from_one_that_is_not_there() {
    let broker = broker().start().await;
    let ci = CiTokens::start().await;
    broker.deploys(&ci).await;
    let caller = broker.caller().key(&Key::make()).connect().await;
    let mallory = github(&ci, json!({ "repository": "mallory/shop" }));
    let there = caller.login("deploy", &mallory).await.unwrap_err();
    same(&there, &caller.login("nothing", &mallory).await.unwrap_err());
    same(&there, &caller.login("operator", &mallory).await.unwrap_err());
}

#[tokio::test]
async fn a_tenant_that_is_not_ours_cannot_be_told_from_one_that_is_not_there() {
    let broker = broker().start().await;
    let create = CreateTenantRequest { name: "there".to_owned(), description: String::new() };
    broker.operator().await.tenants().create_tenant(create).await.unwrap();
    let ci = CiTokens::start().await;
    let stranger = broker.caller().key(&Key::make()).connect().await;
    let (key, token) = broker.operator_proof();
    let operator = broker.caller().key(key).token(token).connect().await;
    let told = |status: Status| (status.code(), reason(&status), status.message().to_owned());
    let in_tenant = async |name: &str| {
        let (stranger, operator) = (stranger.clone().tenant(name), operator.clone().tenant(name));
        let redeem = RedeemBootstrapTokenRequest { bootstrap_token: "kwb1.AAAA".to_owned() };
        [
            told(stranger.auth().who_am_i(WhoAmIRequest {}).await.unwrap_err()),
            told(stranger.login("deploy", &github(&ci, json!({}))).await.unwrap_err()),
            told(stranger.login("deploy", "").await.unwrap_err()),
            told(stranger.auth().redeem_bootstrap_token(redeem).await.unwrap_err()),
            told(operator.auth().who_am_i(WhoAmIRequest {}).await.unwrap_err()),
        ]
    };
    assert_eq!(in_tenant("there").await, in_tenant("nowhere").await);
}

#[tokio::test]
async fn a_narrowed_token_may_no_more_than_it_says() {
    let broker = broker().start().await;
    let ci = CiTokens::start().await;
    broker.deploys(&ci).await;
    broker.secret("prod/db/main", marked!("main")).await;
    broker.secret("prod/db/other", marked!("other")).await;
    let (job, _) = broker.job(&ci, "deploy").await;
    let scope = |path: &str| keyward_api::v1::Scope { paths: vec![path.to_owned()], actions: vec![] };
    let attenuate = |path: &str| keyward_api::v1::AttenuateRequest { scope: Some(scope(path)), life: None };
    let narrow = job.auth().attenuate(attenuate("prod/db/main")).await.unwrap().into_inner().token.unwrap();
    let narrow = job.clone().token(&narrow.token);
    let get = |path: &str| GetSecretRequest { path: path.to_owned(), version: 0 };
    narrow.secrets().get_secret(get("prod/db/main")).await.unwrap();
    let refused = narrow.secrets().get_secret(get("prod/db/other")).await.unwrap_err();
    same(&refused, &narrow.secrets().get_secret(get("prod/payroll")).await.unwrap_err());
    let wider = narrow.auth().attenuate(attenuate("prod/db")).await.unwrap_err();
    assert_ne!(wider.code(), Code::Ok);
    assert_eq!(
        narrow.auth().who_am_i(WhoAmIRequest {}).await.unwrap().into_inner().scope.unwrap().paths,
        ["prod/db/main"]
    );
}
