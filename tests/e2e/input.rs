//! Malformed and too much.

use std::collections::HashMap;

use futures_util::stream;
use keyward_api::v1::{
    GetSecretRequest, GetSecretResponse, GetTenantRequest, Issuer, KeyDiscovery, LoginRequest, PutIssuerRequest,
    PutSecretRequest, issuer::Keys,
};
use keyward_testbed::{CiTokens, wait_until};
use serde_json::json;
use tonic::{Code, Request, Status, client::Grpc};
use tonic_prost::ProstCodec;

use crate::support::{AUDIENCE, Broker, Caller, broker, field, github, reason};

#[tokio::test]
async fn malformed_names_are_refused_with_the_field() {
    let broker = broker().start().await;
    let operator = broker.operator().await;
    let long = "x".repeat(10_000);
    let bad = [
        "",
        "..",
        "a/../b",
        "a/./b",
        "a//b",
        "/a",
        "a/",
        "a b",
        "a\u{0}",
        "a\nb",
        "a\u{7f}",
        "\u{e9}",
        "e\u{301}",
        "\u{ff41}",
        "a\u{202e}b",
        "%2e%2e",
        "a\\b",
        long.as_str(),
    ];
    for path in bad {
        let get = GetSecretRequest { path: path.to_owned(), version: 0 };
        let status = operator.secrets().get_secret(get).await.unwrap_err();
        assert_eq!((status.code(), field(&status).as_str()), (Code::InvalidArgument, "path"), "{path:?}");
        assert!(status.message().len() < 300, "what was sent is not sent back");
        let put = PutSecretRequest { path: path.to_owned(), ..PutSecretRequest::default() };
        let status = operator.secrets().put_secret(put).await.unwrap_err();
        assert_eq!((status.code(), field(&status).as_str()), (Code::InvalidArgument, "path"), "{path:?}");
        let status = operator.tenants().get_tenant(GetTenantRequest { name: path.to_owned() }).await.unwrap_err();
        assert_eq!((status.code(), field(&status).as_str()), (Code::InvalidArgument, "name"), "{path:?}");
        let login = LoginRequest { role: path.to_owned(), ..LoginRequest::default() };
        let status = broker.caller().connect().await.auth().login(login).await.unwrap_err();
        assert_eq!((status.code(), field(&status).as_str()), (Code::InvalidArgument, "role"), "{path:?}");
    }
    let put = PutSecretRequest {
        path: "a".to_owned(),
        fields: HashMap::from([("a/b".to_owned(), b"x".to_vec().into())]),
        ..PutSecretRequest::default()
    };
    let status = operator.secrets().put_secret(put).await.unwrap_err();
    assert_eq!((status.code(), field(&status).as_str()), (Code::InvalidArgument, "fields"));
}

#[tokio::test]
async fn names_are_compared_byte_for_byte() {
    let broker = broker().start().await;
    for path in ["Prod/DB", "prod/db", "prod/db.", "prod/d", "prod/db+", "prod/db="] {
        broker.secret(path, path).await;
    }
    let operator = broker.operator().await;
    for path in ["Prod/DB", "prod/db", "prod/db.", "prod/d", "prod/db+", "prod/db="] {
        let get = GetSecretRequest { path: path.to_owned(), version: 0 };
        let found = operator.secrets().get_secret(get).await.unwrap().into_inner();
        assert_eq!(found.fields["value"], path.as_bytes());
    }
    let get = GetSecretRequest { path: "PROD/DB".to_owned(), version: 0 };
    assert_eq!(operator.secrets().get_secret(get).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused_and_the_connection_goes_on() {
    let broker = broker().start().await;
    let operator = broker.operator().await;
    let put = |bytes: usize| PutSecretRequest {
        path: "large".to_owned(),
        fields: HashMap::from([("value".to_owned(), vec![7; bytes].into())]),
        ..PutSecretRequest::default()
    };
    let status = operator.secrets().put_secret(put(5 << 20)).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::ResourceExhausted, "MESSAGE_TOO_LARGE"));
    let status = operator.secrets().put_secret(put((1 << 20) + 1)).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::ResourceExhausted, "LIMIT"));
    operator.secrets().put_secret(put((1 << 20) - 5)).await.unwrap();
}

