//! A TCP proxy that slows, stalls and cuts, since the kernel here has no `tc netem`.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::runtime::{self, Stopper};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Link {
    delay: Duration,
    stalled: bool,
    refused: bool,
    /// Raised to cut all connections that are open.
    cuts: u64,
}

/// A link to a server that can be made bad. Byte-exact: it knows nothing of what it carries.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    link: watch::Sender<Link>,
    _server: Stopper,
}

impl Proxy {
    /// Starts one in front of `target` ("127.0.0.1:PORT"), at first as good as the wire.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn start(target: impl ToString) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let listener = listener.into_std().expect("a socket");
        let good = Link { delay: Duration::ZERO, stalled: false, refused: false, cuts: 0 };
        let (link, state) = watch::channel(good);
        let server = runtime::spawn(serve(listener, target.to_string(), state));
        Self { address, link, _server: server }
    }

    /// Where to connect.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Nothing gets through any more, in either direction, and nobody is told: what a partition looks like.
    pub fn blackhole(&self) {
        self.link.send_modify(|link| link.stalled = true);
    }

    /// Each piece is held back by `millis` milliseconds, in both directions.
    pub fn delay(&self, millis: u64) {
        self.link.send_modify(|link| link.delay = Duration::from_millis(millis));
    }

    /// All connections are cut, new ones are cut as well until [`Self::resume`].
    pub fn refuse(&self) {
        self.link.send_modify(|link| {
            link.refused = true;
            link.cuts += 1;
        });
    }

    /// All connections are cut; new ones work.
    pub fn cut(&self) {
        self.link.send_modify(|link| link.cuts += 1);
    }

    /// As good as the wire again. What a blackhole held back arrives now.
    pub fn resume(&self) {
        self.link.send_modify(|link| {
            link.delay = Duration::ZERO;
            link.stalled = false;
            link.refused = false;
        });
    }
}

async fn serve(listener: std::net::TcpListener, target: String, state: watch::Receiver<Link>) {
    let listener = TcpListener::from_std(listener).expect("a listening socket");
    let mut connections = JoinSet::new();
    while let Ok((near, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        if !state.borrow().refused {
            connections.spawn(carry(near, target.clone(), state.clone()));
        }
    }
}

async fn carry(near: TcpStream, target: String, state: watch::Receiver<Link>) {
    let cuts = state.borrow().cuts;
    let mut cut = state.clone();
    let pumps = async {
        // A partition also swallows the first packet: the far side is dialled once the link works.
        passable(&mut state.clone()).await;
        let Ok(far) = TcpStream::connect(&target).await else { return };
        let _ = (near.set_nodelay(true), far.set_nodelay(true));
        let (near_read, near_write) = near.into_split();
        let (far_read, far_write) = far.into_split();
        tokio::join!(pump(near_read, far_write, state.clone()), pump(far_read, near_write, state.clone()));
    };
    tokio::select! {
        () = pumps => {}
        _ = cut.wait_for(|link| link.cuts != cuts) => {}
    }
}

async fn passable(state: &mut watch::Receiver<Link>) {
    let _ = state.wait_for(|link| !link.stalled).await;
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut state: watch::Receiver<Link>) {
    let mut piece = vec![0; 16 * 1024];
    loop {
        let size = from.read(&mut piece).await.unwrap_or(0);
        passable(&mut state).await;
        let delay = state.borrow().delay;
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
            passable(&mut state).await;
        }
        if size == 0 || to.write_all(&piece[..size]).await.is_err() {
            let _ = to.shutdown().await;
            return;
        }
    }
}
