//! Join tokens, nodes and their certificates.

use keyward_api::v1::{
    CreateJoinTokenRequest, GetKeysetRequest, GetNodeRequest, JoinRequest, ListNodesRequest, Node,
    RegisterClusterRequest, RenewCertificateRequest, RevokeNodeRequest, node_service_client::NodeServiceClient,
};
use keyward_kit::cluster::JoinString;
use tonic::Code;

use super::alike;
use crate::support::{Broker, Caller, Key, broker};

async fn register(caller: &Caller) {
    let request = RegisterClusterRequest { name: "prod".to_owned(), mode: 1, ..RegisterClusterRequest::default() };
    caller.clusters().register_cluster(request).await.unwrap();
}

async fn nodes(caller: &Caller) -> Vec<Node> {
    let request = ListNodesRequest { name: "prod".to_owned(), ..ListNodesRequest::default() };
    caller.clusters().list_nodes(request).await.unwrap().into_inner().nodes
}

fn request(pair: &rcgen::KeyPair) -> bytes::Bytes {
    rcgen::CertificateParams::default().serialize_request(pair).unwrap().der().to_vec().into()
}

/// Joins with a token of `of` while another tenant is named.
async fn join(broker: &Broker, of: &Caller, named: &str) -> Result<Key, tonic::Status> {
    let ask = CreateJoinTokenRequest { name: "prod".to_owned(), ..CreateJoinTokenRequest::default() };
    let line = of.clusters().create_join_token(ask).await.unwrap().into_inner().join_token;
    let token = JoinString::parse(&line).unwrap().token.expose().to_vec().into();
    let pair = rcgen::KeyPair::generate().unwrap();
    let join = JoinRequest { token, csr: request(&pair), software: "other/1".to_owned() };
    let nobody = broker.caller().tenant(named).connect().await;
    let joined = NodeServiceClient::new(nobody.client()).join(join).await?.into_inner();
    let body = data_encoding::BASE64.encode(&joined.certificate.unwrap().certificate);
    let certificate = format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
    Ok(Key { certificate, key: pair.serialize_pem() })
}

#[tokio::test]
async fn a_join_token_joins_the_cluster_of_its_own_tenant_or_none() {
    let broker = broker().start().await;
    let (main, other) = (broker.operator().await, broker.tenant("other").await);
    register(&main).await;
    register(&other).await;
    let joined = join(&broker, &main, "other").await;
    assert_eq!(nodes(&main).await.len(), usize::from(joined.is_ok()));
    assert!(
        nodes(&other).await.is_empty(),
        "a cluster of the same name in the tenant that was named has no node of it"
    );
    let joined = join(&broker, &other, "main").await;
    assert_eq!(nodes(&other).await.len(), usize::from(joined.is_ok()));
}

#[tokio::test]
async fn a_node_is_no_node_of_another_tenant_whatever_tenant_it_names() {
    let broker = broker().start().await;
    let (main, other) = (broker.operator().await, broker.tenant("other").await);
    register(&main).await;
    register(&other).await;
    let key = join(&broker, &main, "main").await.unwrap();
    let keyset = async |caller: Caller| {
        let answer = NodeServiceClient::new(caller.client()).get_keyset(GetKeysetRequest {}).await;
        answer.map(|answer| answer.into_inner().keyset.unwrap())
    };
    let own = keyset(broker.caller().key(&key).connect().await).await.unwrap();
    if let Ok(given) = keyset(broker.caller().key(&key).tenant("other").connect().await).await {
        assert_eq!(given, own, "never the one of the other tenant");
    }
    let renew = RenewCertificateRequest { csr: request(&rcgen::KeyPair::generate().unwrap()) };
    let there = broker.caller().key(&key).tenant("other").connect().await;
    // Whether it is renewed or refused: it is main's node, and other has none.
    let _either = NodeServiceClient::new(there.client()).renew_certificate(renew).await;
    assert!(nodes(&other).await.is_empty());
    // Operators of the other tenant do not find it, by an id that they could have seen.
    let id = nodes(&main).await[0].id.clone();
    let unknown = "a".repeat(26);
    let get = async |id: &str| {
        let ask = GetNodeRequest { name: "prod".to_owned(), node_id: id.to_owned() };
        other.clusters().get_node(ask).await.unwrap_err()
    };
    let revoke = async |id: &str| {
        let ask = RevokeNodeRequest { name: "prod".to_owned(), node_id: id.to_owned(), ..RevokeNodeRequest::default() };
        other.clusters().revoke_node(ask).await.unwrap_err()
    };
    assert_eq!(get(&id).await.code(), Code::NotFound);
    alike(&get(&id).await, &id, &get(&unknown).await, &unknown);
    alike(&revoke(&id).await, &id, &revoke(&unknown).await, &unknown);
    keyset(broker.caller().key(&key).connect().await).await.expect("it is not revoked");
}