/// An issuer whose keys never come: a login of one of its tokens stays under way.
async fn slow_issuer(broker: &Broker) -> (tokio::net::TcpListener, String) {
    let never = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let iss = format!("http://{}", never.local_addr().unwrap());
    let issuer = Issuer {
        name: "slow".to_owned(),
        iss: iss.clone(),
        keys: Some(Keys::Discovery(KeyDiscovery {})),
        audiences: vec![AUDIENCE.to_owned()],
        algorithms: vec!["RS256".to_owned()],
        ..Issuer::default()
    };
    let request = PutIssuerRequest { issuer: Some(issuer), force: false };
    broker.operator().await.issuers().put_issuer(request).await.expect("the issuer is taken");
    (never, iss)
}

#[tokio::test]
async fn too_many_requests_in_flight_are_refused_and_the_next_are_served_again() {
    let broker = broker().dev().config(|config| config.in_flight = 2).start().await;
    let operator = broker.operator().await;
    broker.secret("a", "a").await;
    let (_never, iss) = slow_issuer(&broker).await;
    let ci = CiTokens::start().await;
    let token = github(&ci, json!({ "iss": iss }));
    let held = (0..2).map(|_| {
        let (caller, token) = (broker.caller(), token.clone());
        tokio::spawn(async move {
            let caller = caller.connect().await;
            loop {
                let _refused = caller.login("deploy", &token).await;
            }
        })
    });
    let held: Vec<_> = held.collect();
    let get = || GetSecretRequest { path: "a".to_owned(), version: 0 };
    wait_until("both are under way", async || {
        let refused = operator.secrets().get_secret(get()).await.err();
        refused.is_some_and(|status| {
            (status.code(), reason(&status).as_str()) == (Code::ResourceExhausted, "TOO_MANY_IN_FLIGHT")
        })
    })
    .await;
    held.iter().for_each(tokio::task::JoinHandle::abort);
    wait_until("there is room again", async || operator.secrets().get_secret(get()).await.is_ok()).await;
}

#[tokio::test]
async fn requests_that_never_arrive_keep_nobody_out_and_end_in_time() {
    let broker = broker().config(|config| config.in_flight = 2).start().await;
    let operator = broker.operator().await;
    broker.secret("a", "a").await;
    let held: Vec<_> = (0..100).map(|_| tokio::spawn(never_ends(operator.clone()))).collect();
    for _ in 0..100 {
        let get = GetSecretRequest { path: "a".to_owned(), version: 0 };
        operator.secrets().get_secret(get).await.expect("half-sent requests take no place");
    }
    for held in held {
        let late = held.await.unwrap();
        assert_eq!((late.code(), reason(&late).as_str()), (Code::DeadlineExceeded, "REQUEST_LATE"));
    }
}

#[tokio::test]
async fn strangers_may_send_little() {
    let broker = broker().start().await;
    let stranger = broker.caller().connect().await;
    let large = stranger.login("deploy", &"x".repeat(1 << 20)).await.unwrap_err();
    assert_eq!((large.code(), reason(&large).as_str()), (Code::ResourceExhausted, "MESSAGE_TOO_LARGE"));
    let less = stranger.login("deploy", &"x".repeat(30_000)).await.unwrap_err();
    assert_ne!(reason(&less), "MESSAGE_TOO_LARGE");
}

/// A request whose message never comes, and how it ended.
async fn never_ends(caller: Caller) -> Status {
    let mut grpc = Grpc::new(caller.client());
    grpc.ready().await.unwrap();
    let path = http::uri::PathAndQuery::from_static("/keyward.v1.SecretService/GetSecret");
    let codec: ProstCodec<GetSecretRequest, GetSecretResponse> = ProstCodec::default();
    grpc.client_streaming(Request::new(stream::pending()), path, codec).await.unwrap_err()
}
