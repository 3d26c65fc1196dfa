//! SIGTERM while requests are under way.

use futures_util::stream;
use keyward_api::v1::{GetSecretRequest, GetSecretResponse};
use keyward_testbed::wait_until;
use rustix::process::Signal;
use tokio::sync::oneshot;
use tonic::{Code, Request, Status, client::Grpc};
use tonic_prost::ProstCodec;

use crate::support::{Caller, Daemon, Wanted};

/// A request for a secret whose message comes when it is told to.
async fn read_once_told(caller: Caller, told: oneshot::Receiver<()>) -> Result<GetSecretResponse, Status> {
    let message = stream::once(async move {
        if told.await.is_err() {
            // Nobody will ever tell.
            std::future::pending::<()>().await;
        }
        GetSecretRequest { path: "a".to_owned(), version: 0 }
    });
    let mut grpc = Grpc::new(caller.client());
    grpc.ready().await.unwrap();
    let path = http::uri::PathAndQuery::from_static("/keyward.v1.SecretService/GetSecret");
    let codec: ProstCodec<GetSecretRequest, GetSecretResponse> = ProstCodec::default();
    grpc.client_streaming(Request::new(Box::pin(message)), path, codec).await.map(tonic::Response::into_inner)
}

async fn under_way(daemon: &Daemon) {
    wait_until("the request is under way", async || {
        daemon
            .metrics()
            .await
            .lines()
            .any(|line| line.starts_with("keyward_requests_in_flight") && line.ends_with(" 1"))
    })
    .await;
}

#[tokio::test]
async fn a_request_that_is_under_way_is_answered_before_the_daemon_ends() {
    let wanted = Wanted { settings: "[limits]\ngrace = \"60s\"\n", ..Wanted::default() };
    let mut daemon = Daemon::start_as(&wanted).await;
    daemon.operator().run_with(&["secret", "put", "a", "value=@-"], marked!("kept")).ok();
    let (tell, told) = oneshot::channel();
    let reading = tokio::spawn(read_once_told(daemon.socket().await, told));
    under_way(&daemon).await;
    daemon.process().signal(Signal::TERM);
    daemon.wait_logged("Stopping").await;
    assert!(daemon.process_mut().is_running(), "it waits for what is under way");
    tell.send(()).unwrap();
    let answer = reading.await.unwrap();
    // Its own user may do nothing by policy here; what counts is that the answer is the one it would have had.
    assert_eq!(answer.unwrap_err().code(), Code::PermissionDenied);
    let ended = daemon.process_mut().stop().await;
    assert!(ended.success(), "{ended}");
}

#[tokio::test]
async fn a_request_that_outlasts_the_grace_does_not_hold_the_daemon_up() {
    let wanted = Wanted { settings: "[limits]\ngrace = \"300ms\"\n", ..Wanted::default() };
    let mut daemon = Daemon::start_as(&wanted).await;
    let (never, told) = oneshot::channel();
    let reading = tokio::spawn(read_once_told(daemon.socket().await, told));
    under_way(&daemon).await;
    let ended = daemon.process_mut().stop().await;
    assert!(ended.success(), "{ended}");
    let cut = reading.await.unwrap().unwrap_err();
    assert_ne!(cut.code(), Code::PermissionDenied, "it had no answer");
    drop(never);
    // What was told before is whole, and so is the log.
    daemon.start_again();
    daemon.wait_open().await;
    daemon.operator().ok(&["audit", "verify"]);
}
