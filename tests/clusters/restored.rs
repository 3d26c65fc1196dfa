//! A broker that was restored from a backup meets nodes that know more than it does.

use keyward::config::OlderStore;
use keyward_api::v1::{
    Cluster, ClusterMode, GetStatusRequest, RotateClusterKeyRequest, TakeBackKeyVersionsRequest, UpdateClusterRequest,
};
use keyward_kube_kms::broker::{Broker as _, BrokerError, GrpcBroker};
use tonic::{Code, Status};

use super::{Machine, Provider, clusters, get, nodes, register, until};
use crate::support::{self, Broker, Keyward, reason};

/// Takes the store back to what a backup holds.
async fn restore(broker: &mut Broker, backup: &str) {
    broker.stop().await;
    let store = broker.folder().join("keyward.store");
    std::fs::remove_file(&store).unwrap();
    Keyward::alone().ok(&["backup", "restore", backup, "--to", store.to_str().unwrap()]);
    broker.reconfigure(|config| config.older = OlderStore::Accept);
    broker.start_again().await;
}

async fn rotate(broker: &Broker, emergency: bool) -> Result<Cluster, Status> {
    let request = RotateClusterKeyRequest { name: "prod".to_owned(), emergency };
    Ok(clusters(broker).await.rotate_cluster_key(request).await?.into_inner().cluster.unwrap())
}

async fn take_back(broker: &Broker, node: &str) -> Result<(), Status> {
    let request = TakeBackKeyVersionsRequest {
        name: "prod".to_owned(),
        node_name: node.to_owned(),
        ..TakeBackKeyVersionsRequest::default()
    };
    clusters(broker).await.take_back_key_versions(request).await.map(drop)
}

async fn encrypts_under(broker: &Broker, running: &Provider, version: usize) {
    let key_id = get(broker, "prod").await.versions[version - 1].key_id.clone();
    until("the node encrypts under it", || async {
        running.provider.served().is_some_and(|served| served.primary().key_id == key_id)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_restored_broker_does_not_know_it_names_rotates_not_and_takes_back_on_an_operators_word() {
    let mut broker = support::broker().start().await;
    register(&broker, "prod", ClusterMode::Local).await;
    let machine = Machine::join(&broker, "prod", "cp-1").await;
    let mut running = machine.start().await;
    let first = running.api.encrypt(b"first").await;
    let keyward = Keyward::operator(&broker);
    let backup = keyward.home().join("backup").display().to_string();
    keyward.ok(&["backup", "create", &backup]);
    let lost = rotate(&broker, true).await.unwrap();
    encrypts_under(&broker, &running, 2).await;
    let second = running.api.encrypt(b"second").await;

    restore(&mut broker, &backup).await;
    until("the node has told", || async { nodes(&broker, "prod").await[0].unknown_versions == [2] }).await;
    let status = broker.operator().await.seal().get_status(GetStatusRequest {}).await.unwrap().into_inner();
    let warning = status.warnings.iter().find(|warning| warning.contains("cp-1")).expect("an operator is told");
    assert!(warning.contains("keyward cluster recover-keyset prod cp-1"), "{warning}");
    for emergency in [false, true] {
        let refused = rotate(&broker, emergency).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "KEYS_UNKNOWN"));
    }
    assert_eq!(get(&broker, "prod").await.versions.len(), 1, "nothing is taken without an operator's word");
    let node = GrpcBroker::new(&machine.state().load().unwrap()).unwrap();
    let unasked = node.give_back(running.provider.served().unwrap().keyset()).await.unwrap_err();
    assert!(matches!(unasked, BrokerError::Refused { code: Code::FailedPrecondition, .. }), "{unasked}");

    keyward.ok(&["cluster", "recover-keyset", "prod", "cp-1"]);
    until("it is taken back", || async { get(&broker, "prod").await.versions.len() == 2 }).await;
    let back = get(&broker, "prod").await;
    assert_eq!((back.primary, &back.versions[1].key_id), (2, &lost.versions[1].key_id));
    assert_eq!(nodes(&broker, "prod").await[0].unknown_versions, [0; 0]);
    assert_eq!(reason(&take_back(&broker, "cp-1").await.unwrap_err()), "NOTHING_UNKNOWN");

    // All goes on: a node that joins now reads all, and the next version is another.
    let other = Machine::join(&broker, "prod", "cp-2").await;
    let mut other = other.start().await;
    for (sealed, seed) in [(&first, &b"first"[..]), (&second, b"second")] {
        assert_eq!(other.api.decrypt(sealed).await.unwrap(), seed);
        assert_eq!(running.api.decrypt(sealed).await.unwrap(), seed);
    }
    let third = rotate(&broker, true).await.unwrap();
    assert_eq!(third.versions.len(), 3);
    encrypts_under(&broker, &running, 3).await;
    running.stop().await;
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_broker_that_lost_no_key_goes_on_by_itself() {
    let mut broker = support::broker().start().await;
    register(&broker, "prod", ClusterMode::Local).await;
    let machine = Machine::join(&broker, "prod", "cp-1").await;
    let running = machine.start().await;
    let keyward = Keyward::operator(&broker);
    let backup = keyward.home().join("backup").display().to_string();
    keyward.ok(&["backup", "create", &backup]);
    let allowance = keyward_api::v1::Allowance { offline_unlimited: true, ..Default::default() };
    let update =
        UpdateClusterRequest { name: "prod".to_owned(), allowance: Some(allowance), ..UpdateClusterRequest::default() };
    clusters(&broker).await.update_cluster(update).await.unwrap();
    let generation = || running.provider.served().unwrap().keyset().generation;
    until("the node knows", || async { generation() == 2 }).await;
    restore(&mut broker, &backup).await;
    until("the broker is ahead of the node again", || async { generation() > 2 }).await;
    assert_eq!(get(&broker, "prod").await.generation, generation());
    rotate(&broker, true).await.unwrap();
    encrypts_under(&broker, &running, 2).await;
    running.stop().await;
}
