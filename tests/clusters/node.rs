//! Joining, the keyset, mode remote.

use keyward_api::v1::{ClusterMode, CreateJoinTokenRequest, RegisterClusterRequest};
use keyward_kit::cluster::JoinString;
use keyward_kube_kms::broker::{Broker as _, BrokerError, GrpcBroker, SeenLogs, join};
use keyward_testbed::TestCa;
use tonic::Code;

use super::{Machine, clusters, get, join_string, nodes, register, until};
use crate::support;

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_of_a_cluster_read_what_the_other_wrote() {
    let broker = support::broker().start().await;
    let cluster = register(&broker, "prod", ClusterMode::Local).await;
    let (one, two) = (Machine::join(&broker, "prod", "cp-1").await, Machine::join(&broker, "prod", "").await);
    let (mut first, mut second) = (one.start().await, two.start().await);
    let status = first.api.status().await;
    assert_eq!((status.healthz.as_str(), &status.key_id), ("ok", &cluster.versions[0].key_id));
    let sealed = first.api.encrypt(&[7; 32]).await;
    assert_eq!(second.api.decrypt(&sealed).await.unwrap(), [7; 32]);
    until("both nodes report", || async { get(&broker, "prod").await.versions[0].held_by == Some(2) }).await;
    let seen = nodes(&broker, "prod").await;
    assert!(
        seen.iter()
            .any(|node| node.name == "cp-1" && node.versions == [1] && node.software == keyward_kube_kms::VERSION)
    );
    first.stop().await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_mode_remote_the_broker_encrypts_and_the_node_never_has_the_key() {
    let broker = support::broker().start().await;
    register(&broker, "prod", ClusterMode::Remote).await;
    let machine = Machine::join(&broker, "prod", "cp-1").await;
    let mut running = machine.start().await;
    let served = running.provider.served().unwrap();
    assert!(served.keyset().versions.iter().all(|version| version.material.is_none()));
    let sealed = running.api.encrypt(b"seed").await;
    assert_eq!(running.api.decrypt(&sealed).await.unwrap(), b"seed");
    let mut bad = sealed.clone();
    bad.ciphertext = bad.ciphertext.slice(..bad.ciphertext.len() - 1);
    assert_eq!(running.api.decrypt(&bad).await.unwrap_err().code(), Code::InvalidArgument);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_join_token_used_twice_at_the_same_moment_joins_one_node() {
    let broker = support::broker().start().await;
    register(&broker, "prod", ClusterMode::Local).await;
    let line = join_string(&broker, "prod", "").await;
    let (a, b) = (JoinString::parse(&line).unwrap(), JoinString::parse(&line).unwrap());
    let (first, second) = tokio::join!(join(&a), join(&b));
    assert_eq!(u32::from(first.is_ok()) + u32::from(second.is_ok()), 1);
    let refused = first.err().or(second.err()).unwrap();
    assert!(refused.to_string().contains("was used"), "{refused}");
    assert!(join(&a).await.is_err());
    assert_eq!(nodes(&broker, "prod").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_gets_the_keyset_of_its_own_cluster_alone() {
    let broker = support::broker().start().await;
    let (mine, theirs) =
        (register(&broker, "mine", ClusterMode::Remote).await, register(&broker, "theirs", ClusterMode::Remote).await);
    let (own, other) = (Machine::join(&broker, "mine", "cp-1").await, Machine::join(&broker, "theirs", "cp-1").await);
    let own = GrpcBroker::new(&own.state().load().unwrap()).unwrap();
    let other = GrpcBroker::new(&other.state().load().unwrap()).unwrap();
    let within = super::PATIENCE;
    let (sealed, key_id) = other.encrypt(b"seed", 0, within).await.unwrap();
    assert_eq!(key_id, theirs.versions[0].key_id);
    let refused = own.decrypt(&sealed, &key_id, within).await.unwrap_err();
    assert!(matches!(refused, BrokerError::Refused { code: Code::NotFound, .. }), "{refused}");
    let renamed = own.decrypt(&sealed, &mine.versions[0].key_id, within).await.unwrap_err();
    assert!(matches!(renamed, BrokerError::Refused { code: Code::InvalidArgument, .. }), "{renamed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_of_a_cluster_is_refused_with_its_field() {
    let broker = support::broker().start().await;
    register(&broker, "prod", ClusterMode::Local).await;
    let mut clusters = clusters(&broker).await;
    let again = RegisterClusterRequest { name: "prod".to_owned(), ..RegisterClusterRequest::default() };
    assert_eq!(clusters.register_cluster(again).await.unwrap_err().code(), Code::AlreadyExists);
    for name in ["", "..", "a/b", "a b", "é"] {
        let request = RegisterClusterRequest { name: name.to_owned(), ..RegisterClusterRequest::default() };
        let refused = clusters.register_cluster(request).await.unwrap_err();
        assert!(refused.code() == Code::InvalidArgument && refused.message().starts_with("name"), "{refused:?}");
    }
    for endpoint in ["broker", ":1", "broker:99999", "http://broker:1", "a b:1"] {
        let endpoints = vec![endpoint.to_owned()];
        let request =
            CreateJoinTokenRequest { name: "prod".to_owned(), endpoints, ..CreateJoinTokenRequest::default() };
        let refused = clusters.create_join_token(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{endpoint}");
    }
    let unknown = CreateJoinTokenRequest { name: "none".to_owned(), ..CreateJoinTokenRequest::default() };
    assert_eq!(clusters.create_join_token(unknown).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_join_and_stay_whatever_certificate_everyone_else_is_shown() {
    let mut broker = support::broker().served_by(&TestCa::new("of the company")).start().await;
    register(&broker, "prod", ClusterMode::Local).await;
    let machine = Machine::join(&broker, "prod", "cp-1").await;
    let running = machine.start().await;
    running.stop().await;
    broker.served_anew_by(&TestCa::new("of another company"));
    broker.restart().await;
    let own = GrpcBroker::new(&machine.state().load().unwrap()).unwrap();
    own.report(&super::held(), &SeenLogs::default()).await.unwrap();
}
