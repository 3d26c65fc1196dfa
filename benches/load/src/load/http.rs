//! HTTP/1.1 with connections that are kept: how OpenBao is asked.

use std::{net::SocketAddr, sync::Arc};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request, StatusCode,
    client::conn::http1::{SendRequest, handshake},
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, task::JoinSet};

use super::{Line, Result, Target};

/// One request, again and again.
#[derive(Clone)]
pub(crate) struct HttpTarget {
    /// The server.
    pub(crate) address: SocketAddr,
    /// The path.
    pub(crate) path: String,
    /// Sent as `X-Vault-Token`.
    pub(crate) token: String,
    /// What is sent.
    pub(crate) body: Bytes,
    /// What is in a right answer.
    pub(crate) expect: String,
}

/// A connection that is kept.
pub(crate) struct HttpLine {
    target: Arc<HttpTarget>,
    send: SendRequest<Full<Bytes>>,
    _connection: JoinSet<()>,
}

impl Target for HttpTarget {
    type Line = HttpLine;

    async fn connect(&self, lines: usize) -> Result<Vec<HttpLine>> {
        let target = Arc::new(self.clone());
        let mut all = Vec::with_capacity(lines);
        for _ in 0..lines {
            let failed = |error: &dyn std::fmt::Display| format!("cannot connect to {}: {error}", self.address);
            let stream = TcpStream::connect(self.address).await.map_err(|error| failed(&error))?;
            stream.set_nodelay(true).map_err(|error| failed(&error))?;
            let (send, connection) = handshake(TokioIo::new(stream)).await.map_err(|error| failed(&error))?;
            let mut driver = JoinSet::new();
            // How a connection ended is seen by whoever asks on it.
            driver.spawn(async move { drop(connection.await) });
            all.push(HttpLine { target: Arc::clone(&target), send, _connection: driver });
        }
        Ok(all)
    }
}

impl HttpLine {
    /// Sends it and gives the answer.
    pub(crate) async fn send(&mut self) -> Result<String> {
        let target = &self.target;
        let request = Request::post(target.path.as_str())
            .header("host", "localhost")
            .header("x-vault-token", target.token.as_str())
            .body(Full::new(target.body.clone()))
            .map_err(|error| error.to_string())?;
        self.send.ready().await.map_err(|error| error.to_string())?;
        let reply = self.send.send_request(request).await.map_err(|error| error.to_string())?;
        let status = reply.status();
        let body = reply.into_body().collect().await.map_err(|error| error.to_string())?.to_bytes();
        let body = std::str::from_utf8(&body).map_err(|error| error.to_string())?;
        if status != StatusCode::OK || !body.contains(&target.expect) {
            return Err(format!("{} answers {status}: {body}", target.path));
        }
        Ok(body.to_owned())
    }
}

impl Line for HttpLine {
    async fn ask(&mut self) -> Result<()> {
        self.send().await.map(drop)
    }
}
