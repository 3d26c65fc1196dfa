//! HTTP by hand, since a server that is to misbehave cannot be built on one that does not.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::Shared;
use super::endpoint::{Request, answer};
use crate::runtime::{self, Stopper};

/// How an answer goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// This body, with status 200.
    Body(String),
    /// The connection is cut before the answer.
    Cut,
    /// One byte of the right answer every 200 ms.
    Drip,
    /// A body that never ends, as fast as it is read.
    Endless,
    /// The request is read and nothing is ever said.
    Hang,
    /// The right answer, after 64 MiB of white space, with its true length announced.
    Huge,
    /// A redirect (302) to this address.
    Redirect(String),
    /// This status with an empty body.
    Status(u16),
}

pub(super) fn listen(scheme: &str) -> (std::net::TcpListener, String) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.set_nonblocking(true).expect("a socket");
    let url = format!("{scheme}://{}", listener.local_addr().expect("a bound socket has an address"));
    (listener, url)
}

pub(super) fn acceptor(certificate: &str, key: &str) -> TlsAcceptor {
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has them")
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(certificate.as_bytes()).expect("a certificate")],
            PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key"),
        )
        .expect("they belong together");
    TlsAcceptor::from(Arc::new(config))
}

pub(super) fn start(listener: std::net::TcpListener, tls: Option<TlsAcceptor>, shared: Arc<Shared>) -> Stopper {
    runtime::spawn(async move {
        let listener = TcpListener::from_std(listener).expect("a listening socket");
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            while connections.try_join_next().is_some() {}
            let (tls, shared) = (tls.clone(), Arc::clone(&shared));
            connections.spawn(async move {
                match tls {
                    Some(tls) => {
                        if let Ok(stream) = tls.accept(stream).await {
                            serve(stream, &shared, &shared.https).await;
                        }
                    }
                    None => serve(stream, &shared, &shared.http).await,
                }
            });
        }
    })
}

/// One request and its answer, good or bad. Who goes away in the middle is let go.
async fn serve<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, shared: &Shared, base: &str) {
    let Some(request) = read(&mut stream).await else { return };
    let fault = {
        let mut state = shared.state();
        *state.seen.entry(request.path.clone()).or_default() += 1;
        state.faults.iter().find(|(suffix, _)| request.path.ends_with(*suffix)).map(|(_, fault)| fault.clone())
    };
    let (status, body) = answer(shared, base, &request);
    let _ = match fault {
        None => write(&mut stream, status, &body).await,
        Some(Fault::Body(body)) => write(&mut stream, 200, &body).await,
        Some(Fault::Cut) => Ok(()),
        Some(Fault::Drip) => drip(&mut stream, &head(200, &body)).await,
        Some(Fault::Endless) => endless(&mut stream).await,
        Some(Fault::Hang) => std::future::pending().await,
        Some(Fault::Huge) => write(&mut stream, 200, &format!("{}{body}", " ".repeat(64 << 20))).await,
        Some(Fault::Redirect(to)) => write(&mut stream, 302, &to).await,
        Some(Fault::Status(status)) => write(&mut stream, status, "").await,
    };
    let _ = stream.shutdown().await;
}

fn head(status: u16, body: &str) -> String {
    let location = if status == 302 { format!("location: {body}\r\n") } else { String::new() };
    let body = if status == 302 { "" } else { body };
    let length = body.len();
    format!(
        "HTTP/1.1 {status} Said\r\ncontent-type: application/json\r\n{location}content-length: {length}\r\n\
         connection: close\r\n\r\n{body}"
    )
}

async fn write<S: AsyncWrite + Unpin>(stream: &mut S, status: u16, body: &str) -> std::io::Result<()> {
    stream.write_all(head(status, body).as_bytes()).await?;
    stream.flush().await
}

async fn drip<S: AsyncWrite + Unpin>(stream: &mut S, reply: &str) -> std::io::Result<()> {
    for byte in reply.as_bytes() {
        stream.write_all(&[*byte]).await?;
        stream.flush().await?;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(())
}

async fn endless<S: AsyncWrite + Unpin>(stream: &mut S) -> std::io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 Said\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n").await?;
    let piece = vec![b' '; 64 * 1024];
    loop {
        stream.write_all(&piece).await?;
    }
}

async fn read<S: AsyncRead + Unpin>(stream: &mut S) -> Option<Request> {
    let mut raw = Vec::new();
    let end = loop {
        if let Some(end) = raw.windows(4).position(|part| part == b"\r\n\r\n") {
            break end;
        }
        if raw.len() > 64 * 1024 || stream.read_buf(&mut raw).await.ok()? == 0 {
            return None;
        }
    };
    let text = String::from_utf8_lossy(&raw[..end]).into_owned();
    let mut lines = text.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    // The body is of no interest, but must be read, or closing resets the connection before the answer is seen.
    let length: usize = headers
        .iter()
        .find(|(name, _)| name == "content-length")
        .and_then(|(_, value)| value.parse().ok())
        .unwrap_or(0);
    let mut left = length.min(1 << 20).saturating_sub(raw.len() - end - 4);
    let mut piece = [0; 4096];
    while left > 0 {
        let size = stream.read(&mut piece).await.ok()?;
        if size == 0 {
            break;
        }
        left = left.saturating_sub(size);
    }
    let query = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), decoded(value)))
        .collect();
    Some(Request { method, path: path.to_owned(), query, headers })
}

fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let hex = text.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (bytes[at], hex) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 3;
            }
            (b'+', _) => {
                out.push(b' ');
                at += 1;
            }
            (byte, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
