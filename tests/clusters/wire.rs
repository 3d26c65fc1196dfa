//! What nodes and operators of clusters ask, by the generated clients alone: the API as another program would use it.

use keyward_api::v1::{
    Allowance, Cluster, ClusterKeyState, ClusterMode, GetKeysetRequest, GetNodeRequest, GiveBackKeysetRequest,
    HeldVersion, JoinRequest, Keyset, KeysetVersion, ListClustersRequest, NodeState, RemoteDecryptRequest,
    RemoteEncryptRequest, RenewCertificateRequest, ReportKeysetRequest, RevokeNodeRequest, TakeBackKeyVersionsRequest,
    UpdateClusterRequest, WatchKeysetRequest, node_service_client::NodeServiceClient, watch_keyset_response::Event,
};
use keyward_kit::cluster::JoinString;
use prost_types::Duration;
use tonic::Code;

use super::{clusters, get, join_string, nodes, register};
use crate::support::{self, Broker, Caller, Client, Key, field, reason};

/// A key, and a request for a certificate of it.
fn request() -> (rcgen::KeyPair, Vec<u8>) {
    let pair = rcgen::KeyPair::generate().unwrap();
    let request = rcgen::CertificateParams::default().serialize_request(&pair).unwrap();
    (pair, request.der().to_vec())
}

fn shown(certificate: &[u8], pair: &rcgen::KeyPair) -> Key {
    let body = data_encoding::BASE64.encode(certificate);
    let certificate = format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
    Key { certificate, key: pair.serialize_pem() }
}

fn of(caller: &Caller) -> NodeServiceClient<Client> {
    NodeServiceClient::new(caller.client())
}

