use std::net::SocketAddr;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::*;

/// A TLS server that answers every request with the same bytes, then optionally streams on for ever or falls silent.
struct Server {
    address: SocketAddr,
    authorities: Authorities,
    _tasks: keyward_kit::tasks::Tasks,
}

#[derive(Clone, Copy, PartialEq)]
enum Then {
    Close,
    Endless,
    Silent,
}

async fn serve(head: &'static str, then: Then) -> Server {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let key = rustls_pki_types::PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut tasks = keyward_kit::tasks::Tasks::new();
    let connections = keyward_kit::tasks::Group::new(16, &CancellationToken::new());
    tasks.own("server", async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            connections
                .run(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let mut request = [0; 1024];
                    let _ = stream.read(&mut request).await;
                    let _ = stream.write_all(head.as_bytes()).await;
                    while then == Then::Endless && stream.write_all(&[b' '; 16 << 10]).await.is_ok() {}
                    if then == Then::Silent {
                        let _ = stream.flush().await;
                        std::future::pending::<()>().await;
                    }
                    let _ = stream.shutdown().await;
                })
                .await;
        }
    });
    Server { address, authorities: cert.pem().try_into().unwrap(), _tasks: tasks }
}

fn fetcher(allow: &[&str]) -> HttpFetch {
    HttpFetch::new(FetchSettings {
        private_hosts: allow.iter().map(|host| (*host).to_owned()).collect(),
        timeout: Duration::from_secs(2),
        danger_plain_http: false,
    })
}

fn url(server: &Server, host: &str) -> String {
    format!("https://{host}:{}/jwks", server.address.port())
}

#[tokio::test]
async fn a_document_of_an_allowed_private_host_is_fetched() {
    let server = serve("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", Then::Close).await;
    for host in ["localhost", "127.0.0.1"] {
        let fetch = fetcher(&[host]);
        assert_eq!(fetch.fetch(&url(&server, host), Some(&server.authorities)).await.unwrap(), "{}");
    }
}

#[tokio::test]
async fn private_and_loopback_addresses_are_refused() {
    let server = serve("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", Then::Close).await;
    let fetch = fetcher(&["other.internal"]);
    for host in [
        "localhost",
        "127.0.0.1",
        "[::1]",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "[::ffff:127.0.0.1]",
        "169.254.169.254",
        "10.0.0.1",
    ] {
        let refused = fetch.fetch(&url(&server, host), Some(&server.authorities)).await.unwrap_err();
        assert!(matches!(refused, FetchError::Address(_)), "{host}: {refused}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let server =
        serve("HTTP/1.1 302 Found\r\nlocation: https://localhost/\r\ncontent-length: 0\r\n\r\n", Then::Close).await;
    let refused = fetcher(&["localhost"]).fetch(&url(&server, "localhost"), Some(&server.authorities)).await;
    assert_eq!(refused, Err(FetchError::Redirect("localhost".into())));
}

#[tokio::test]
async fn an_endless_document_is_cut_off() {
    let server = serve("HTTP/1.1 200 OK\r\n\r\n", Then::Endless).await;
    let refused = fetcher(&["localhost"]).fetch(&url(&server, "localhost"), Some(&server.authorities)).await;
    assert_eq!(refused, Err(FetchError::TooLarge("localhost".into())));
}

#[tokio::test]
async fn a_server_that_never_finishes_runs_into_the_time_limit() {
    for head in ["", "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{"] {
        let server = serve(head, Then::Silent).await;
        let refused = fetcher(&["localhost"]).fetch(&url(&server, "localhost"), Some(&server.authorities)).await;
        assert_eq!(refused, Err(FetchError::Timeout("localhost".into())), "{head}");
    }
}

#[tokio::test]
async fn another_status_than_200_is_no_document() {
    let server = serve("HTTP/1.1 503 Oops\r\ncontent-length: 0\r\n\r\n", Then::Close).await;
    let refused = fetcher(&["localhost"]).fetch(&url(&server, "localhost"), Some(&server.authorities)).await;
    assert_eq!(refused, Err(FetchError::Status { host: "localhost".into(), status: 503 }));
}

#[tokio::test]
async fn an_untrusted_certificate_is_refused() {
    let server = serve("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", Then::Close).await;
    let other = generate_simple_self_signed(["localhost".to_owned()]).unwrap().cert.pem().try_into().unwrap();
    for authorities in [None, Some(&other)] {
        let refused = fetcher(&["localhost"]).fetch(&url(&server, "localhost"), authorities).await.unwrap_err();
        assert!(matches!(refused, FetchError::Connect { what, .. } if what.contains("TLS")), "{refused}");
    }
}

#[tokio::test]
async fn only_https_without_login_is_asked() {
    let fetch = HttpFetch::new(FetchSettings { private_hosts: vec!["localhost".into()], ..FetchSettings::default() });
    for url in [
        "http://localhost/",
        "http://example.com/",
        "file:///etc/passwd",
        "https://u:p@localhost/",
        "ftp://x/",
        "x",
        "",
    ] {
        assert_eq!(fetch.fetch(url, None).await, Err(FetchError::Scheme), "{url}");
    }
}

#[test]
fn one_private_address_among_public_ones_refuses_the_name() {
    let addresses = |list: &[&str]| list.iter().map(|a| a.parse::<SocketAddr>().unwrap()).collect::<Vec<_>>();
    assert!(pass("x", addresses(&["8.8.8.8:0", "10.0.0.1:0"]), false).is_err());
    assert_eq!(pass("x", addresses(&["8.8.8.8:0", "1.1.1.1:0"]), false).unwrap().count(), 2);
    assert_eq!(pass("x", addresses(&["10.0.0.1:0"]), true).unwrap().count(), 1);
}
