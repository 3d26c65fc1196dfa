//! What the clock does.

use keyward::engine::key::{VersionState, destroy_due, rotate_due};
use keyward_api::v1::{
    CreateKeyRequest, GetImportParametersRequest, KeyOrigin, KeyType, ScheduleKeyDestructionRequest,
};
use keyward_sdk::time::Span;

use super::{create, keys};
use crate::support::broker;

const DAY: i64 = 86_400;

fn days(days: i64) -> Option<prost_types::Duration> {
    Some(prost_types::Duration { seconds: days * DAY, nanos: 0 })
}

#[tokio::test]
async fn a_key_is_rotated_when_its_period_is_over_and_once() {
    let broker = broker().start().await;
    let operator = broker.operator().await;
    let request = CreateKeyRequest {
        path: "app/db".to_owned(),
        r#type: KeyType::EcdsaP256.into(),
        rotation_period: days(30),
        ..CreateKeyRequest::default()
    };
    keys(&operator).create_key(request).await.unwrap();
    create(&operator, "app/still", KeyType::Aes256Gcm).await;
    let world = broker.pipeline().lifecycle().world().unwrap();
    let soon = world.clock.now().saturating_add(Span::from_days(29));
    assert!(rotate_due(&world, soon, 16).await.unwrap().is_none());
    let later = world.clock.now().saturating_add(Span::from_days(31));
    let due = rotate_due(&world, later, 16).await.unwrap().unwrap();
    assert_eq!(due.names, ["app/db"]);
    world.vault.commit(due.changes).await.unwrap();
    assert!(rotate_due(&world, later, 16).await.unwrap().is_none());
    let key = world.tables.keys.find(world.main_tenant(), &"app/db".parse().unwrap()).unwrap();
    let states: Vec<_> = key.info().versions.iter().map(|v| v.state).collect();
    assert_eq!(states, [VersionState::DecryptOnly, VersionState::Enabled]);
}

#[tokio::test]
async fn keys_versions_and_wrapping_keys_end_when_their_time_is_over() {
    let broker = broker().start().await;
    let operator = broker.operator().await;
    create(&operator, "whole", KeyType::Aes256Gcm).await;
    create(&operator, "version", KeyType::Aes256Gcm).await;
    let request = CreateKeyRequest {
        path: "import".to_owned(),
        r#type: KeyType::Aes256Gcm.into(),
        origin: KeyOrigin::Imported.into(),
        ..CreateKeyRequest::default()
    };
    keys(&operator).create_key(request).await.unwrap();
    let request = GetImportParametersRequest { path: "import".to_owned(), wrapping_key_type: 0 };
    keys(&operator).get_import_parameters(request).await.unwrap();
    for (path, version) in [("whole", 0), ("version", 1)] {
        let request = ScheduleKeyDestructionRequest { path: path.to_owned(), version, waiting_period: days(7) };
        keys(&operator).schedule_key_destruction(request).await.unwrap();
    }
    let world = broker.pipeline().lifecycle().world().unwrap();
    let (tenant, now) = (world.main_tenant(), world.clock.now());
    assert!(destroy_due(&world, now, 16).unwrap().is_none());
    let due = destroy_due(&world, now.saturating_add(Span::from_days(8)), 16).unwrap().unwrap();
    assert_eq!(due.names.len(), 3, "{:?}", due.names);
    world.vault.commit(due.changes).await.unwrap();
    assert!(world.tables.keys.get(tenant, &"whole".parse().unwrap()).is_none());
    let left = world.tables.keys.find(tenant, &"version".parse().unwrap()).unwrap();
    assert_eq!(left.info().versions[0].state, VersionState::Destroyed);
    assert!(left.material(1).is_err());
    assert!(world.tables.imports.all(tenant).is_empty());
}