/// Joins as any program would, and connects with the certificate.
async fn joined(broker: &Broker, cluster: &str, node: &str) -> Caller {
    let line = JoinString::parse(&join_string(broker, cluster, node).await).unwrap();
    let (pair, csr) = request();
    let nobody = broker.caller().connect().await;
    let token: bytes::Bytes = line.token.expose().to_vec().into();
    let ask = JoinRequest { token, csr: csr.into(), software: "other/1".to_owned() };
    let answer = of(&nobody).join(ask.clone()).await.unwrap().into_inner();
    let facts = answer.cluster.unwrap();
    assert_eq!((facts.name.as_str(), answer.node_name.as_str()), (cluster, node));
    let again = of(&nobody).join(ask).await.unwrap_err();
    assert_eq!((again.code(), reason(&again).as_str()), (Code::Unauthenticated, "JOIN_TOKEN_UNKNOWN"));
    let certificate = answer.certificate.unwrap().certificate;
    broker.caller().key(&shown(&certificate, &pair)).connect().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_joins_gets_its_keyset_reports_it_and_follows_it() {
    let broker = support::broker().start().await;
    let cluster = register(&broker, "prod", ClusterMode::Local).await;
    let node = joined(&broker, "prod", "cp-1").await;
    let keyset = of(&node).get_keyset(GetKeysetRequest {}).await.unwrap().into_inner().keyset.unwrap();
    assert_eq!((keyset.generation, keyset.primary), (cluster.generation, 1));
    assert_eq!(keyset.versions[0].material.len(), 32);
    let report = report(&keyset);
    let again = of(&node).report_keyset(report).await.unwrap().into_inner().report_again_in.unwrap();
    assert!(again.seconds > 0, "{again:?}");
    assert_eq!(get(&broker, "prod").await.versions[0].held_by, Some(1));
    let mut events = of(&node).watch_keyset(WatchKeysetRequest { generation: 0 }).await.unwrap().into_inner();
    let Some(Event::Keyset(first)) = events.message().await.unwrap().unwrap().event else { panic!("the keyset first") };
    assert_eq!(first, keyset);
    let held = WatchKeysetRequest { generation: keyset.generation };
    let mut events = of(&node).watch_keyset(held).await.unwrap().into_inner();
    let Some(Event::KeepAlive(life)) = events.message().await.unwrap().unwrap().event else { panic!("nothing is new") };
    assert_eq!(life.generation, keyset.generation);
}

/// What a node says that holds this.
fn report(keyset: &Keyset) -> ReportKeysetRequest {
    let held = |version: &KeysetVersion| HeldVersion { version: version.version, random: version.random.clone() };
    ReportKeysetRequest {
        generation: keyset.generation,
        versions: keyset.versions.iter().map(held).collect(),
        primary: keyset.primary,
        software: "other/1".to_owned(),
        ..ReportKeysetRequest::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_taken_back_from_the_node_that_was_asked_and_never_in_place_of_others() {
    let broker = support::broker().start().await;
    register(&broker, "prod", ClusterMode::Local).await;
    let (node, other) = (joined(&broker, "prod", "cp-1").await, joined(&broker, "prod", "cp-2").await);
    let before = of(&node).get_keyset(GetKeysetRequest {}).await.unwrap().into_inner().keyset.unwrap();
    let mut more = before.clone();
    more.generation = 7;
    more.primary = 2;
    more.versions.push(KeysetVersion {
        version: 2,
        random: vec![2; 8].into(),
        material: vec![9; 32].into(),
        state: ClusterKeyState::Enabled.into(),
    });
    let give = async |node: &Caller, keyset: &Keyset| {
        let request = GiveBackKeysetRequest { keyset: Some(keyset.clone()) };
        of(node).give_back_keyset(request).await.map(drop).map_err(|status| reason(&status))
    };
    let answer = of(&node).report_keyset(report(&more)).await.unwrap().into_inner();
    assert!(!answer.give_back, "nobody asked");
    assert_eq!(give(&node, &more).await, Err("NOT_ASKED".to_owned()));
    let ask = TakeBackKeyVersionsRequest {
        name: "prod".to_owned(),
        node_name: "cp-1".to_owned(),
        ..TakeBackKeyVersionsRequest::default()
    };
    clusters(&broker).await.take_back_key_versions(ask).await.unwrap();
    assert!(of(&node).report_keyset(report(&more)).await.unwrap().into_inner().give_back);
    assert_eq!(give(&other, &more).await, Err("NOT_ASKED".to_owned()), "another node was not asked");
    let with = |change: &dyn Fn(&mut Keyset)| {
        let mut keyset = more.clone();
        change(&mut keyset);
        keyset
    };
    for (wrong, why) in [
        (with(&|keyset| keyset.versions[0].random = vec![1; 8].into()), "KEYS_DIFFER"),
        (with(&|keyset| keyset.cluster_id = vec![1; 16].into()), "INVALID"),
        (with(&|keyset| keyset.primary = 3), "INVALID"),
        (with(&|keyset| keyset.generation = u64::MAX), "INVALID"),
        (with(&|keyset| (keyset.primary, keyset.versions[1].version) = (u32::MAX, u32::MAX)), "INVALID"),
        (with(&|keyset| keyset.versions[1].material = vec![1; 31].into()), "INVALID"),
    ] {
        assert_eq!(give(&node, &wrong).await, Err(why.to_owned()));
    }
    assert_eq!(get(&broker, "prod").await.versions.len(), 1, "nothing of what is wrong is taken");
    give(&node, &more).await.unwrap();
    let after = of(&other).get_keyset(GetKeysetRequest {}).await.unwrap().into_inner().keyset.unwrap();
    assert_eq!((after.generation, after.primary, &after.versions[1]), (8, 2, &more.versions[1]));
    assert_eq!(after.versions[0], before.versions[0]);
    assert_eq!(give(&node, &more).await, Err("NOT_ASKED".to_owned()), "once");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_mode_remote_a_node_gets_no_material_and_asks_for_the_work() {
    let broker = support::broker().start().await;
    let cluster = register(&broker, "prod", ClusterMode::Remote).await;
    let node = joined(&broker, "prod", "cp-1").await;
    let keyset = of(&node).get_keyset(GetKeysetRequest {}).await.unwrap().into_inner().keyset.unwrap();
    assert!(keyset.versions.iter().all(|version| version.material.is_empty()), "the key never leaves the broker");
    let seed = marked!("seed").as_bytes();
    let ask = RemoteEncryptRequest { plaintext: seed.into(), version: 0 };
    let made = of(&node).remote_encrypt(ask).await.unwrap().into_inner();
    assert_eq!(made.key_id, cluster.versions[0].key_id);
    let ask = RemoteDecryptRequest { ciphertext: made.ciphertext.clone(), key_id: made.key_id.clone() };
    assert_eq!(of(&node).remote_decrypt(ask.clone()).await.unwrap().into_inner().plaintext, seed);
    let cut = RemoteDecryptRequest { ciphertext: made.ciphertext.slice(1..), ..ask.clone() };
    assert_eq!(of(&node).remote_decrypt(cut).await.unwrap_err().code(), Code::InvalidArgument);
    let long = RemoteEncryptRequest { plaintext: vec![0; 1_025].into(), version: 0 };
    assert_eq!(field(&of(&node).remote_encrypt(long).await.unwrap_err()), "plaintext");
    // Whoever is no node has none of this, whatever else it may do.
    let operator = broker.operator().await;
    assert_eq!(of(&operator).remote_decrypt(ask).await.unwrap_err().code(), Code::PermissionDenied);
    assert_eq!(of(&operator).get_keyset(GetKeysetRequest {}).await.unwrap_err().code(), Code::PermissionDenied);
    let nobody = broker.caller().connect().await;
    assert_eq!(of(&nobody).get_keyset(GetKeysetRequest {}).await.unwrap_err().code(), Code::Unauthenticated);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_renews_its_certificate_and_is_the_same_node_with_the_new_one() {
    let broker = support::broker().start().await;
    register(&broker, "prod", ClusterMode::Local).await;
    let node = joined(&broker, "prod", "cp-1").await;
    let before = nodes(&broker, "prod").await.remove(0);
    let (pair, csr) = request();
    let answer = of(&node).renew_certificate(RenewCertificateRequest { csr: csr.into() }).await.unwrap().into_inner();
    let certificate = answer.certificate.unwrap();
    assert!(certificate.generation > before.certificate_generation);
    assert_eq!(answer.cluster.unwrap().name, "prod");
    let renewed = broker.caller().key(&shown(&certificate.certificate, &pair)).connect().await;
    of(&renewed).get_keyset(GetKeysetRequest {}).await.unwrap();
    let after = nodes(&broker, "prod").await.remove(0);
    assert_eq!((&after.id, after.certificate_generation), (&before.id, certificate.generation));
    let garbled = RenewCertificateRequest { csr: "no request".into() };
    assert_eq!(field(&of(&renewed).renew_certificate(garbled.clone()).await.unwrap_err()), "csr");
    let nobody = broker.caller().connect().await;
    let refused = of(&nobody).renew_certificate(garbled).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unauthenticated, "NO_CERTIFICATE"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_is_shown_by_its_id_in_its_own_cluster_only() {
    let broker = support::broker().start().await;
    for name in ["prod", "test"] {
        register(&broker, name, ClusterMode::Local).await;
    }
    joined(&broker, "prod", "cp-1").await;
    let id = nodes(&broker, "prod").await[0].id.clone();
    let ask = |name: &str, id: &str| GetNodeRequest { name: name.to_owned(), node_id: id.to_owned() };
    let mut clusters = clusters(&broker).await;
    let node = clusters.get_node(ask("prod", &id)).await.unwrap().into_inner().node.unwrap();
    assert_eq!((node.name.as_str(), node.state()), ("cp-1", NodeState::Active));
    assert_eq!(clusters.get_node(ask("test", &id)).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(clusters.get_node(ask("none", &id)).await.unwrap_err().code(), Code::NotFound);
    for malformed in ["", "..", "cp-1", &id.to_lowercase()[1..], &"A".repeat(10_000)] {
        let refused = clusters.get_node(ask("prod", malformed)).await.unwrap_err();
        assert_eq!((refused.code(), field(&refused).as_str()), (Code::InvalidArgument, "node_id"), "{malformed:.30}");
        let revoke = RevokeNodeRequest {
            name: "prod".to_owned(),
            node_id: malformed.to_owned(),
            ..RevokeNodeRequest::default()
        };
        assert_eq!(field(&clusters.revoke_node(revoke).await.unwrap_err()), "node_id");
    }
    let revoke = RevokeNodeRequest { name: "prod".to_owned(), node_id: id.clone(), ..RevokeNodeRequest::default() };
    clusters.revoke_node(revoke).await.unwrap();
    let node = clusters.get_node(ask("prod", &id)).await.unwrap().into_inner().node.unwrap();
    assert_eq!(node.state(), NodeState::Revoked);
}

#[tokio::test(flavor = "multi_thread")]
async fn clusters_are_listed_in_pages() {
    let broker = support::broker().start().await;
    let mut clusters = clusters(&broker).await;
    assert!(clusters.list_clusters(ListClustersRequest::default()).await.unwrap().into_inner().clusters.is_empty());
    for name in ["one", "three", "two"] {
        register(&broker, name, ClusterMode::Local).await;
    }
    let (mut found, mut page) = (Vec::<Cluster>::new(), ListClustersRequest { page_size: 2, ..Default::default() });
    loop {
        let answer = clusters.list_clusters(page).await.unwrap().into_inner();
        assert!(answer.clusters.len() <= 2);
        found.extend(answer.clusters);
        if answer.next_page_token.is_empty() {
            break;
        }
        page = ListClustersRequest { page_size: 2, page_token: answer.next_page_token };
    }
    assert_eq!(found.iter().map(|cluster| cluster.name.as_str()).collect::<Vec<_>>(), ["one", "three", "two"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_allowance_and_a_description_change_and_nothing_else() {
    let broker = support::broker().start().await;
    let made = register(&broker, "prod", ClusterMode::Local).await;
    let mut clusters = clusters(&broker).await;
    let days = |days: i64| Some(Duration { seconds: days * 86_400, nanos: 0 });
    let ask = || UpdateClusterRequest { name: "prod".to_owned(), ..UpdateClusterRequest::default() };
    let allowance = Allowance { offline_max: days(10), offline_writes_max: days(1), ..Allowance::default() };
    let change =
        UpdateClusterRequest { description: Some("of the shop".to_owned()), allowance: Some(allowance), ..ask() };
    let changed = clusters.update_cluster(change).await.unwrap().into_inner().cluster.unwrap();
    assert_eq!((changed.description.as_str(), changed.allowance), ("of the shop", Some(allowance)));
    assert_eq!((&changed.id, &changed.versions), (&made.id, &made.versions));
    assert!(changed.generation > made.generation, "nodes hear of a new allowance");
    let same = clusters.update_cluster(ask()).await.unwrap().into_inner().cluster.unwrap();
    assert_eq!((same.description, same.allowance), (changed.description, Some(allowance)), "what is not named stays");
    let backwards = Allowance { offline_max: Some(Duration { seconds: -1, nanos: 0 }), ..Allowance::default() };
    let refused = clusters.update_cluster(UpdateClusterRequest { allowance: Some(backwards), ..ask() }).await;
    assert_eq!(refused.unwrap_err().code(), Code::InvalidArgument);
    let none = UpdateClusterRequest { name: "none".to_owned(), ..UpdateClusterRequest::default() };
    assert_eq!(clusters.update_cluster(none).await.unwrap_err().code(), Code::NotFound);
}
