//! Revocation, old certificates, removal, a broker that is away.

use keyward_api::v1::{ClusterMode, NodeState, RemoveClusterRequest, RevokeNodeRequest, RotateClusterKeyRequest};
use keyward_kube_kms::{
    broker::{Broker as _, BrokerError, GrpcBroker, Held},
    node::NodeKey,
};
use tonic::Code;

use super::{Machine, clusters, nodes, register, until};
use crate::support::{self, Broker};

fn held() -> Held {
    Held { generation: 1, versions: vec![1], primary: 1 }
}

async fn revoke(broker: &Broker) {
    let node_id = nodes(broker, "prod").await[0].id.clone();
    clusters(broker).await.revoke_node(RevokeNodeRequest { name: "prod".to_owned(), node_id }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_node_gets_nothing_and_wipes_nothing() {
    let broker = support::broker().start().await;
    register(&broker, "prod", ClusterMode::Local).await;
    let machine = Machine::join(&broker, "prod", "cp-1").await;
    let mut running = machine.start().await;
    let sealed = running.api.encrypt(b"seed").await;
    let node = GrpcBroker::new(&machine.state().load().unwrap()).unwrap();
    let mut watch = node.watch(0).await.unwrap();
    revoke(&broker).await;
    let ended = async { while let Some(Ok(_)) = futures_util::StreamExt::next(&mut watch).await {} };
    tokio::time::timeout(super::PATIENCE, ended).await.expect("the watch ends");
    for refused in [node.report(&held()).await.err(), node.renew(NodeKey::generate().unwrap()).await.err()] {
        let refused = refused.unwrap();
        assert!(matches!(refused, BrokerError::Refused { code: Code::Unauthenticated, .. }), "{refused}");
    }
    assert_eq!(running.api.decrypt(&sealed).await.unwrap(), b"seed", "only a signed order wipes");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_certificate_counts_until_the_new_one_is_used_and_then_locks_the_node() {
    let broker = support::broker().start().await;
    register(&broker, "prod", ClusterMode::Local).await;
    let machine = Machine::join(&broker, "prod", "cp-1").await;
    let mut node = machine.state().load().unwrap();
    let old = GrpcBroker::new(&node).unwrap();
    old.report(&held()).await.unwrap();
    let (_lost, _) = old.renew(NodeKey::generate().unwrap()).await.unwrap();
    let (certificate, facts) =
        old.renew(NodeKey::generate().unwrap()).await.expect("an answer that was lost is made again");
    old.report(&held()).await.expect("the new one was not used yet");
    assert_eq!(certificate.generation, node.certificate.generation + 1);
    (node.certificate, node.facts) = (certificate, facts);
    let new = GrpcBroker::new(&node).unwrap();
    let _watch = new.watch(0).await.unwrap();
    new.report(&held()).await.unwrap();
    assert!(old.report(&held()).await.is_err());
    let refused = old.renew(NodeKey::generate().unwrap()).await.unwrap_err();
    assert!(refused.to_string().contains("locked"), "{refused}");
    assert!(new.report(&held()).await.is_err(), "no one can tell which of the two is the node");
    assert_eq!(nodes(&broker, "prod").await[0].state(), NodeState::Locked);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_cluster_is_gone_and_its_name_meets_nothing_of_it() {
    let broker = support::broker().start().await;
    let first = register(&broker, "prod", ClusterMode::Local).await;
    let machine = Machine::join(&broker, "prod", "cp-1").await;
    let node = GrpcBroker::new(&machine.state().load().unwrap()).unwrap();
    node.report(&held()).await.unwrap();
    let mut clusters = clusters(&broker).await;
    let slip = RemoveClusterRequest { name: "prod".to_owned(), confirm_id: String::new() };
    assert_eq!(clusters.remove_cluster(slip).await.unwrap_err().code(), Code::InvalidArgument);
    let meant = RemoveClusterRequest { name: "prod".to_owned(), confirm_id: first.id.clone() };
    clusters.remove_cluster(meant).await.unwrap();
    let second = register(&broker, "prod", ClusterMode::Local).await;
    assert!(second.id != first.id && second.versions[0].key_id != first.versions[0].key_id);
    assert!(node.report(&held()).await.is_err());
    let again = Machine::join(&broker, "prod", "cp-1").await;
    assert!(node.report(&held()).await.is_err(), "an older node of the same name is not the new one");
    GrpcBroker::new(&again.state().load().unwrap()).unwrap().report(&held()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_goes_on_through_a_restart_of_the_broker_and_follows_again() {
    let mut broker = support::broker().start().await;
    register(&broker, "prod", ClusterMode::Local).await;
    let machine = Machine::join(&broker, "prod", "cp-1").await;
    let mut running = machine.start().await;
    let sealed = running.api.encrypt(b"seed").await;
    broker.stop().await;
    assert_eq!(running.api.decrypt(&sealed).await.unwrap(), b"seed");
    running.stop().await;
    let mut running = machine.start().await;
    assert_eq!(running.api.decrypt(&sealed).await.unwrap(), b"seed");
    broker.start_again().await;
    let request = RotateClusterKeyRequest { name: "prod".to_owned(), emergency: true };
    let rotated = clusters(&broker).await.rotate_cluster_key(request).await.unwrap().into_inner().cluster.unwrap();
    until("the node follows again", || async {
        running.provider.served().is_some_and(|served| served.primary().key_id == rotated.versions[1].key_id)
    })
    .await;
    assert_eq!(running.api.decrypt(&sealed).await.unwrap(), b"seed");
    running.stop().await;
}
