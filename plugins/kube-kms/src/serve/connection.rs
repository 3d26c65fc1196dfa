//! Connections of API servers: who they are, and what Status told them.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use arc_swap::ArcSwapOption;
use futures_core::Stream;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::UnixStream,
};
use tonic::transport::server::Connected;
use tracing::{debug, warn};

use super::{Entry, Listener};

/// What Status told on a connection. Encrypt there answers with the same key_id, also when the primary changed in between:
/// an API server throws away what does not fit.
#[derive(Clone, Debug, Default)]
pub struct Told(Arc<ArcSwapOption<Entry>>);

impl Told {
    pub(super) fn get(&self) -> Option<Arc<Entry>> {
        self.0.load_full()
    }

    pub(super) fn set(&self, entry: &Arc<Entry>) {
        if self.0.load().as_ref().is_none_or(|told| !Arc::ptr_eq(told, entry)) {
            self.0.store(Some(Arc::clone(entry)));
        }
    }
}

/// One connection.
#[derive(Debug)]
pub struct Connection {
    stream: UnixStream,
    told: Told,
}

impl Connected for Connection {
    type ConnectInfo = Told;

    fn connect_info(&self) -> Told {
        self.told.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// Connections of peers that may connect; others are closed unheard.
#[derive(Debug)]
pub struct Incoming {
    listener: Listener,
}

impl Incoming {
    /// From a bound socket.
    #[must_use]
    pub fn new(listener: Listener) -> Self {
        Self { listener }
    }
}

impl Stream for Incoming {
    type Item = io::Result<Connection>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Connection>>> {
        loop {
            let stream = match self.listener.poll_accept(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(stream)) => stream,
                Poll::Ready(Err(error)) => {
                    // Out of files or memory for a moment; tonic goes on after an error.
                    return Poll::Ready(Some(Err(error)));
                }
            };
            match stream.peer_cred() {
                Ok(peer) if self.listener.allows(peer.uid()) => {
                    debug!(peer.uid = peer.uid(), peer.pid = peer.pid(), "Connection accepted");
                    return Poll::Ready(Some(Ok(Connection { stream, told: Told::default() })));
                }
                Ok(peer) => {
                    warn!(peer.uid = peer.uid(), peer.pid = peer.pid(), "Connection refused: user is not allowed")
                }
                Err(error) => warn!(%error, "Connection refused: peer cannot be told"),
            }
        }
    }
}
