//! What a broker does by the clock.

use keyward::{
    engine::housekeeping::{RingUse, rotate_rings},
    method::TenantId,
};
use keyward_api::v1::{
    CreateKeyRequest, CreateTenantRequest, DestroyTenantRequest, EncryptRequest, GetStatusRequest, KeyType,
    KeyVersionState, RecoverRequest, RevokeRequest, RotateKeyringRequest, ScheduleKeyDestructionRequest, SealState,
    SetKeyVersionStateRequest, crypto_service_client::CryptoServiceClient, key_service_client::KeyServiceClient,
    revoke_request::What,
};
use keyward_sdk::time::{Clock, Span};

use super::{read, seal_status, write};
use crate::support::{Caller, Client, Timed, reason};

fn days(days: i64) -> Option<prost_types::Duration> {
    Some(prost_types::Duration { seconds: days * 86_400, nanos: 0 })
}

fn keys(caller: &Caller) -> KeyServiceClient<Client> {
    KeyServiceClient::new(caller.client())
}

async fn encrypts(caller: &Caller, key: &str) -> Result<u32, tonic::Status> {
    let request = EncryptRequest { key: key.to_owned(), plaintext: marked!("x").into(), aad: "".into() };
    Ok(CryptoServiceClient::new(caller.client()).encrypt(request).await?.into_inner().key_version)
}

async fn make_key(caller: &Caller, path: &str, period: Option<prost_types::Duration>) {
    let request = CreateKeyRequest {
        path: path.to_owned(),
        r#type: KeyType::Aes256Gcm.into(),
        rotation_period: period,
        ..CreateKeyRequest::default()
    };
    keys(caller).create_key(request).await.unwrap();
}

#[tokio::test]
async fn keyrings_rotate_by_age_and_what_is_over_is_forgotten() {
    let mut timed = Timed::start().await;
    let operator = timed.operator().await;
    write(&operator, "a/b", "kept").await.unwrap();
    timed.broker.socket().await.seal().recover(RecoverRequest::default()).await.unwrap();
    let what = What::TokenId("00112233445566778899aabbccddeeff".to_owned());
    operator.auth().revoke(RevokeRequest { what: Some(what), issued_before: None }).await.unwrap();
    let world = timed.world();
    let main = world.main_tenant();
    assert_eq!(world.tables.bootstraps.all(main).len(), 1);
    timed.pass(Span::from_minutes(59)).await;
    assert_eq!(world.tables.bootstraps.all(main).len(), 1, "what can still be used stays");
    timed.pass(Span::from_days(90)).await;
    assert_eq!(world.tables.bootstraps.all(main).len(), 0);
    assert_eq!(world.revocations.forgettable(main, timed.clock.now()).len(), 0);
    let operator = timed.operator().await;
    let rings = async |caller: &Caller| {
        let status = caller.seal().get_status(GetStatusRequest {}).await.unwrap().into_inner();
        status.keyrings.iter().map(|ring| (ring.versions, ring.primary)).collect::<Vec<_>>()
    };
    drop(world);
    assert_eq!(rings(&operator).await[1], (2, 2));
    timed.pass(Span::from_minutes(1)).await;
    assert_eq!(rings(&operator).await, [(1, 2), (2, 2)], "once; and of the system's only the new one is kept");
    assert_eq!(read(&operator, "a/b").await.unwrap(), "kept");
    timed.restart(|_| {}).await;
    assert_eq!(read(&timed.operator().await, "a/b").await.unwrap(), "kept");
}

#[tokio::test]
async fn the_root_gets_a_successor_by_age_and_a_pinned_one_does_not() {
    let mut timed = Timed::start().await;
    let fingerprint = async |timed: &Timed| {
        let operator = timed.operator().await;
        operator.seal().get_status(GetStatusRequest {}).await.unwrap().into_inner().root_fingerprint
    };
    let first = timed.broker.made().root_fingerprint.clone();
    timed.pass(Span::from_minutes(61)).await;
    timed.pass(Span::from_days(364)).await;
    assert_eq!(fingerprint(&timed).await, first);
    timed.pass(Span::from_days(1)).await;
    let second = fingerprint(&timed).await;
    assert_ne!(second, first);
    timed.pass(Span::from_minutes(1)).await;
    assert_eq!(fingerprint(&timed).await, second, "once");
    timed.restart(|config| config.root_fingerprint = Some(second.clone())).await;
    assert_eq!(seal_status(&timed.broker).await.state(), SealState::Unsealed);
    timed.pass(Span::from_days(400)).await;
    assert_eq!(fingerprint(&timed).await, second);
}

#[tokio::test]
async fn a_clock_that_jumps_destroys_and_forgets_nothing() {
    let mut timed = Timed::start().await;
    timed.pass(Span::from_minutes(61)).await;
    let operator = timed.operator().await;
    make_key(&operator, "app/db", None).await;
    let end = ScheduleKeyDestructionRequest { path: "app/db".to_owned(), version: 0, waiting_period: days(7) };
    keys(&operator).schedule_key_destruction(end).await.unwrap();
    let what = What::Principal(keyward_api::v1::PrincipalRef { issuer: "ci".to_owned(), subject: "job".to_owned() });
    operator.auth().revoke(RevokeRequest { what: Some(what), issued_before: None }).await.unwrap();
    let world = timed.world();
    let there = || world.tables.keys.find(world.main_tenant(), &"app/db".parse().unwrap()).is_ok();
    let right = timed.clock.now();
    for jumped in [right.saturating_add(Span::from_days(8)), right] {
        timed.clock.set_wall(jumped);
        timed.pass(Span::from_minutes(1)).await;
        assert!(there(), "at {jumped}");
    }
    timed.pass(Span::from_days(7)).await;
    assert!(!there(), "time that really went by counts");
}

