//! What those who run a broker look at: health, reflection, metrics, readiness, an orderly end.

use std::time::Duration;

use keyward_api::v1::{
    GetSecretRequest, SealRequest, TailAuditRequest, WhoAmIRequest, audit_service_client::AuditServiceClient,
};
use keyward_testbed::{http, wait_until};
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};

use crate::support::{Broker, Caller, Keyward, broker};

async fn health(caller: &Caller, service: &str) -> ServingStatus {
    let request = HealthCheckRequest { service: service.to_owned() };
    HealthClient::new(caller.client()).check(request).await.unwrap().into_inner().status()
}

async fn get(broker: &Broker, path: &str) -> (u16, String) {
    let reply = http::get(&format!("http://{}{path}", broker.ops_addr())).send().await.unwrap();
    (reply.status, reply.text().to_string())
}

#[tokio::test]
async fn health_and_readiness_follow_the_seal() {
    let mut broker = broker().start_empty().await;
    assert_eq!(get(&broker, "/healthz").await.0, 200);
    let (status, text) = get(&broker, "/readyz").await;
    assert_eq!((status, text.contains("keyward operator init")), (503, true), "{text}");
    let local = broker.socket().await;
    assert_eq!(health(&local, "").await, ServingStatus::NotServing);
    assert_eq!(health(&local, "keyward.v1.SealService").await, ServingStatus::Serving);
    let file = broker.folder().join("seal.key").display().to_string();
    let settings = [("path".to_owned(), file)].into();
    let member = keyward_api::v1::SealMember { name: "key-file".to_owned(), kind: "key-file".to_owned(), settings };
    let path = keyward_api::v1::SealPath { name: "auto".to_owned(), threshold: 1, members: vec![member] };
    broker.initialize(vec![path]).await;
    let local = broker.socket().await;
    wait_until("health says that the broker is open", async || health(&local, "").await == ServingStatus::Serving)
        .await;
    assert_eq!(health(&local, "keyward.v1.SecretService").await, ServingStatus::Serving);
    assert_eq!(get(&broker, "/readyz").await, (200, "ok\n".to_owned()));
}

#[tokio::test]
async fn reflection_lists_every_service_and_no_foreign_one() {
    let broker = broker().start().await;
    let asked = MessageRequest::ListServices(String::new());
    let asked = ServerReflectionRequest { host: String::new(), message_request: Some(asked) };
    let mut client = ServerReflectionClient::new(broker.operator().await.client());
    let mut answers = client.server_reflection_info(tokio_stream::iter([asked])).await.unwrap().into_inner();
    let answer = answers.message().await.unwrap().unwrap().message_response.unwrap();
    let MessageResponse::ListServicesResponse(listed) = answer else { panic!("{answer:?}") };
    let names: Vec<_> = listed.service.iter().map(|service| service.name.as_str()).collect();
    for row in keyward::method::METHODS {
        let service = row.rpc.split('/').next().unwrap();
        assert!(names.contains(&service), "{service} is not among {names:?}");
    }
    assert!(names.iter().all(|name| name.starts_with("keyward.v1.") || name.starts_with("grpc.")), "{names:?}");
}

#[tokio::test]
async fn reflection_answers_clients_that_know_its_older_version_alone() {
    use tonic_reflection::pb::v1alpha::{
        ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
        server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
    };
    let broker = broker().start().await;
    let asked = MessageRequest::FileContainingSymbol("keyward.v1.CryptoService".to_owned());
    let asked = ServerReflectionRequest { host: String::new(), message_request: Some(asked) };
    let mut client = ServerReflectionClient::new(broker.operator().await.client());
    let mut answers = client.server_reflection_info(tokio_stream::iter([asked])).await.unwrap().into_inner();
    let answer = answers.message().await.unwrap().unwrap().message_response.unwrap();
    let MessageResponse::FileDescriptorResponse(found) = answer else { panic!("{answer:?}") };
    let file = String::from_utf8_lossy(&found.file_descriptor_proto[0]).into_owned();
    assert!(file.contains("CryptoService") && file.contains("keyward/v1/crypto.proto"), "{file}");
}

