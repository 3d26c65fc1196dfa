//! Rotation over the nodes of a cluster.

use keyward_api::v1::{Cluster, ClusterMode, RotateClusterKeyRequest};
use tonic::Code;

use super::{Machine, clusters, get, register, until};
use crate::support::{self, Broker};

async fn rotate(broker: &Broker, emergency: bool) -> Result<Cluster, tonic::Status> {
    let request = RotateClusterKeyRequest { name: "prod".to_owned(), emergency };
    Ok(clusters(broker).await.rotate_cluster_key(request).await?.into_inner().cluster.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_encrypts_only_when_all_live_nodes_hold_it() {
    let broker = support::broker().start().await;
    register(&broker, "prod", ClusterMode::Local).await;
    let (one, two) = (Machine::join(&broker, "prod", "cp-1").await, Machine::join(&broker, "prod", "cp-2").await);
    let mut first = one.start().await;
    let (old, sealed) = (first.api.status().await.key_id, first.api.encrypt(b"seed").await);
    let rotated = rotate(&broker, false).await.unwrap();
    assert_eq!((rotated.primary, rotated.versions.len()), (1, 2));
    assert_eq!(rotate(&broker, false).await.unwrap_err().code(), Code::FailedPrecondition);
    until("the first node holds it", || async { get(&broker, "prod").await.versions[1].held_by == Some(1) }).await;
    assert_eq!(first.api.status().await.key_id, old, "the second node has only just joined and does not hold it");
    let mut second = two.start().await;
    until("the second node holds it", || async { get(&broker, "prod").await.versions[1].held_by == Some(2) }).await;
    until("it encrypts", || async { get(&broker, "prod").await.primary == 2 }).await;
    for api in [&mut first.api, &mut second.api] {
        while api.status().await.key_id == old {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        assert_eq!(api.status().await.key_id, rotated.versions[1].key_id);
        assert_eq!(api.decrypt(&sealed).await.unwrap(), b"seed");
    }
    let written = first.api.encrypt(b"new").await;
    assert_eq!(second.api.decrypt(&written).await.unwrap(), b"new");
    first.stop().await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emergency_rotation_encrypts_at_once() {
    let broker = support::broker().start().await;
    register(&broker, "prod", ClusterMode::Local).await;
    let machine = Machine::join(&broker, "prod", "cp-1").await;
    let mut running = machine.start().await;
    let sealed = running.api.encrypt(b"seed").await;
    let rotated = rotate(&broker, true).await.unwrap();
    assert_eq!(rotated.primary, 2);
    until("the node encrypts with it", || async {
        running.provider.served().is_some_and(|served| served.primary().key_id == rotated.versions[1].key_id)
    })
    .await;
    assert_eq!(running.api.status().await.key_id, rotated.versions[1].key_id);
    assert_eq!(running.api.decrypt(&sealed).await.unwrap(), b"seed");
    running.stop().await;
}
