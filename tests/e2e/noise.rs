//! What strangers do to the port; others are served on.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::Arc,
    time::Duration,
};

use futures_util::{StreamExt, stream};
use keyward_sdk::crypto::random;
use rustix::process::{Resource, getrlimit, setrlimit};
use rustls_pki_types::ServerName;
use tokio::io::AsyncWriteExt;
use tokio_rustls::TlsConnector;

use crate::support::{Daemon, tls};

/// The preface of HTTP/2 and empty settings.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

fn served(daemon: &Daemon) {
    assert_eq!(daemon.operator().ok(&["secret", "get", "a", "--field", "value"]), "x");
}

/// As many files as this user may open.
fn raise_open_files() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
}

#[tokio::test]
async fn random_bytes_on_the_port_disturb_nobody() {
    let daemon = Daemon::start().await;
    daemon.operator().ok(&["secret", "put", "a", "value=x"]);
    let mut open = Vec::new();
    for length in 0..200_usize {
        let mut stream = TcpStream::connect(daemon.addr()).unwrap();
        let noise: Vec<u8> = (0..length * 7).map(|_| random::array::<1>()[0]).collect();
        // It hangs up as soon as it sees that this is no TLS.
        let _reset = stream.write_all(&noise);
        if length % 2 == 0 {
            open.push(stream);
        }
        if length % 50 == 0 {
            served(&daemon);
        }
    }
    // Noise inside TLS, and in place of messages.
    let connector = TlsConnector::from(Arc::new(tls(&std::fs::read_to_string(daemon.ca_file()).unwrap(), None)));
    for round in 0..40_usize {
        let stream = tokio::net::TcpStream::connect(daemon.addr()).await.unwrap();
        let mut stream = connector.connect(ServerName::IpAddress(daemon.addr().ip().into()), stream).await.unwrap();
        let noise: Vec<u8> = (0..300).map(|_| random::array::<1>()[0]).collect();
        let start = if round % 2 == 0 { PREFACE } else { b"" };
        let _reset = stream.write_all(&[start, &noise].concat()).await;
        let _reset = stream.flush().await;
    }
    // On the port for health, too.
    let mut stream = TcpStream::connect(daemon.ops_addr()).unwrap();
    stream.write_all(&[0xff; 4096]).unwrap();
    let mut answer = Vec::new();
    let _reset = stream.read_to_end(&mut answer);
    served(&daemon);
    assert!(!daemon.process().log().contains("panicked"), "{}", daemon.process().log_tail());
}

#[tokio::test]
async fn half_open_connections_hold_up_nobody() {
    raise_open_files();
    let daemon = Daemon::start().await;
    daemon.operator().ok(&["secret", "put", "a", "value=x"]);
    let mut open = Vec::new();
    for number in 0..3_000 {
        let mut stream = TcpStream::connect(daemon.addr()).unwrap();
        if number % 2 == 0 {
            // The first bytes of a handshake, and no more.
            stream.write_all(&[22, 3, 1, 2, 0, 1, 0]).unwrap();
        }
        open.push(stream);
    }
    served(&daemon);
    drop(open);
    served(&daemon);
}

#[tokio::test]
async fn ten_thousand_idle_connections_leave_room_for_others() {
    raise_open_files();
    let daemon = Daemon::start().await;
    daemon.operator().ok(&["secret", "put", "a", "value=x"]);
    let connector = TlsConnector::from(Arc::new(tls(&std::fs::read_to_string(daemon.ca_file()).unwrap(), None)));
    let connect = async |_| {
        let stream = tokio::net::TcpStream::connect(daemon.addr()).await.unwrap();
        let name = ServerName::IpAddress(daemon.addr().ip().into());
        let connected = tokio::time::timeout(Duration::from_secs(60), connector.connect(name, stream)).await;
        let mut stream = connected.expect("a handshake is answered").expect("and succeeds");
        stream.write_all(PREFACE).await.unwrap();
        stream.flush().await.unwrap();
        stream
    };
    let idle: Vec<_> = stream::iter(0..10_000).map(connect).buffer_unordered(64).collect().await;
    assert_eq!(idle.len(), 10_000);
    served(&daemon);
    drop(idle);
    served(&daemon);
}
