//! What proves who somebody is: certificates, bootstrap tokens, tokens under another tenant's name.

use keyward_api::v1::{GetSecretRequest, RedeemBootstrapTokenRequest, WhoAmIRequest};
use keyward_testbed::TestCa;
use tonic::{Code, Status};

use super::alike;
use crate::support::{Caller, Key, broker, reason};

const JOB: &str = "spiffe://acme.example/shop/deploy";

async fn read(caller: &Caller) -> Result<(), Status> {
    let get = GetSecretRequest { path: "prod/db".to_owned(), version: 0 };
    caller.secrets().get_secret(get).await.map(drop)
}

#[tokio::test]
async fn a_certificate_that_one_tenant_knows_is_nobody_in_another() {
    let ca = TestCa::new("workloads");
    let setup = broker();
    let file = setup.folder().join("clients.pem");
    std::fs::write(&file, ca.pem()).unwrap();
    let broker = setup.config(|config| config.client_authorities = Some(file)).start().await;
    let policy = format!("permit (principal == Principal::\"certificate/{JOB}\", action, resource);");
    broker.policy("certificates", &policy.replace("action,", "action == Action::\"secret.read\",")).await;
    broker.secret("prod/db", marked!("of main")).await;
    broker.new_tenant("other").await;
    let shown = |(certificate, key): (String, String)| broker.caller().key(&Key { certificate, key });
    let job = shown(ca.client(JOB));
    read(&job.clone().connect().await).await.unwrap();
    read(&job.clone().tenant("main").connect().await).await.unwrap();
    let there = read(&job.clone().tenant("other").connect().await).await.unwrap_err();
    let stranger = shown(ca.client("spiffe://acme.example/nobody")).tenant("other").connect().await;
    let unknown = read(&stranger).await.unwrap_err();
    assert_eq!(there.code(), Code::PermissionDenied);
    alike(&there, "", &unknown, "");
    let nowhere = read(&job.tenant("nothing").connect().await).await.unwrap_err();
    assert_ne!(nowhere.code(), Code::NotFound, "whether a tenant exists is not said");
}

#[tokio::test]
async fn a_bootstrap_token_makes_an_operator_of_its_own_tenant_and_is_not_spent_where_another_is_named() {
    let broker = broker().start().await;
    let bootstrap_token = broker.new_tenant("other").await;
    let redeem = async |caller: &Caller, bootstrap_token: &str| {
        let request = RedeemBootstrapTokenRequest { bootstrap_token: bootstrap_token.to_owned() };
        caller.auth().redeem_bootstrap_token(request).await.map(|answer| answer.into_inner().token.unwrap().token)
    };
    let newcomer = broker.caller().key(&Key::make()).connect().await;
    // Whoever does not hold it learns nothing of whose it is, whatever tenant is named.
    let garbled = format!("{}x", &bootstrap_token[..bootstrap_token.len() - 1]);
    let unknown = redeem(&newcomer.clone().tenant("main"), &garbled).await.unwrap_err();
    for tenant in ["other", "nobodys"] {
        alike(&redeem(&newcomer.clone().tenant(tenant), &garbled).await.unwrap_err(), "", &unknown, "");
    }
    for tenant in ["main", "nobodys"] {
        let refused = redeem(&newcomer.clone().tenant(tenant), &bootstrap_token).await.unwrap_err();
        assert_eq!(reason(&refused), "OTHER_TENANT");
    }
    let token = redeem(&newcomer, &bootstrap_token).await.unwrap();
    let me = newcomer.token(&token).auth().who_am_i(WhoAmIRequest {}).await.unwrap().into_inner();
    assert_eq!(me.tenant, "other");
}
