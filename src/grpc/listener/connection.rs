//! One connection, and what is known of the other side.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use rustls_pki_types::CertificateDer;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpStream, UnixStream},
    time::Sleep,
};
use tokio_rustls::server::TlsStream;
use tonic::transport::server::Connected;

use super::Slot;
use crate::identity::PeerCertificate;

/// How long a connection over TCP may be open without a request.
const SILENCE: Duration = Duration::from_secs(30);

/// A socket that was accepted.
pub(super) enum Accepted {
    /// Needs a handshake.
    Tcp(TcpStream, SocketAddr),
    /// Needs none.
    Unix(UnixStream),
}

/// The user at the other end of a unix socket (SO_PEERCRED).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalPeer {
    /// The user.
    pub uid: u32,
    /// The process, where the system says it.
    pub pid: Option<i32>,
}

/// The other side of a connection.
#[derive(Debug)]
pub enum Peer {
    /// Over TLS.
    Remote {
        /// From where.
        address: SocketAddr,
        /// The certificates that it showed, its own first.
        certificates: Vec<CertificateDer<'static>>,
        /// What they prove, looked at once the broker is open.
        classified: OnceLock<Arc<PeerCertificate>>,
        /// Whether it has asked for anything yet.
        asked: AtomicBool,
    },
    /// Over the unix socket.
    Local(LocalPeer),
}

impl Peer {
    /// Notes that the other side asks for something.
    pub(super) fn asks(&self) {
        if let Self::Remote { asked, .. } = self {
            asked.store(true, Ordering::Relaxed);
        }
    }

    fn has_asked(&self) -> bool {
        if let Self::Remote { asked, .. } = self { asked.load(Ordering::Relaxed) } else { true }
    }
}

/// A connection that is served.
pub(super) struct Connection {
    io: Io,
    peer: Arc<Peer>,
    /// When a connection ends on which nothing was asked for; none once something was.
    silence: Option<Pin<Box<Sleep>>>,
    _slot: Slot,
}

enum Io {
    Tls(Box<TlsStream<TcpStream>>),
    Unix(UnixStream),
}

impl Connection {
    pub(super) fn tls(stream: TlsStream<TcpStream>, address: SocketAddr, slot: Slot) -> Self {
        let shown = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let certificates = shown.iter().map(|certificate| certificate.clone().into_owned()).collect();
        let (classified, asked) = (OnceLock::new(), AtomicBool::new(false));
        let peer = Arc::new(Peer::Remote { address, certificates, classified, asked });
        let silence = Some(Box::pin(tokio::time::sleep(SILENCE)));
        Self { io: Io::Tls(Box::new(stream)), peer, silence, _slot: slot }
    }

    pub(super) fn unix(stream: UnixStream, slot: Slot) -> io::Result<Self> {
        let user = stream.peer_cred()?;
        let peer = Arc::new(Peer::Local(LocalPeer { uid: user.uid(), pid: user.pid() }));
        Ok(Self { io: Io::Unix(stream), peer, silence: None, _slot: slot })
    }

    /// Fails when nothing was asked for in time: whoever only holds a connection holds a place of others.
    fn poll_silence(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let Some(silence) = &mut self.silence else { return Ok(()) };
        if self.peer.has_asked() {
            self.silence = None;
        } else if silence.as_mut().poll(cx).is_ready() {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "nothing was asked for"));
        }
        Ok(())
    }
}

impl Connected for Connection {
    type ConnectInfo = Arc<Peer>;
    fn connect_info(&self) -> Arc<Peer> {
        self.peer.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.poll_silence(cx)?;
        match &mut self.io {
            Io::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
            Io::Unix(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.io {
            Io::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
            Io::Unix(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Io::Tls(stream) => Pin::new(stream).poll_flush(cx),
            Io::Unix(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Io::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
            Io::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.io {
            Io::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Io::Unix(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.io {
            Io::Tls(stream) => stream.is_write_vectored(),
            Io::Unix(stream) => stream.is_write_vectored(),
        }
    }
}
