//! Revocation, old certificates, removal, a broker that is away.

use keyward_api::v1::{
    ClusterMode, NodeState, RemoveClusterRequest, RevokeNodeRequest, RotateClusterKeyRequest, WhoAmIRequest,
};
use keyward_kube_kms::{
    broker::{Broker as _, BrokerError, GrpcBroker, SeenLogs},
    node::NodeKey,
};
use tonic::Code;

use super::{Machine, clusters, held, nodes, register, until};
use crate::support::{self, Broker, Key};

async fn revoke(broker: &Broker) {
    let node_id = nodes(broker, "prod").await[0].id.clone();
    let request = RevokeNodeRequest { name: "prod".to_owned(), node_id, ..RevokeNodeRequest::default() };
    clusters(broker).await.revoke_node(request).await.unwrap();
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
    for refused in
        [node.report(&held(), &SeenLogs::default()).await.err(), node.renew(NodeKey::generate().unwrap()).await.err()]
    {
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
    old.report(&held(), &SeenLogs::default()).await.unwrap();
    let (_lost, _) = old.renew(NodeKey::generate().unwrap()).await.unwrap();
    let (certificate, facts) =
        old.renew(NodeKey::generate().unwrap()).await.expect("an answer that was lost is made again");
    old.report(&held(), &SeenLogs::default()).await.expect("the new one was not used yet");
    assert_eq!(certificate.generation, node.certificate.generation + 2, "never the same number twice");
    (node.certificate, node.facts) = (certificate, facts);
    let new = GrpcBroker::new(&node).unwrap();
    let _watch = new.watch(0).await.unwrap();
    new.report(&held(), &SeenLogs::default()).await.unwrap();
    assert!(old.report(&held(), &SeenLogs::default()).await.is_err());
    let refused = old.renew(NodeKey::generate().unwrap()).await.unwrap_err();
    assert!(refused.to_string().contains("locked"), "{refused}");
    assert!(new.report(&held(), &SeenLogs::default()).await.is_err(), "no one can tell which of the two is the node");
    assert_eq!(nodes(&broker, "prod").await[0].state(), NodeState::Locked);
}

/// Whoever copies a node's folder before it renews holds a genuine certificate of the same number.
#[tokio::test(flavor = "multi_thread")]
async fn two_that_renewed_from_one_certificate_are_told_apart_and_locked() {
    let broker = support::broker().start().await;
    register(&broker, "prod", ClusterMode::Local).await;
    let machine = Machine::join(&broker, "prod", "cp-1").await;
    let first = machine.state().load().unwrap();
    let shared = GrpcBroker::new(&first).unwrap();
    let mut copy = machine.state().load().unwrap();
    let mut node = first;
    (copy.certificate, copy.facts) = shared.renew(NodeKey::generate().unwrap()).await.unwrap();
    (node.certificate, node.facts) = shared.renew(NodeKey::generate().unwrap()).await.unwrap();
    let (copy, node) = (GrpcBroker::new(&copy).unwrap(), GrpcBroker::new(&node).unwrap());
    let _watch = node.watch(0).await.unwrap();
    node.report(&held(), &SeenLogs::default()).await.unwrap();
    let refused = copy.report(&held(), &SeenLogs::default()).await.unwrap_err();
    assert!(refused.to_string().contains("replaced by a newer one"), "{refused}");
    let refused = copy.renew(NodeKey::generate().unwrap()).await.unwrap_err();
    assert!(refused.to_string().contains("locked"), "{refused}");
    assert_eq!(nodes(&broker, "prod").await[0].state(), NodeState::Locked);
    assert!(node.report(&held(), &SeenLogs::default()).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_was_revoked_cannot_lock_the_one_that_took_its_name() {
    let broker = support::broker().start().await;
    register(&broker, "prod", ClusterMode::Local).await;
    let machine = Machine::join(&broker, "prod", "cp-1").await;
    let before = GrpcBroker::new(&machine.state().load().unwrap()).unwrap();
    revoke(&broker).await;
    let machine = Machine::join(&broker, "prod", "cp-1").await;
    let after = GrpcBroker::new(&machine.state().load().unwrap()).unwrap();
    let refused = before.renew(NodeKey::generate().unwrap()).await.unwrap_err();
    assert!(refused.to_string().contains("revoked"), "{refused}");
    after.report(&held(), &SeenLogs::default()).await.unwrap();
    after.renew(NodeKey::generate().unwrap()).await.unwrap();
    assert_eq!(nodes(&broker, "prod").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_nodes_certificate_is_nobodys_on_the_whole_api() {
    let broker = support::broker().start().await;
    register(&broker, "prod", ClusterMode::Local).await;
    let machine = Machine::join(&broker, "prod", "cp-1").await;
    let node = machine.state().load().unwrap();
    let pem = String::from_utf8(node.certificate.pem().expose().to_vec()).unwrap();
    let caller = broker.caller().key(&Key { certificate: pem.clone(), key: pem }).connect().await;
    let read = || async { caller.auth().who_am_i(WhoAmIRequest {}).await };
    assert_eq!(read().await.unwrap().into_inner().subject, "prod/cp-1");
    revoke(&broker).await;
    let refused = read().await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    assert!(refused.message().contains("revoked"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_cluster_is_gone_and_its_name_meets_nothing_of_it() {
    let broker = support::broker().start().await;
    let first = register(&broker, "prod", ClusterMode::Local).await;
    let machine = Machine::join(&broker, "prod", "cp-1").await;
    let node = GrpcBroker::new(&machine.state().load().unwrap()).unwrap();
    node.report(&held(), &SeenLogs::default()).await.unwrap();
    let mut clusters = clusters(&broker).await;
    let slip = RemoveClusterRequest { name: "prod".to_owned(), confirm_id: String::new() };
    assert_eq!(clusters.remove_cluster(slip).await.unwrap_err().code(), Code::InvalidArgument);
    let meant = RemoveClusterRequest { name: "prod".to_owned(), confirm_id: first.id.clone() };
    clusters.remove_cluster(meant).await.unwrap();
    let second = register(&broker, "prod", ClusterMode::Local).await;
    assert!(second.id != first.id && second.versions[0].key_id != first.versions[0].key_id);
    assert!(node.report(&held(), &SeenLogs::default()).await.is_err());
    let again = Machine::join(&broker, "prod", "cp-1").await;
    assert!(
        node.report(&held(), &SeenLogs::default()).await.is_err(),
        "an older node of the same name is not the new one"
    );
    GrpcBroker::new(&again.state().load().unwrap()).unwrap().report(&held(), &SeenLogs::default()).await.unwrap();
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
