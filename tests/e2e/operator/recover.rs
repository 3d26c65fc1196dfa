//! A way back where no operator is left.

use keyward_api::v1::{
    RecoverRequest, RedeemBootstrapTokenRequest, RevokeRequest, SealRequest, SealState, revoke_request::What,
};

use super::{put_people, seal_status, unseal, write};
use crate::support::{Broker, Caller, Key, broker, reason};

async fn recover(caller: &Caller, shares: &[&String]) -> Result<String, tonic::Status> {
    let shares = shares.iter().map(|share| (*share).clone()).collect();
    caller.seal().recover(RecoverRequest { shares }).await.map(|made| made.into_inner().operator_token)
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