#[tokio::test]
async fn rotation_by_itself_does_not_bring_a_disabled_key_back() {
    let mut timed = Timed::start().await;
    timed.pass(Span::from_minutes(61)).await;
    let operator = timed.operator().await;
    for path in ["used", "disabled"] {
        make_key(&operator, path, days(1)).await;
    }
    let state = KeyVersionState::Disabled.into();
    let disable = SetKeyVersionStateRequest { path: "disabled".to_owned(), version: 1, state };
    keys(&operator).set_key_version_state(disable).await.unwrap();
    timed.pass(Span::from_days(2)).await;
    let operator = timed.operator().await;
    assert_eq!(encrypts(&operator, "used").await.unwrap(), 2);
    assert_eq!(reason(&encrypts(&operator, "disabled").await.unwrap_err()), "KEY_VERSION_DISABLED");
}

#[tokio::test]
async fn many_tenants_end_at_once_and_nothing_of_them_opens() {
    let mut timed = Timed::start().await;
    timed.pass(Span::from_minutes(61)).await;
    let operator = timed.operator().await;
    let mut before = Vec::new();
    for n in 0..45 {
        let name = format!("team-{n}");
        let request = CreateTenantRequest { name: name.clone(), description: String::new() };
        operator.tenants().create_tenant(request).await.unwrap();
        let destroy = DestroyTenantRequest { name, waiting_period: days(7), renew_seal: n == 44 };
        before.push(operator.tenants().destroy_tenant(destroy).await.unwrap().into_inner().tenant.unwrap().id);
    }
    let rings = |timed: &Timed| timed.world().vault.rings().tenants().count();
    assert_eq!(rings(&timed), 47);
    timed.pass(Span::from_days(6)).await;
    assert_eq!(rings(&timed), 47);
    timed.pass(Span::from_days(1)).await;
    timed.pass(Span::from_minutes(1)).await;
    assert_eq!(rings(&timed), 2);
    for id in before {
        assert!(timed.world().vault.rings().of(TenantId::from_hex(&id).unwrap()).is_err());
    }
    timed.pass(Span::from_minutes(1)).await;
    let operator = timed.operator().await;
    let status = operator.seal().get_status(GetStatusRequest {}).await.unwrap().into_inner();
    assert_ne!(status.root_fingerprint, timed.broker.made().root_fingerprint, "one wanted the seal made anew");
    timed.restart(|_| {}).await;
    assert_eq!(seal_status(&timed.broker).await.state(), SealState::Unsealed);
}

#[tokio::test]
async fn a_new_version_of_the_system_keyring_takes_everything_over() {
    let mut timed = Timed::start().await;
    let operator = timed.operator().await;
    write(&operator, "a/b", "kept").await.unwrap();
    for version in [2, 3] {
        let rotated = operator.seal().rotate_keyring(RotateKeyringRequest { tenant: String::new() }).await.unwrap();
        assert_eq!(rotated.into_inner().version, version);
    }
    timed.pass(Span::from_minutes(1)).await;
    let status = operator.seal().get_status(GetStatusRequest {}).await.unwrap().into_inner();
    assert_eq!((status.keyrings[0].versions, status.keyrings[0].primary), (1, 3));
    timed.restart(|_| {}).await;
    assert_eq!(read(&timed.operator().await, "a/b").await.unwrap(), "kept");
}

#[tokio::test]
async fn keyrings_rotate_by_use_and_what_was_counted_outlives_a_restart() {
    let mut timed = Timed::start().await;
    let most = RingUse { seals: 40, in_memory: 10, ..RingUse::USUAL };
    let round = async |timed: &Timed| {
        let lifecycle = timed.broker.pipeline().lifecycle().clone();
        rotate_rings(&lifecycle, &timed.world(), timed.clock.now(), &most).await.unwrap();
        let world = timed.world();
        world.vault.rings().of(world.main_tenant()).unwrap().record().primary
    };
    let seals = |timed: &Timed| timed.world().vault.rings().of(timed.world().main_tenant()).unwrap().seals();
    let use_until = async |timed: &Timed, count: u64| {
        let operator = timed.operator().await;
        while seals(timed) < count {
            write(&operator, "a/b", "kept").await.unwrap();
        }
    };
    assert_eq!(round(&timed).await, 1);
    use_until(&timed, 25).await;
    assert_eq!(round(&timed).await, 1, "25 of 40");
    assert!(seals(&timed) < 10, "they are counted in the store now");
    timed.restart(|_| {}).await;
    use_until(&timed, 9).await;
    assert_eq!(round(&timed).await, 1, "so few are counted in memory only");
    use_until(&timed, 20).await;
    assert_eq!(round(&timed).await, 2, "25 and 20 of 40");
    assert_eq!(round(&timed).await, 2, "once");
    use_until(&timed, 25).await;
    assert_eq!(round(&timed).await, 2, "the new version is counted from nothing");
    assert_eq!(read(&timed.operator().await, "a/b").await.unwrap(), "kept");
}
