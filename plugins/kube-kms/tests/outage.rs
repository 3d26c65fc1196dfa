//! The broker away, the provider restarted, files damaged.

use std::{fs, os::unix::net::UnixListener, time::Duration};

use keyward_api::v1::ClusterMode;
use keyward_kube_kms::{app::AppError, serve::SocketError};

use crate::support::{Broker, Node, keyset, until};

#[tokio::test]
async fn a_restart_without_the_broker_serves_from_disk_under_the_same_key_id() {
    let (mut broker, node) = (Broker::start().await, Node::new());
    let running = node.joined(&broker).await;
    let mut client = node.client().await;
    let (before, sealed) = (client.status().await.unwrap(), client.encrypt(b"seed").await.unwrap());
    running.stop().await;
    broker.stop();
    let running = node.start().await;
    let mut client = node.client().await;
    assert_eq!(client.status().await.unwrap(), before);
    assert_eq!(client.decrypt(&sealed).await.unwrap(), b"seed");
    assert_eq!(client.encrypt(b"seed").await.unwrap().key_id, before.key_id);
    running.stop().await;
}

#[tokio::test]
async fn a_running_provider_goes_on_without_the_broker_and_follows_when_it_is_back() {
    let (mut broker, node) = (Broker::start().await, Node::new());
    let running = node.joined(&broker).await;
    let mut client = node.client().await;
    let before = client.status().await.unwrap();
    broker.stop();
    let sealed = client.encrypt(b"seed").await.unwrap();
    assert_eq!(client.decrypt(&sealed).await.unwrap(), b"seed");
    assert_eq!(client.status().await.unwrap(), before);
    broker.publish(keyset(ClusterMode::Local, 2, 2));
    broker.back().await;
    until("the new keyset is served", || async { broker.reported(2) }).await;
    assert_ne!(client.status().await.unwrap().key_id, before.key_id);
    running.stop().await;
}

#[tokio::test]
async fn an_older_keyset_of_a_restored_broker_changes_nothing() {
    let (broker, node) = (Broker::start().await, Node::new());
    broker.publish(keyset(ClusterMode::Local, 9, 3));
    let running = node.joined(&broker).await;
    let before = node.client().await.status().await.unwrap();
    broker.publish(keyset(ClusterMode::Local, 8, 2));
    broker.publish(keyset(ClusterMode::Local, 7, 1));
    tokio::time::sleep(Duration::from_millis(300)).await; // nothing to wait for: nothing happens
    assert_eq!(node.client().await.status().await.unwrap(), before);
    assert!(!broker.reported(8) && !broker.reported(7));
    running.stop().await;
}

#[tokio::test]
async fn a_damaged_keyset_file_is_fetched_anew() {
    let (broker, node) = (Broker::start().await, Node::new());
    let running = node.joined(&broker).await;
    let before = node.client().await.status().await.unwrap();
    running.stop().await;
    for damaged in [&b""[..], b"KWKS", b"nonsense"] {
        fs::write(node.state().folder().join("keyset"), damaged).unwrap();
        let _ = fs::remove_file(node.state().folder().join("keyset.previous"));
        let running = node.start().await;
        running.ready().await;
        assert_eq!(node.client().await.status().await.unwrap(), before);
        running.stop().await;
    }
}

#[tokio::test]
async fn without_any_keyset_status_is_unavailable_and_says_why() {
    let (mut broker, node) = (Broker::start().await, Node::new());
    node.join(&broker).await.unwrap();
    broker.stop();
    let running = node.start().await;
    let mut client = node.client().await;
    until("the first try failed", || async { running.provider.health().as_str() != "ok" }).await;
    let refused = client.status().await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::Unavailable);
    assert!(refused.message().contains("broker cannot be reached"), "{refused}");
    assert!(client.encrypt(b"seed").await.is_err());
    running.stop().await;
}

#[tokio::test]
async fn a_stale_socket_is_taken_over_and_a_second_provider_is_refused() {
    let (broker, node) = (Broker::start().await, Node::new());
    node.join(&broker).await.unwrap();
    drop(UnixListener::bind(node.socket()).unwrap()); // as SIGKILL leaves it
    let running = node.start().await;
    running.ready().await;
    assert!(matches!(node.try_start().await.err().unwrap(), AppError::Locked(_)));
    let other = Node::with(&format!("# {}", 1));
    other.join(&broker).await.unwrap();
    let _taken = UnixListener::bind(other.socket()).unwrap();
    assert!(matches!(other.try_start().await.err().unwrap(), AppError::Socket(SocketError::InUse(_))));
    assert_eq!(node.client().await.status().await.unwrap().healthz, "ok");
    running.stop().await;
}

#[tokio::test]
async fn a_keyset_that_cannot_be_made_durable_is_not_told() {
    let (broker, node) = (Broker::start().await, Node::new());
    let running = node.joined(&broker).await;
    let before = node.client().await.status().await.unwrap();
    // A folder in the way of the file beside which the keyset is written: fails for root, too.
    let way = node.state().folder().join("keyset.new");
    fs::create_dir(&way).unwrap();
    broker.publish(keyset(ClusterMode::Local, 2, 2));
    let failed =
        || async { running.provider.metrics().keyset_saves_failed.load(std::sync::atomic::Ordering::Relaxed) > 0 };
    until("a save failed", failed).await;
    assert_eq!(node.client().await.status().await.unwrap().key_id, before.key_id);
    assert!(!broker.reported(2));
    fs::remove_dir(&way).unwrap();
    until("the keyset is taken when there is room", || async { broker.reported(2) }).await;
    assert_ne!(node.client().await.status().await.unwrap().key_id, before.key_id);
    running.stop().await;
}
