//! Malformed and too much.

use std::collections::HashMap;

use futures_util::stream;
use keyward_api::v1::{GetSecretRequest, GetSecretResponse, GetTenantRequest, LoginRequest, PutSecretRequest};
use keyward_testbed::wait_until;
use tonic::{Code, Request, client::Grpc};
use tonic_prost::ProstCodec;

use crate::support::{Caller, broker, field, reason};

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

#[tokio::test]
async fn too_many_requests_in_flight_are_refused_and_the_next_are_served_again() {
    let broker = broker().config(|config| config.in_flight = 2).start().await;
    let operator = broker.operator().await;
    broker.secret("a", "a").await;
    let mut held = Vec::new();
    for _ in 0..2 {
        held.push(tokio::spawn(never_ends(operator.clone())));
    }
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

/// A request whose message never comes; another one when it was refused.
async fn never_ends(caller: Caller) {
    let mut grpc = Grpc::new(caller.client());
    loop {
        grpc.ready().await.unwrap();
        let path = http::uri::PathAndQuery::from_static("/keyward.v1.SecretService/GetSecret");
        let codec: ProstCodec<GetSecretRequest, GetSecretResponse> = ProstCodec::default();
        let _refused = grpc.client_streaming(Request::new(stream::pending()), path, codec).await;
    }
}
