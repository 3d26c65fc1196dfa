//! What is not ours is refused with a code that says why.

use keyward_api::{kubernetes::v2::EncryptResponse, v1::ClusterMode};
use keyward_kit::cluster::{ClusterId, ClusterKeyId, KeyId};
use tokio::io::AsyncWriteExt as _;
use tonic::Code;

use crate::support::{Broker, Node, keyset, until};

#[tokio::test]
async fn each_kind_of_bad_ciphertext_has_its_code() {
    let (broker, node) = (Broker::start().await, Node::new());
    let running = node.joined(&broker).await;
    let mut client = node.client().await;
    let good = client.encrypt(&[7; 32]).await.unwrap();
    let with = |change: fn(&mut EncryptResponse)| {
        let mut bad = good.clone();
        change(&mut bad);
        bad
    };
    let (cluster, key) = (ClusterId::from_bytes([2; 16]), ClusterKeyId::from_bytes([3; 16]));
    let unknown = EncryptResponse { key_id: KeyId::of(&cluster, &key, 9, [9; 8]).to_string(), ..good.clone() };
    let reused = EncryptResponse { key_id: KeyId::of(&cluster, &key, 1, [9; 8]).to_string(), ..good.clone() };
    let foreign = KeyId::of(&ClusterId::from_bytes([9; 16]), &key, 1, [1; 8]).to_string();
    let foreign = EncryptResponse { key_id: foreign, ..good.clone() };
    let annotated = with(|bad| drop(bad.annotations.insert("kms.example.io".to_owned(), "x".into())));
    for (bad, code) in [
        (with(|bad| bad.key_id.clear()), Code::InvalidArgument),
        (with(|bad| bad.key_id = "projects/p/cryptoKeys/k/1".to_owned()), Code::InvalidArgument),
        (with(|bad| bad.key_id.push('0')), Code::InvalidArgument),
        (with(|bad| bad.ciphertext = bytes::Bytes::new()), Code::InvalidArgument),
        (with(|bad| bad.ciphertext = vec![1; 1_025].into()), Code::InvalidArgument),
        (with(|bad| bad.ciphertext = bad.ciphertext.slice(..bad.ciphertext.len() - 1)), Code::InvalidArgument),
        (with(|bad| bad.ciphertext = [&[9], &bad.ciphertext[1..]].concat().into()), Code::InvalidArgument),
        (annotated, Code::InvalidArgument),
        (foreign, Code::FailedPrecondition),
        (unknown, Code::NotFound),
        (reused, Code::NotFound),
    ] {
        let refused = client.decrypt(&bad).await.unwrap_err();
        assert_eq!(refused.code(), code, "{refused:?} for {bad:?}");
        assert!(!refused.message().is_empty());
    }
    assert_eq!(client.decrypt(&good).await.unwrap(), [7; 32]);
    running.stop().await;
}

#[tokio::test]
async fn a_ciphertext_opens_under_its_own_key_id_only() {
    let (broker, node) = (Broker::start().await, Node::new());
    let running = node.joined(&broker).await;
    let mut client = node.client().await;
    let old = client.encrypt(b"seed").await.unwrap();
    broker.publish(keyset(ClusterMode::Local, 2, 2));
    until("the new keyset is served", || async { broker.reported(2) }).await;
    client.status().await.unwrap();
    let new = client.encrypt(b"seed").await.unwrap();
    let mixed = EncryptResponse { key_id: new.key_id, ..old };
    assert_eq!(client.decrypt(&mixed).await.unwrap_err().code(), Code::InvalidArgument);
    running.stop().await;
}

#[tokio::test]
async fn a_disabled_version_is_a_failed_precondition() {
    let (broker, node) = (Broker::start().await, Node::new());
    let running = node.joined(&broker).await;
    let mut client = node.client().await;
    let old = client.encrypt(b"seed").await.unwrap();
    let mut next = keyset(ClusterMode::Local, 2, 2);
    next.versions[0].state = keyward_api::v1::ClusterKeyState::Disabled.into();
    broker.publish(next);
    until("the new keyset is served", || async { broker.reported(2) }).await;
    assert_eq!(client.decrypt(&old).await.unwrap_err().code(), Code::FailedPrecondition);
    assert_ne!(client.encrypt(b"seed").await.unwrap().key_id, old.key_id, "what was told may not encrypt any more");
    running.stop().await;
}

#[tokio::test]
async fn a_plaintext_that_would_not_fit_is_refused() {
    let (broker, node) = (Broker::start().await, Node::new());
    let running = node.joined(&broker).await;
    let mut client = node.client().await;
    for bad in [0, 1_000, 100_000] {
        assert_eq!(client.encrypt(&vec![1; bad]).await.unwrap_err().code(), Code::InvalidArgument, "{bad}");
    }
    assert!(client.encrypt(&vec![1; 1 << 20]).await.is_err());
    assert!(client.encrypt(&[1; 900]).await.unwrap().ciphertext.len() <= 1_024);
    running.stop().await;
}

#[tokio::test]
async fn random_bytes_and_idle_connections_harm_no_one() {
    let (broker, node) = (Broker::start().await, Node::new());
    let running = node.joined(&broker).await;
    let mut idle = Vec::new();
    for n in 0..200u32 {
        let mut stream = tokio::net::UnixStream::connect(node.socket()).await.unwrap();
        if n % 2 == 0 {
            let _ = stream.write_all(&keyward_sdk::crypto::random::array::<64>()).await;
        }
        idle.push(stream);
    }
    let mut client = node.client().await;
    let sealed = client.encrypt(b"seed").await.unwrap();
    assert_eq!(client.decrypt(&sealed).await.unwrap(), b"seed");
    running.stop().await;
}

#[tokio::test]
async fn a_keyset_that_makes_no_sense_changes_nothing() {
    let (broker, node) = (Broker::start().await, Node::new());
    let running = node.joined(&broker).await;
    let before = node.client().await.status().await.unwrap();
    let mut bad = keyset(ClusterMode::Local, 5, 2);
    bad.primary = 9;
    broker.publish(bad);
    let mut foreign = keyset(ClusterMode::Local, 6, 3);
    foreign.cluster_id = vec![8; 16].into();
    broker.publish(foreign);
    broker.publish(keyset(ClusterMode::Local, 7, 1));
    until("a good keyset is taken", || async { broker.reported(7) }).await;
    assert_eq!(node.client().await.status().await.unwrap(), before);
    running.stop().await;
}
