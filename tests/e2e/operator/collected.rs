//! What is no longer kept is really gone from the store.

use keyward::{keyring::DataPath, method::TenantId};
use keyward_api::v1::{
    CreateTenantRequest, DestroySecretRequest, DestroyTenantRequest, PutSecretRequest, RedeemBootstrapTokenRequest,
    UpdateSecretMetadataRequest,
};
use keyward_sdk::time::Span;

use super::write;
use crate::support::{Caller, Timed};

/// Longer than two entries of the store may be.
const LARGE: usize = 900_000;

impl Timed {
    async fn values(&self) -> Vec<DataPath> {
        let world = self.world();
        world.vault.places(world.main_tenant(), "kv/v/", None, 1_000).await.unwrap()
    }
}

async fn put(caller: &Caller, path: &str, bytes: usize) {
    let fields = [("value".to_owned(), vec![7; bytes].into())].into();
    let request = PutSecretRequest { path: path.to_owned(), fields, ..PutSecretRequest::default() };
    caller.secrets().put_secret(request).await.unwrap();
}

async fn keep(caller: &Caller, path: &str, max_versions: Option<u32>, max_age_minutes: i64) {
    let max_age = Some(prost_types::Duration { seconds: max_age_minutes * 60, nanos: 0 });
    let request = UpdateSecretMetadataRequest { path: path.to_owned(), max_versions, max_age, ..Default::default() };
    caller.secrets().update_secret_metadata(request).await.unwrap();
}

#[tokio::test]
async fn of_a_destroyed_secret_no_value_is_left_however_many_there_were() {
    let mut timed = Timed::start().await;
    let operator = timed.operator().await;
    put(&operator, "many", LARGE).await;
    keep(&operator, "many", Some(1_000), 0).await;
    for _ in 1..25 {
        put(&operator, "many", LARGE).await;
    }
    assert_eq!(timed.values().await.len(), 25 * 3);
    let request = DestroySecretRequest { path: "many".to_owned(), versions: vec![], all: true };
    operator.secrets().destroy_secret(request).await.unwrap();
    timed.pass(Span::from_minutes(1)).await;
    assert_eq!(timed.values().await.len(), 0);
}

#[tokio::test]
async fn a_large_secret_of_many_versions_stays_writable_when_fewer_are_kept() {
    let mut timed = Timed::start().await;
    let operator = timed.operator().await;
    put(&operator, "many", LARGE).await;
    keep(&operator, "many", Some(1_000), 0).await;
    for _ in 1..40 {
        put(&operator, "many", LARGE).await;
    }
    keep(&operator, "many", Some(2), 0).await;
    put(&operator, "many", LARGE).await;
    timed.pass(Span::from_minutes(1)).await;
    assert_eq!(timed.values().await.len(), 2 * 3);
}

#[tokio::test]
async fn what_nobody_writes_is_dropped_by_age_as_well() {
    let mut timed = Timed::start().await;
    timed.pass(Span::from_minutes(61)).await;
    let operator = timed.operator().await;
    for _ in 0..3 {
        put(&operator, "old", 10).await;
    }
    keep(&operator, "old", None, 10).await;
    timed.pass(Span::from_minutes(9)).await;
    assert_eq!(timed.values().await.len(), 3);
    timed.pass(Span::from_minutes(2)).await;
    assert_eq!(timed.values().await.len(), 1, "the newest stays");
}

#[tokio::test]
async fn what_writers_left_half_written_is_collected() {
    let mut timed = Timed::start().await;
    let operator = timed.operator().await;
    put(&operator, "raced", LARGE).await;
    // Of those who write at the same moment all but one write again, and leave what they wrote first.
    let writers = (0..6).map(|_| put(&operator, "raced", LARGE));
    futures_util::future::join_all(writers).await;
    assert!(timed.values().await.len() > 7 * 3, "some met each other");
    timed.pass(Span::from_minutes(61)).await;
    assert_eq!(timed.values().await.len(), 7 * 3);
}

#[tokio::test]
async fn a_destroyed_tenant_leaves_nothing() {
    let mut timed = Timed::start().await;
    timed.pass(Span::from_minutes(61)).await;
    let main = timed.operator().await;
    let create = CreateTenantRequest { name: "b".to_owned(), description: String::new() };
    let made = main.tenants().create_tenant(create).await.unwrap().into_inner();
    let id = TenantId::from_hex(&made.tenant.unwrap().id).unwrap();
    let redeem = RedeemBootstrapTokenRequest { bootstrap_token: made.operator_token };
    let local = timed.broker.socket().await;
    let token = local.auth().redeem_bootstrap_token(redeem).await.unwrap().into_inner().token.unwrap();
    let theirs = local.token(&token.token);
    for n in 0..250 {
        write(&theirs, &format!("a/{n}"), marked!("theirs")).await.unwrap();
    }
    let world = timed.world();
    let left = async || world.vault.places(id, "", None, 1_000).await.unwrap().len();
    assert!(left().await >= 500);
    let waiting_period = Some(prost_types::Duration { seconds: 7 * 86_400, nanos: 0 });
    let destroy = DestroyTenantRequest { name: "b".to_owned(), waiting_period, ..DestroyTenantRequest::default() };
    main.tenants().destroy_tenant(destroy).await.unwrap();
    timed.pass(Span::from_days(7)).await;
    timed.pass(Span::from_minutes(61)).await;
    timed.pass(Span::from_minutes(1)).await;
    assert_eq!(left().await, 0);
}
