//! What an API server sees while all is well.

use std::time::Duration;

use keyward_api::{
    kubernetes::v1beta1::{
        DecryptRequest, EncryptRequest, VersionRequest, key_management_service_client::KeyManagementServiceClient as V1,
    },
    v1::ClusterMode,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::{Broker, Node, keyset, until};

#[tokio::test]
async fn a_seed_comes_back_under_the_key_id_of_status() {
    let (broker, node) = (Broker::start().await, Node::new());
    let running = node.joined(&broker).await;
    let mut client = node.client().await;
    let status = client.status().await.unwrap();
    assert_eq!((status.version.as_str(), status.healthz.as_str()), ("v2", "ok"));
    let (one, two) = (client.encrypt(&[7; 32]).await.unwrap(), client.encrypt(&[7; 32]).await.unwrap());
    assert_eq!((&one.key_id, &two.key_id), (&status.key_id, &status.key_id));
    assert!(one.ciphertext != two.ciphertext && one.ciphertext.len() <= 1_024 && one.annotations.is_empty());
    assert_eq!(client.decrypt(&one).await.unwrap(), [7; 32]);
    assert_eq!(client.decrypt(&two).await.unwrap(), [7; 32]);
    running.stop().await;
}

#[tokio::test]
async fn a_rotation_changes_the_key_id_and_old_ciphertexts_open() {
    let (broker, node) = (Broker::start().await, Node::new());
    let running = node.joined(&broker).await;
    let mut client = node.client().await;
    let (old, sealed) = (client.status().await.unwrap().key_id, client.encrypt(b"seed").await.unwrap());
    broker.publish(keyset(ClusterMode::Local, 2, 2));
    until("the node reports the new keyset", || async { broker.reported(2) }).await;
    // What was told on this connection holds until Status tells otherwise.
    assert_eq!(client.encrypt(b"seed").await.unwrap().key_id, old);
    let new = client.status().await.unwrap().key_id;
    assert_ne!(new, old);
    assert_eq!(client.encrypt(b"seed").await.unwrap().key_id, new);
    assert_eq!(client.decrypt(&sealed).await.unwrap(), b"seed");
    running.stop().await;
}

#[tokio::test]
async fn a_planned_primary_takes_over_at_its_time() {
    let (broker, node) = (Broker::start().await, Node::new());
    let running = node.joined(&broker).await;
    let mut client = node.client().await;
    let old = client.status().await.unwrap().key_id;
    let mut next = keyset(ClusterMode::Local, 2, 2);
    let soon = std::time::UNIX_EPOCH.elapsed().unwrap() + Duration::from_secs(2);
    (next.primary, next.next_primary) = (1, 2);
    next.next_primary_at = Some(prost_types::Timestamp { seconds: soon.as_secs() as i64, nanos: 0 });
    broker.publish(next);
    until("the node reports the new keyset", || async { broker.reported(2) }).await;
    assert!(running.provider.served().unwrap().held().versions.iter().map(|(version, _)| *version).eq([1, 2]));
    until("the primary changes", || async { running.provider.served().unwrap().primary().key_id != old }).await;
    running.stop().await;
    let again = node.start().await;
    assert_ne!(node.client().await.status().await.unwrap().key_id, old, "the flip is on disk");
    again.stop().await;
}

#[tokio::test]
async fn an_api_server_of_v1_is_served_on_the_same_socket() {
    let (broker, node) = (Broker::start().await, Node::new());
    let running = node.joined(&broker).await;
    let mut v1 = V1::new(node.client().await.channel);
    let version = v1.version(VersionRequest { version: "v1beta1".to_owned() }).await.unwrap().into_inner();
    assert_eq!(version.version, "v1beta1");
    let request = EncryptRequest { version: "v1beta1".to_owned(), plain: "ping".into() };
    let cipher = v1.encrypt(request).await.unwrap().into_inner().cipher;
    broker.publish(keyset(ClusterMode::Local, 2, 2));
    until("the node reports the new keyset", || async { broker.reported(2) }).await;
    let request = DecryptRequest { version: "v1beta1".to_owned(), cipher: cipher.clone() };
    assert_eq!(v1.decrypt(request).await.unwrap().into_inner().plain, "ping");
    let garbled = DecryptRequest { version: "v1beta1".to_owned(), cipher: cipher.slice(1..) };
    assert_eq!(v1.decrypt(garbled).await.unwrap_err().code(), tonic::Code::InvalidArgument);
    running.stop().await;
}

#[tokio::test]
async fn in_mode_remote_the_key_stays_at_the_broker() {
    let (broker, node) = (Broker::with(ClusterMode::Remote).await, Node::new());
    let running = node.joined(&broker).await;
    assert!(running.provider.served().unwrap().keyset().versions.iter().all(|version| version.material.is_none()));
    let mut client = node.client().await;
    let status = client.status().await.unwrap();
    let sealed = client.encrypt(b"seed").await.unwrap();
    assert_eq!(sealed.key_id, status.key_id);
    assert_eq!(client.decrypt(&sealed).await.unwrap(), b"seed");
    assert_eq!(*broker.state.remote_calls.lock().unwrap(), 2, "Status makes no call");
    running.stop().await;
}

#[tokio::test]
async fn the_reported_version_can_be_that_of_other_providers() {
    let (broker, node) = (Broker::start().await, Node::with("reported_version = \"v2beta1\""));
    let running = node.joined(&broker).await;
    assert_eq!(node.client().await.status().await.unwrap().version, "v2beta1");
    running.stop().await;
}

#[tokio::test]
async fn health_and_metrics_are_on_the_loopback_port() {
    let (broker, node) = (Broker::start().await, Node::new());
    let running = node.joined(&broker).await;
    node.client().await.encrypt(b"seed").await.unwrap();
    let ask = |path: &'static str| async move {
        let mut stream = tokio::net::TcpStream::connect(running.ops.unwrap()).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    for path in ["/livez", "/readyz"] {
        let answer = ask(path).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("ok\n"), "{answer}");
    }
    let metrics = ask("/metrics").await;
    let expected = "keyward_kms_requests_total{cluster=\"prod\",method=\"v2.Encrypt\",code=\"OK\"} 1";
    assert!(metrics.contains(expected), "{metrics}");
    assert!(metrics.contains("content-type: text/plain; version=0.0.4"), "Prometheus wants to be told: {metrics}");
    assert!(ask("/").await.starts_with("HTTP/1.1 404"));
}

#[tokio::test]
async fn a_user_that_is_not_allowed_is_not_heard() {
    let (broker, node) = (Broker::start().await, Node::with("allowed_uids = [54321]"));
    let running = node.joined(&broker).await;
    let mut stream = tokio::net::UnixStream::connect(node.socket()).await.unwrap();
    let mut byte = [0];
    assert_eq!(stream.read(&mut byte).await.unwrap_or(0), 0, "closed without a byte");
    running.stop().await;
}
