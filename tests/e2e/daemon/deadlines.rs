//! Deadlines: a client's own, and the broker's for those who never finish what they began.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    os::unix::net::UnixStream,
    sync::Arc,
    time::Duration,
};

use keyward_testbed::wait_until;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::TlsConnector;

use crate::support::{Daemon, tls};

/// The preface of HTTP/2 and empty settings.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// The head of a call whose message never comes. Written by hand, since a client would keep its deadline itself.
fn head(stream: u8, rpc: &str, timeout: Option<&str>) -> Vec<u8> {
    let path = format!("/keyward.v1.{rpc}");
    let mut fields = vec![
        (":method", "POST"),
        (":scheme", "http"),
        (":path", path.as_str()),
        (":authority", "keyward"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ];
    fields.extend(timeout.map(|timeout| ("grpc-timeout", timeout)));
    let mut block = Vec::new();
    for (name, value) in fields {
        // A literal that is not kept, with its name, without Huffman's code.
        block.extend([0, u8::try_from(name.len()).unwrap()]);
        block.extend(name.as_bytes());
        block.push(u8::try_from(value.len()).unwrap());
        block.extend(value.as_bytes());
    }
    let length = u8::try_from(block.len()).unwrap();
    // HEADERS, the last of its block, and more of the stream to come.
    [&[0, 0, length, 1, 4, 0, 0, 0, stream], block.as_slice()].concat()
}

#[tokio::test]
async fn a_call_ends_at_the_deadline_that_its_client_gave() {
    let daemon = Daemon::start().await;
    let mut connection = UnixStream::connect(daemon.folder().join("keyward.sock")).unwrap();
    let ended = async |rpc: &str| {
        let metrics = daemon.metrics().await;
        let of =
            |line: &&str| line.starts_with("keyward_requests_total") && line.contains(rpc) && !line.ends_with(" 0");
        metrics.lines().filter(of).map(str::to_owned).collect::<Vec<_>>()
    };
    // The first has no deadline but the broker's own, which is far away.
    connection.write_all(&[PREFACE, &head(1, "SecretService/GetSecret", None)].concat()).unwrap();
    connection.write_all(&head(3, "SecretService/ListSecrets", Some("200m"))).unwrap();
    wait_until("the second has ended", async || !ended("ListSecrets").await.is_empty()).await;
    let lines = ended("ListSecrets").await;
    assert!(lines[0].contains("DEADLINE_EXCEEDED") || lines[0].contains("CANCELLED"), "{lines:?}");
    assert_eq!(ended("GetSecret").await, Vec::<String>::new(), "it is under way still");
}

/// Says `begun` and nothing more, and waits until the other side hangs up.
fn is_cut_off(address: SocketAddr, begun: &[u8]) {
    let mut connection = TcpStream::connect(address).unwrap();
    connection.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    connection.write_all(begun).unwrap();
    let mut rest = Vec::new();
    match connection.read_to_end(&mut rest) {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {}
        Err(error) => panic!("nobody hung up: {error}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_never_finishes_a_handshake_or_a_head_is_cut_off() {
    let daemon = Daemon::start().await;
    let (api, ops) = (daemon.addr(), daemon.ops_addr());
    let hello = [0x16, 3, 1, 0, 200, 1];
    let silent = tokio::task::spawn_blocking(move || is_cut_off(api, b""));
    let half = tokio::task::spawn_blocking(move || is_cut_off(api, &hello));
    let head = tokio::task::spawn_blocking(move || is_cut_off(ops, b"GET /metrics HTTP/1.1\r\nHost: "));
    let idle = tokio::task::spawn_blocking(move || is_cut_off(ops, b""));
    for ended in [silent, half, head, idle] {
        ended.await.unwrap();
    }
    assert!(daemon.metrics().await.contains("keyward_"), "others are served");
}

#[tokio::test]
async fn a_connection_on_which_nothing_is_asked_for_is_closed() {
    let daemon = Daemon::start().await;
    let connector = TlsConnector::from(Arc::new(tls(&std::fs::read_to_string(daemon.ca_file()).unwrap(), None)));
    let name = ServerName::IpAddress(daemon.addr().ip().into());
    let held = async |begun: &'static [u8]| {
        let stream = tokio::net::TcpStream::connect(daemon.addr()).await.unwrap();
        let mut stream = connector.connect(name.clone(), stream).await.unwrap();
        stream.write_all(begun).await.unwrap();
        stream.flush().await.unwrap();
        let mut rest = Vec::new();
        // However it ends: it ends.
        let _ended = stream.read_to_end(&mut rest).await;
    };
    let both = async { tokio::join!(held(b""), held(PREFACE)) };
    tokio::time::timeout(Duration::from_secs(90), both).await.expect("both are closed");
}
