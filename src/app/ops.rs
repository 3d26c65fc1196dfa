//! `/metrics`, `/healthz` and `/readyz`, on a port of their own and with a runtime that load on the API cannot starve.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::IntoResponse,
    routing::get,
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use keyward_kit::tasks::Group;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::{
    audit::Audit,
    engine::{Lifecycle, SealState},
};

/// The buckets of times, in seconds.
const SECONDS: &[f64] =
    &[0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

/// Connections at once.
const CONNECTIONS: usize = 256;
/// How long the head of a request may take, and how long a connection may be idle.
const HEADERS: Duration = Duration::from_secs(10);
/// How long a connection may be open.
const CONNECTION: Duration = Duration::from_secs(600);

/// The bound port.
pub struct Ops {
    listener: TcpListener,
    metrics: PrometheusHandle,
}

#[derive(Clone)]
struct Shown {
    lifecycle: Arc<Lifecycle>,
    audit: Arc<Audit>,
    metrics: PrometheusHandle,
}

impl Ops {
    /// Binds the port.
    ///
    /// # Errors
    /// When it cannot be had.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        Ok(Self { listener: TcpListener::bind(address).await?, metrics: recorder() })
    }

    /// The address, with the port that the system chose where 0 was asked for.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop`.
    ///
    /// # Errors
    /// When the port fails.
    pub async fn serve(self, lifecycle: Arc<Lifecycle>, audit: Arc<Audit>, stop: CancellationToken) -> io::Result<()> {
        let shown = Shown { lifecycle, audit, metrics: self.metrics };
        let app = Router::new()
            .route("/healthz", get(|| async { "ok\n" }))
            .route("/readyz", get(ready))
            .route("/metrics", get(metrics))
            .with_state(shown);
        let connections = Group::new(CONNECTIONS, &stop);
        while let Some(accepted) = stop.run_until_cancelled(self.listener.accept()).await {
            match accepted {
                // One too many is closed; a probe comes again.
                Ok((stream, _)) => drop(connections.try_run(connection(stream, app.clone()))),
                Err(error) => {
                    warn!(%error, "Connection for metrics not accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
        connections.close(Duration::from_secs(1)).await;
        Ok(())
    }
}

/// One connection. It ends when it is idle or slow, so that nobody can hold all of them.
async fn connection(stream: TcpStream, app: Router) {
    let mut server = hyper::server::conn::http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEADERS).max_buf_size(16 << 10);
    let served = server.serve_connection(TokioIo::new(stream), TowerToHyperService::new(app));
    if let Ok(Err(error)) = tokio::time::timeout(CONNECTION, served).await {
        debug!(%error, "Connection for metrics failed");
    }
}

/// One recorder a process; a second daemon in the same process (tests) shows the same numbers.
fn recorder() -> PrometheusHandle {
    static HANDLE: std::sync::OnceLock<PrometheusHandle> = std::sync::OnceLock::new();
    HANDLE
        .get_or_init(|| {
            let builder = PrometheusBuilder::new();
            // Without buckets, which the builder refuses only when there are none, there are quantiles instead.
            let builder = builder.set_buckets(SECONDS).unwrap_or_else(|_| PrometheusBuilder::new());
            let recorder = builder.build_recorder();
            let handle = recorder.handle();
            // Another recorder is installed only by a program that embeds us; its numbers are its own.
            let _other = metrics::set_global_recorder(recorder);
            handle
        })
        .clone()
}

/// Ready: unsealed, control state trusted, and the audit log takes records.
async fn ready(State(shown): State<Shown>) -> impl IntoResponse {
    let audit = tokio::time::timeout(Duration::from_secs(1), async { shown.audit.is_taking() }).await;
    let world = shown.lifecycle.world();
    let text = match (&world, audit) {
        (Err(_), _) => match tokio::time::timeout(Duration::from_secs(1), shown.lifecycle.state()).await {
            Ok(Ok(SealState::Uninitialized)) => "empty: make the installation with `keyward operator init`\n",
            Ok(Ok(_)) => "sealed: `keyward operator status` says what is missing\n",
            _ => "the store does not answer: see the log\n",
        },
        (_, Ok(false) | Err(_)) => "the audit log takes no records: look at the disk of its folder\n",
        (Ok(world), _) if world.vault.trusted().is_err() => "the control state is refused: see the log\n",
        _ => return (StatusCode::OK, "ok\n"),
    };
    (StatusCode::SERVICE_UNAVAILABLE, text)
}

async fn metrics(State(shown): State<Shown>) -> impl IntoResponse {
    let taking = tokio::time::timeout(Duration::from_secs(1), async { shown.audit.is_taking() }).await;
    metrics::gauge!("keyward_audit_taking").set(f64::from(u8::from(taking.unwrap_or(false))));
    metrics::gauge!("keyward_unsealed").set(f64::from(u8::from(shown.lifecycle.world().is_ok())));
    shown.metrics.run_upkeep();
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], shown.metrics.render())
}