#[tokio::test]
async fn a_stream_is_counted_when_it_ends_and_as_what_it_ended_with() {
    let broker = broker().start().await;
    let operator = broker.operator().await;
    let follow = TailAuditRequest { follow: true, ..TailAuditRequest::default() };
    let mut records = AuditServiceClient::new(operator.client()).tail_audit(follow).await.unwrap().into_inner();
    records.message().await.unwrap();
    // Other brokers of this process count in the same place.
    let ended = async || {
        let metrics = get(&broker, "/metrics").await.1;
        let of = |line: &&str| line.contains("AuditService/TailAudit") && line.contains(r#"code="UNAVAILABLE""#);
        let line = metrics.lines().filter(|line| line.starts_with("keyward_requests_total")).find(of);
        line.map_or(0, |line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
    };
    let before = ended().await;
    operator.seal().seal(SealRequest {}).await.unwrap();
    while records.message().await.is_ok() {}
    wait_until("the end is counted", async || ended().await > before).await;
}

#[tokio::test]
async fn requests_are_counted_by_method_and_code_and_show_no_names() {
    let broker = broker().start().await;
    let operator = broker.operator().await;
    operator.auth().who_am_i(WhoAmIRequest::default()).await.unwrap();
    let missing = GetSecretRequest { path: "marked/name".to_owned(), version: 0 };
    operator.secrets().get_secret(missing).await.unwrap_err();
    let reply = http::get(&format!("http://{}/metrics", broker.ops_addr())).send().await.unwrap();
    assert_eq!(reply.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let (status, text) = get(&broker, "/metrics").await;
    assert_eq!(status, 200);
    for expected in [
        r#"keyward_requests_total{method="keyward.v1.AuthService/WhoAmI",code="OK"}"#,
        r#"keyward_requests_total{method="keyward.v1.SecretService/GetSecret",code="NOT_FOUND"}"#,
        r#"keyward_request_seconds_bucket{method="keyward.v1.AuthService/WhoAmI""#,
        "keyward_requests_in_flight",
        "keyward_audit_taking 1",
        "keyward_unsealed 1",
    ] {
        assert!(text.contains(expected), "{expected} is not in\n{text}");
    }
    assert!(!text.contains("marked"), "{text}");
}

/// The real daemon, told to stop by a signal while a client is connected: it ends by itself, with success.
#[tokio::test]
async fn a_terminated_daemon_drains_and_ends_with_success() {
    let keyward = Keyward::alone();
    let [api, ops] = keyward_testbed::free_ports();
    let at = |name: &str| keyward.home().join(name);
    let text = format!(
        "[listen]\napi = \"127.0.0.1:{api}\"\nops = \"127.0.0.1:{ops}\"\n[storage]\npath = \"{}\"\n[audit]\nfolder = \"{}\"\n\
         [limits]\ngrace = \"1s\"\n",
        at("store").display(),
        at("audit").display()
    );
    std::fs::write(at("keyward.toml"), text).unwrap();
    let config = at("keyward.toml").display().to_string();
    keyward.ok(&["server", "--config", &config, "--check"]);
    let mut child = keyward.command(["server", "--config", &config]).spawn().unwrap();
    wait_until("the daemon answers", async || {
        let reply = http::get(&format!("http://127.0.0.1:{ops}/healthz")).send().await;
        reply.is_ok_and(|reply| reply.status == 200)
    })
    .await;
    // An open connection that says nothing must not hold it up.
    let _idle = std::net::TcpStream::connect(("127.0.0.1", api)).unwrap();
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let ended = tokio::task::spawn_blocking(move || child.wait().unwrap());
    let status = tokio::time::timeout(Duration::from_secs(60), ended).await.expect("it ends").unwrap();
    assert!(status.success(), "{status}");
}

#[test]
fn wrong_settings_are_named_and_end_with_their_code() {
    let keyward = Keyward::alone();
    let file = keyward.home().join("keyward.toml");
    let said = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let ran = keyward.run(&["server", "--check", "--config", file.to_str().unwrap()]);
        assert_eq!(ran.code(), 78, "{ran:?}");
        ran.stderr
    };
    let unknown = said("[listen]\nopps = \"127.0.0.1:1\"\n[limits]\nin_fligt = 1\n");
    for expected in ["keyward.toml:2", "did you mean `ops`", "keyward.toml:4", "did you mean `in_flight`"] {
        assert!(unknown.contains(expected), "{expected} is not in {unknown}");
    }
    let wrong = said("[listen]\napi = \"nowhere\"\nops = \"nowhere\"\n[limits]\nin_flight = 0\n");
    for expected in ["listen.api", "listen.ops", "limits.in_flight"] {
        assert!(wrong.contains(expected), "{expected} is not in {wrong}");
    }
}
