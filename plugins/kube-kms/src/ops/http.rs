//! The loopback port. Plain HTTP, three paths, nothing secret.

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};

use http_body_util::Full;
use hyper::{
    Request, Response, StatusCode,
    body::Bytes,
    header::{CONTENT_TYPE, HeaderValue},
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use keyward_kit::tasks::Group;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::metrics::{grouped, line};
use crate::serve::Provider;

const MAX_CONNECTIONS: usize = 64;
const HEADERS: Duration = Duration::from_secs(5);
const CONNECTION: Duration = Duration::from_secs(60);

/// Serves until told to stop.
///
/// # Errors
/// When the port is lost.
pub async fn serve(listener: TcpListener, providers: Vec<Arc<Provider>>, stop: CancellationToken) -> io::Result<()> {
    let providers: Arc<[Arc<Provider>]> = providers.into();
    let connections = Group::new(MAX_CONNECTIONS, &stop);
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        match accepted {
            // One too many is closed; a probe comes again.
            Ok((stream, from)) => drop(connections.try_run(connection(stream, from, Arc::clone(&providers)))),
            Err(error) => {
                warn!(%error, "Connection for metrics could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    connections.close(Duration::from_secs(1)).await;
    Ok(())
}

async fn connection(stream: TcpStream, from: SocketAddr, providers: Arc<[Arc<Provider>]>) {
    let service = service_fn(move |request: Request<hyper::body::Incoming>| {
        let answer = answer(request.uri().path(), &providers);
        async move { Ok::<_, Infallible>(answer) }
    });
    let mut server = hyper::server::conn::http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEADERS).max_buf_size(16 << 10);
    let served = tokio::time::timeout(CONNECTION, server.serve_connection(TokioIo::new(stream), service)).await;
    if let Ok(Err(error)) = served {
        debug!(%error, peer.address = %from, "Connection for metrics failed");
    }
}

fn answer(path: &str, providers: &[Arc<Provider>]) -> Response<Full<Bytes>> {
    let (status, text) = match path {
        "/livez" => (StatusCode::OK, "ok\n".to_owned()),
        "/readyz" => ready(providers),
        "/metrics" => (StatusCode::OK, metrics(providers)),
        _ => (StatusCode::NOT_FOUND, "not found: /livez, /readyz and /metrics are here\n".to_owned()),
    };
    // Prometheus refuses an answer that does not say what it is.
    let kind =
        if path == "/metrics" { "text/plain; version=0.0.4; charset=utf-8" } else { "text/plain; charset=utf-8" };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// Ready when every cluster is served.
fn ready(providers: &[Arc<Provider>]) -> (StatusCode, String) {
    let mut text = String::new();
    for provider in providers.iter().filter(|provider| !provider.is_ready()) {
        let health = provider.health();
        let why = if health.as_str() == "ok" { "no keyset yet" } else { health.as_str() };
        text.push_str(&format!("cluster {}: {why}\n", provider.settings().cluster));
    }
    if text.is_empty() { (StatusCode::OK, "ok\n".to_owned()) } else { (StatusCode::SERVICE_UNAVAILABLE, text) }
}

fn metrics(providers: &[Arc<Provider>]) -> String {
    let mut out = String::new();
    line(&mut out, "keyward_kms_build_info", &[("version", crate::VERSION)], 1);
    for provider in providers {
        let cluster = &provider.settings().cluster;
        line(&mut out, "keyward_kms_ready", &[("cluster", cluster)], u8::from(provider.is_ready()));
        provider.metrics().write(cluster, &mut out);
        if let Some(served) = provider.served() {
            let labels = [("cluster", cluster.as_str()), ("key_id", &served.primary().key_id)];
            line(&mut out, "keyward_kms_primary_info", &labels, 1);
        }
    }
    grouped(&out)
}
