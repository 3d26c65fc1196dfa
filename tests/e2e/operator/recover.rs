//! A way back where no operator is left.

use keyward_api::v1::{
    DeletePolicyRequest, ListPoliciesRequest, PutPolicyRequest, PutRoleRequest, RecoverRequest,
    RedeemBootstrapTokenRequest, RevokeRequest, Role, Scope, SealRequest, SealState, revoke_request::What,
};

use super::{put_people, seal_status, unseal, write};
use crate::support::{Broker, Caller, Key, broker, reason};

async fn recover(caller: &Caller, shares: &[&String]) -> Result<String, tonic::Status> {
    recover_in(caller, "", shares).await
}

async fn recover_in(caller: &Caller, tenant: &str, shares: &[&String]) -> Result<String, tonic::Status> {
    let shares = shares.iter().map(|share| (*share).clone()).collect();
    caller
        .seal()
        .recover(RecoverRequest { shares, tenant: tenant.to_owned() })
        .await
        .map(|made| made.into_inner().operator_token)
}

async fn log_in(broker: &Broker, bootstrap_token: &str) -> Result<Caller, tonic::Status> {
    let key = Key::make();
    let caller = broker.caller().key(&key).connect().await;
    let request = RedeemBootstrapTokenRequest { bootstrap_token: bootstrap_token.to_owned() };
    let token = caller.auth().redeem_bootstrap_token(request).await?.into_inner().token.unwrap();
    Ok(caller.token(&token.token))
}

#[tokio::test]
async fn shares_of_people_make_an_operator_token_for_one_use() {
    let broker = broker().start().await;
    let operator = broker.operator().await;
    let shares = put_people(&operator, "people").await;
    operator.auth().revoke(RevokeRequest { what: Some(What::Tenant(true)), issued_before: None }).await.unwrap();
    assert_eq!(reason(&write(&operator, "a/b", "x").await.unwrap_err()), "TOKEN_REVOKED");
    let nobody = broker.caller().connect().await;
    let refused = recover(&nobody, &[]).await.unwrap_err();
    assert_eq!(reason(&refused), "MORE_SHARES");
    let refused = recover(&broker.socket().await, &[]).await.unwrap_err();
    assert_eq!(reason(&refused), "MORE_SHARES", "where there are people, the daemon's own user is not enough");
    let refused = recover(&nobody, &[&shares[0]]).await.unwrap_err();
    assert_eq!(reason(&refused), "MORE_SHARES");
    let refused = recover(&nobody, &[&shares[0], &"nonsense".to_owned()]).await.unwrap_err();
    assert_eq!(reason(&refused), "SHARE_REFUSED");
    let token = recover(&nobody, &[&shares[0], &shares[2]]).await.unwrap();
    let again = log_in(&broker, &token).await.unwrap();
    write(&again, "a/b", "x").await.unwrap();
    let refused = log_in(&broker, &token).await.err().unwrap();
    assert_eq!(reason(&refused), "BOOTSTRAP_TOKEN_UNKNOWN");
}

#[tokio::test]
async fn without_people_only_the_daemons_own_user_recovers() {
    let broker = broker().start().await;
    let refused = recover(&broker.caller().connect().await, &[]).await.unwrap_err();
    assert_eq!(reason(&refused), "NOT_LOCAL");
    let token = recover(&broker.socket().await, &[]).await.unwrap();
    write(&log_in(&broker, &token).await.unwrap(), "a/b", "x").await.unwrap();
    // Recovery is no way to open a broker.
    broker.operator().await.seal().seal(SealRequest {}).await.unwrap();
    assert_eq!(reason(&recover(&broker.socket().await, &[]).await.unwrap_err()), "SEALED");
    assert_eq!(seal_status(&broker).await.state(), SealState::Sealed);
    unseal(&broker, "").await.unwrap();
    recover(&broker.socket().await, &[]).await.unwrap();
}

/// What has to be forced because it leaves nobody who can write policies. Each is a change that somebody with a part of an
/// operator's rights could make.
async fn lock_out(operator: &Caller) {
    let text = "forbid(principal, action, resource) when { 1 == 1 };";
    for force in [false, true] {
        let put = PutPolicyRequest { name: "trap".to_owned(), text: text.to_owned(), force };
        let put = operator.policies().put_policy(put).await;
        assert_eq!(put.as_ref().err().map(reason), (!force).then(|| "LOCK_OUT".to_owned()), "{put:?}");
    }
    assert_eq!(write(operator, "a/b", "x").await.unwrap_err().code(), tonic::Code::PermissionDenied);
}

#[tokio::test]
async fn recovery_takes_back_what_locks_everyone_out() {
    let broker = broker().start().await;
    let operator = broker.operator().await;
    let scope = Scope { paths: vec!["foo".to_owned()], ..Scope::default() };
    let narrow = |force| PutRoleRequest {
        role: Some(Role { name: "operator".to_owned(), scope: Some(scope.clone()), ..Role::default() }),
        force,
    };
    assert_eq!(reason(&operator.roles().put_role(narrow(false)).await.unwrap_err()), "LOCK_OUT");
    operator.roles().put_role(narrow(true)).await.unwrap();
    let recovered = log_in(&broker, &recover(&broker.socket().await, &[]).await.unwrap()).await.unwrap();
    recovered.policies().list_policies(ListPoliciesRequest::default()).await.unwrap();

    lock_out(&recovered).await;
    let again = log_in(&broker, &recover(&broker.socket().await, &[]).await.unwrap()).await.unwrap();
    let refused = write(&again, "a/b", "x").await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::PermissionDenied, "policies and nothing else");
    again.policies().list_policies(ListPoliciesRequest::default()).await.unwrap();
    let delete = DeletePolicyRequest { name: "trap".to_owned(), force: false };
    again.policies().delete_policy(delete).await.unwrap();
    write(&again, "a/b", "x").await.unwrap();
}

#[tokio::test]
async fn the_last_operator_of_a_tenant_is_recovered_as_well() {
    let broker = broker().start().await;
    let theirs = broker.tenant("other").await;
    lock_out(&theirs).await;
    let refused = theirs.policies().list_policies(ListPoliciesRequest::default()).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::PermissionDenied);
    let local = broker.socket().await;
    assert_eq!(recover_in(&local, "none", &[]).await.unwrap_err().code(), tonic::Code::NotFound);
    let nobody = broker.caller().connect().await;
    assert_eq!(reason(&recover_in(&nobody, "none", &[]).await.unwrap_err()), "NOT_LOCAL", "nobody learns of tenants");
    let token = recover_in(&local, "other", &[]).await.unwrap();
    let recovered = log_in(&broker, &token).await.unwrap();
    let delete = DeletePolicyRequest { name: "trap".to_owned(), force: false };
    recovered.policies().delete_policy(delete).await.unwrap();
    write(&theirs, "a/b", "x").await.unwrap();
}
