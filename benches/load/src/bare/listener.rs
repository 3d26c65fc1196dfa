//! TCP with TLS, served as the broker serves it: one acceptor that hands connections round to threads, each with a
//! single-threaded runtime.

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    thread,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    runtime::{Builder, Runtime},
    sync::mpsc,
    task::JoinSet,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_stream::{StreamExt as _, wrappers::ReceiverStream};
use tonic::{
    body::Body,
    transport::{Server, server::Connected},
};
use tower::Service;

/// Connections that may wait for one thread.
const WAITING: usize = 1_024;
/// Requests under way on one connection, as the broker allows.
const STREAMS: u32 = 256;

/// A runtime on the thread that asks.
pub(super) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime starts")
}

/// A generated service. Without a router before it: one service needs none, and it costs.
pub(super) trait Api:
    Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible, Future: Send> + Clone + Send + 'static
{
}

impl<S> Api for S where
    S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible, Future: Send>
        + Clone
        + Send
        + 'static
{
}

/// Serves until the process is ended.
pub(super) fn serve(listen: SocketAddr, tls: rustls::ServerConfig, api: &(impl Api + Sync)) {
    let tls = TlsAcceptor::from(Arc::new(tls));
    let workers = crate::machine::cores().saturating_sub(1).max(1);
    let workers: Vec<_> = (0..workers).map(|number| worker(number, tls.clone(), api.clone())).collect();
    runtime().block_on(async {
        let listener = TcpListener::bind(listen).await.expect("the port is free");
        for worker in workers.iter().cycle() {
            let (stream, _) = listener.accept().await.expect("connections are accepted");
            worker.send(stream).await.expect("the worker lives");
        }
    });
}

fn worker(number: usize, tls: TlsAcceptor, api: impl Api) -> mpsc::Sender<TcpStream> {
    let (queue, handed) = mpsc::channel(WAITING);
    let serve = move || runtime().block_on(work(handed, tls, api));
    thread::Builder::new().name(format!("serve-{number}")).spawn(serve).expect("a thread starts");
    queue
}

async fn work(mut handed: mpsc::Receiver<TcpStream>, tls: TlsAcceptor, api: impl Api) {
    let (ready, connections) = mpsc::channel(WAITING);
    let shake = async {
        let mut handshakes = JoinSet::new();
        while let Some(stream) = handed.recv().await {
            let (tls, ready) = (tls.clone(), ready.clone());
            handshakes.spawn(async move {
                stream.set_nodelay(true)?;
                let stream = tls.accept(stream).await?;
                ready.send(Connection(stream)).await.map_err(io::Error::other)
            });
            while handshakes.try_join_next().is_some() {}
        }
    };
    let incoming = ReceiverStream::new(connections).map(Ok::<_, io::Error>);
    let server = Server::builder().tcp_nodelay(true).max_concurrent_streams(STREAMS);
    let (served, ()) = tokio::join!(server.serve_with_incoming(api, incoming), shake);
    served.expect("connections are served");
}

/// What tonic serves.
struct Connection(TlsStream<TcpStream>);

impl Connected for Connection {
    type ConnectInfo = ();
    fn connect_info(&self) {}
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }
}
