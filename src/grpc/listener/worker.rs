//! A thread that serves connections with a single-threaded runtime.

use std::{io, sync::Arc, thread, time::Duration};

use keyward_kit::tasks::Group;
use tokio::sync::{mpsc, oneshot};
use tokio_rustls::TlsAcceptor;
use tokio_stream::{StreamExt, wrappers::ReceiverStream};
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tracing::{debug, error};

use super::{
    Handed, Limits, Slot, WAITING,
    connection::{Accepted, Connection},
    metered::MeteredLayer,
    oversize::OversizeLayer,
    queue,
};

/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// The most time for one unary call; a client's own deadline, where shorter, holds as well.
const CALL: Duration = Duration::from_secs(30);
/// A connection that does not answer a ping this long is closed.
const PING_TIMEOUT: Duration = Duration::from_secs(20);
/// How often an idle connection is pinged.
const PING_EVERY: Duration = Duration::from_secs(60);
/// Requests under way on one connection.
const STREAMS: u32 = 256;
/// Handshakes under way in one worker. Those who connect and say nothing keep one for as long as it may take, so there is
/// room for all connections that may be open: nobody waits behind them.
const HANDSHAKES: usize = 1 << 16;

/// A running worker.
pub(super) struct Worker {
    queue: mpsc::Sender<Handed>,
    ended: oneshot::Receiver<()>,
}

impl Worker {
    pub(super) fn start(
        number: usize,
        routes: tonic::service::Routes,
        limits: Limits,
        tls: Arc<rustls::ServerConfig>,
        stop: CancellationToken,
        grace: Duration,
    ) -> io::Result<Self> {
        let (queue, handed) = queue();
        let (tell, ended) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        thread::Builder::new().name(format!("serve-{number}")).spawn(move || {
            runtime.block_on(serve(handed, routes, limits, tls, stop, grace));
            // The listener may have stopped waiting.
            let _nobody = tell.send(());
        })?;
        Ok(Self { queue, ended })
    }

    /// Hands a connection over. When this worker has too many waiting, the connection is closed.
    pub(super) fn hand(&self, accepted: Accepted, slot: Slot) {
        if self.queue.try_send((accepted, slot)).is_err() {
            debug!("Connection refused because too many wait for a handshake");
        }
    }

    pub(super) async fn ended(self, grace: Duration) {
        drop(self.queue);
        // A worker that takes longer than it was given is left behind.
        let _late = tokio::time::timeout(grace + Duration::from_secs(1), self.ended).await;
    }
}

async fn serve(
    mut handed: mpsc::Receiver<Handed>,
    routes: tonic::service::Routes,
    limits: Limits,
    tls: Arc<rustls::ServerConfig>,
    stop: CancellationToken,
    grace: Duration,
) {
    let (ready, connections) = mpsc::channel::<Connection>(WAITING);
    let group = Group::new(HANDSHAKES, &stop);
    let shake = async {
        loop {
            let next = tokio::select! {
                () = stop.cancelled() => None,
                next = handed.recv() => next,
            };
            let Some((accepted, slot)) = next else { break };
            let (ready, tls) = (ready.clone(), tls.clone());
            group
                .run(async move {
                    match establish(accepted, slot, tls).await {
                        Ok(connection) => {
                            // Closed when the worker stops.
                            let _stopping = ready.send(connection).await;
                        }
                        Err(error) => debug!(%error, "Connection not established"),
                    }
                })
                .await;
        }
        drop(ready);
    };
    let incoming = ReceiverStream::new(connections).map(Ok::<_, io::Error>);
    let served = Server::builder()
        .layer(MeteredLayer::new())
        .layer(limits)
        .layer(OversizeLayer)
        .timeout(CALL)
        .tcp_nodelay(true)
        .max_concurrent_streams(STREAMS)
        .http2_keepalive_interval(Some(PING_EVERY))
        .http2_keepalive_timeout(Some(PING_TIMEOUT))
        .http2_max_header_list_size(64 << 10)
        .add_routes(routes)
        .serve_with_incoming_shutdown(incoming, stop.clone().cancelled_owned());
    let served = async {
        tokio::select! {
            ended = served => if let Err(error) = ended { error!(%error, "Worker ended"); },
            () = async { stop.cancelled().await; tokio::time::sleep(grace).await } => {}
        }
    };
    tokio::join!(shake, served);
}

async fn establish(accepted: Accepted, slot: Slot, tls: Arc<rustls::ServerConfig>) -> io::Result<Connection> {
    match accepted {
        Accepted::Unix(stream) => Connection::unix(stream, slot),
        Accepted::Tcp(stream, address) => {
            stream.set_nodelay(true)?;
            let shaken = tokio::time::timeout(HANDSHAKE, TlsAcceptor::from(tls).accept(stream)).await;
            let stream =
                shaken.map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "the handshake took too long"))??;
            Ok(Connection::tls(stream, address, slot))
        }
    }
}
