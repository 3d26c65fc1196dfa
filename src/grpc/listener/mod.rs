//! Station 1: sockets. TCP with TLS, and a unix socket for the daemon's own user.
//!
//! An acceptor hands connections round to workers. Each worker is a thread with a single-threaded runtime of its own:
//! under load that takes half the CPU of a shared one. Handshakes run in their own tasks inside the worker, so a slow
//! client holds up no other.

mod arriving;
mod connection;
mod limits;
mod metered;
mod oversize;
mod slots;
mod worker;

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    net::{TcpListener, UnixListener},
    sync::mpsc,
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

pub(super) use self::slots::Slot;
use self::{
    connection::Accepted,
    slots::{Full, Slots},
    worker::Worker,
};
pub use self::{
    connection::{LocalPeer, Peer},
    limits::Limits,
};

/// How the listener is set up.
#[derive(Clone, Debug)]
pub struct ListenSettings {
    /// Where the API is served.
    pub api: SocketAddr,
    /// The unix socket for the daemon's own user; none: not served.
    pub socket: Option<PathBuf>,
    /// How many threads serve connections.
    pub workers: usize,
    /// How many connections may be open.
    pub connections: usize,
    /// How many requests may be under way.
    pub in_flight: usize,
}

/// Why the sockets cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// A TCP port.
    #[error("cannot listen on {0}: {1}; is another process using the port? set `listen.api` to a free one")]
    Tcp(SocketAddr, io::Error),
    /// The unix socket.
    #[error("cannot listen on `{}`: {why}; set `listen.socket` to a path that can be made", .path.display())]
    Unix {
        /// Where.
        path: PathBuf,
        /// Why not.
        why: io::Error,
    },
    /// Another process serves the unix socket.
    #[error("`{}` is served by another process; stop it, or set `listen.socket` to another path", .0.display())]
    Served(PathBuf),
    /// A worker thread.
    #[error("cannot start a thread that serves connections: {0}")]
    Thread(io::Error),
}

/// Bound sockets, not yet served.
pub struct Listener {
    settings: ListenSettings,
    tcp: TcpListener,
    unix: Option<UnixListener>,
}

impl Listener {
    /// Binds both sockets.
    ///
    /// # Errors
    /// [`ListenError`] when one cannot be had.
    pub async fn bind(settings: ListenSettings) -> Result<Self, ListenError> {
        let tcp = TcpListener::bind(settings.api).await.map_err(|e| ListenError::Tcp(settings.api, e))?;
        let unix = settings.socket.as_deref().map(bind_unix).transpose()?;
        Ok(Self { settings, tcp, unix })
    }

    /// Where the API is served, with the port that the system chose where 0 was asked for.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn api_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }

    /// Serves until `stop`, then lets what is in flight finish for `grace`.
    ///
    /// # Errors
    /// [`ListenError::Thread`] when a worker cannot be started.
    pub async fn serve(
        self,
        router: tonic::service::Routes,
        tls: Arc<rustls::ServerConfig>,
        stop: CancellationToken,
        grace: Duration,
    ) -> Result<(), ListenError> {
        let limits = Limits::new(self.settings.in_flight);
        let slots = Slots::new(self.settings.connections);
        let mut workers = Vec::with_capacity(self.settings.workers.max(1));
        for number in 0..self.settings.workers.max(1) {
            let worker = Worker::start(number, router.clone(), limits.clone(), tls.clone(), stop.clone(), grace);
            workers.push(worker.map_err(ListenError::Thread)?);
        }
        let mut turn = 0_usize;
        let mut refused = Refused::default();
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                accepted = self.tcp.accept() => accepted.map(|(stream, from)| Accepted::Tcp(stream, from)),
                accepted = accept_unix(self.unix.as_ref()) => accepted.map(Accepted::Unix),
            };
            let accepted = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, mostly: others close theirs, so try again a little later.
                    warn!(%error, "Connection not accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            let slot = match slots.take(&accepted) {
                Ok(slot) => slot,
                Err(full) => {
                    refused.tell(self.settings.connections, full);
                    continue;
                }
            };
            turn = turn.wrapping_add(1);
            let count = workers.len();
            if let Some(worker) = workers.get(turn % count) {
                worker.hand(accepted, slot);
            }
        }
        drop(self.tcp);
        for worker in workers {
            worker.ended(grace).await;
        }
        if let Some(path) = &self.settings.socket {
            // Gone already when someone else removed it.
            let _gone = std::fs::remove_file(path);
        }
        info!("Listener stopped");
        Ok(())
    }
}

/// Connections that were refused, told once in a while: whoever makes many must not fill the disk with it.
#[derive(Default)]
struct Refused {
    told: Option<Instant>,
    since: u64,
}

impl Refused {
    fn tell(&mut self, limit: usize, full: Full) {
        self.since += 1;
        if self.told.is_none_or(|told| told.elapsed() >= REFUSALS_EVERY) {
            warn!(limit, ?full, refused = self.since, "Connections refused because too many are open");
            *self = Self { told: Some(Instant::now()), since: 0 };
        }
    }
}

async fn accept_unix(listener: Option<&UnixListener>) -> io::Result<tokio::net::UnixStream> {
    match listener {
        Some(listener) => listener.accept().await.map(|(stream, _)| stream),
        None => std::future::pending().await,
    }
}

/// Binds the unix socket with mode 0600. A stale one is taken over after a check that nobody serves it.
fn bind_unix(path: &Path) -> Result<UnixListener, ListenError> {
    use std::os::unix::fs::PermissionsExt;
    let fail = |error| ListenError::Unix { path: path.to_owned(), why: error };
    if path.exists() {
        if std::os::unix::net::UnixStream::connect(path).is_ok() {
            return Err(ListenError::Served(path.to_owned()));
        }
        std::fs::remove_file(path).map_err(fail)?;
    }
    let listener = UnixListener::bind(path).map_err(fail)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(fail)?;
    Ok(listener)
}

/// How often it is told that connections are refused.
const REFUSALS_EVERY: Duration = Duration::from_secs(10);

/// What an acceptor hands to a worker.
type Handed = (Accepted, Slot);
/// How many connections may wait for one worker's handshakes.
const WAITING: usize = 1_024;

fn queue() -> (mpsc::Sender<Handed>, mpsc::Receiver<Handed>) {
    mpsc::channel(WAITING)
}
