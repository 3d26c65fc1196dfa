//! How a node comes to its certificate, and keeps it.

use std::{fs, os::unix::fs::PermissionsExt as _, time::Duration};

use keyward_kit::cluster::JoinString;
use keyward_kube_kms::broker::join;
use keyward_sdk::secret::Key32;

use crate::support::{Broker, Node, until};

#[tokio::test]
async fn a_man_in_the_middle_gets_neither_token_nor_node() {
    let (broker, middle, node) = (Broker::start().await, Broker::start().await, Node::new());
    let real = broker.join_string();
    let through = JoinString { endpoints: middle.join_string().endpoints, ..real };
    let refused = join(&through).await.unwrap_err();
    assert!(refused.to_string().contains("UnknownIssuer"), "{refused}");
    assert_eq!(*middle.state.joins.lock().unwrap(), 0, "the token was never sent");
    assert!(!node.state().is_joined());
}

#[tokio::test]
async fn a_token_used_at_the_same_moment_joins_one_node() {
    let broker = Broker::start().await;
    let first = broker.join_string();
    let second = broker.join_string_with(Key32::copy_of(first.token.expose()));
    let (first, second) = tokio::join!(join(&first), join(&second));
    assert_eq!(u32::from(first.is_ok()) + u32::from(second.is_ok()), 1);
}

#[tokio::test]
async fn the_key_of_a_node_is_its_owners_alone_and_never_sent() {
    let (broker, node) = (Broker::start().await, Node::new());
    node.join(&broker).await.unwrap();
    let folder = node.state().folder().to_owned();
    assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    for entry in fs::read_dir(&folder).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.path());
    }
    let pem = folder.join("node.pem");
    fs::set_permissions(&pem, fs::Permissions::from_mode(0o644)).unwrap();
    let refused = node.try_start().await.err().unwrap().to_string();
    assert!(refused.contains("chmod 0600"), "{refused}");
}

#[tokio::test]
async fn a_node_that_has_not_joined_says_how_to() {
    let refused = Node::new().try_start().await.err().unwrap().to_string();
    assert!(refused.contains("keyward-kube-kms join"), "{refused}");
}

#[tokio::test]
async fn a_certificate_is_renewed_at_half_of_its_life() {
    let (broker, node) = (Broker::start().await, Node::new());
    *broker.state.life.lock().unwrap() = (-600, 500);
    let running = node.joined(&broker).await;
    let renewed = || async { node.state().load().is_ok_and(|node| node.certificate.generation == 2) };
    until("the certificate is renewed", renewed).await;
    assert!(node.state().load().unwrap().certificate.not_after.as_secs() > 0);
    assert_eq!(node.client().await.status().await.unwrap().healthz, "ok");
    running.stop().await;
}

#[tokio::test]
async fn a_certificate_that_expired_in_an_outage_renews_by_itself() {
    let (mut broker, node) = (Broker::start().await, Node::new());
    *broker.state.life.lock().unwrap() = (-600, 2);
    node.join(&broker).await.unwrap();
    broker.stop();
    let expires = node.state().load().unwrap().certificate.not_after;
    let running = node.start().await;
    let expired = || async { std::time::UNIX_EPOCH.elapsed().unwrap() > Duration::from_millis(expires.millis()) };
    until("the certificate expires", expired).await;
    broker.back().await;
    running.ready().await; // only a renewed certificate gets the keyset
    assert_eq!(node.state().load().unwrap().certificate.generation, 2);
    running.stop().await;
}
