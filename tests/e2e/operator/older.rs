//! An older copy of the store, and another's seal record.

use keyward::{
    config::OlderStore,
    storage::{Batch, Embedded, OpenMode, Path, Storage, StoreKind},
};
use keyward_api::v1::SealState;

use super::{put_people, read, seal_status, write};
use crate::support::{Broker, broker};

fn store(broker: &Broker) -> Embedded {
    let mode = OpenMode { kind: StoreKind::Production };
    Embedded::open(&broker.folder().join("keyward.store"), mode).unwrap()
}

async fn record(broker: &Broker) -> bytes::Bytes {
    store(broker).get(&Path::new("seal").unwrap()).await.unwrap().unwrap().value
}

async fn put_record(broker: &Broker, record: bytes::Bytes) {
    let batch = Batch { put: vec![(Path::new("seal").unwrap(), record)], ..Batch::default() };
    store(broker).commit(batch).await.unwrap();
}

#[tokio::test]
async fn an_older_copy_of_the_store_is_refused_until_it_is_accepted() {
    let mut broker = broker().start().await;
    write(&broker.operator().await, "a/b", "old").await.unwrap();
    broker.stop().await;
    let (file, copy) = (broker.folder().join("keyward.store"), broker.folder().join("copy"));
    std::fs::copy(&file, &copy).unwrap();
    broker.start_again().await;
    let operator = broker.operator().await;
    put_people(&operator, "people").await;
    write(&operator, "a/b", "new").await.unwrap();
    broker.stop().await;
    std::fs::rename(&copy, &file).unwrap();
    broker.start_again().await;
    let status = seal_status(&broker).await;
    assert_eq!(status.state(), SealState::Sealed);
    assert!(
        status.reason.contains("older copy of the store") && status.reason.contains("--accept-older-store"),
        "{status:?}"
    );
    broker.stop().await;
    broker.reconfigure(|config| config.older = OlderStore::Accept);
    broker.start_again().await;
    assert_eq!(seal_status(&broker).await.state(), SealState::Unsealed);
    assert_eq!(read(&broker.operator().await, "a/b").await.unwrap(), "old");
}

#[tokio::test]
async fn an_older_seal_record_under_the_newer_store_is_refused() {
    let mut broker = broker().start().await;
    broker.stop().await;
    let older = record(&broker).await;
    broker.start_again().await;
    put_people(&broker.operator().await, "people").await;
    broker.stop().await;
    put_record(&broker, older).await;
    broker.start_again().await;
    let status = seal_status(&broker).await;
    assert_eq!(status.state(), SealState::Sealed);
    assert!(status.reason.contains("seal record"), "{status:?}");
}

#[tokio::test]
async fn a_seal_record_of_another_installation_is_refused_where_the_root_is_pinned() {
    let mut other = broker().start().await;
    other.stop().await;
    let foreign = record(&other).await;
    let mut broker = broker().start().await;
    let pin = broker.made().root_fingerprint.clone();
    broker.stop().await;
    put_record(&broker, foreign).await;
    broker.reconfigure(|config| config.root_fingerprint = Some(pin));
    broker.start_again().await;
    let status = seal_status(&broker).await;
    assert_eq!(status.state(), SealState::Sealed);
    assert!(status.reason.contains("the store was replaced"), "{status:?}");
}
