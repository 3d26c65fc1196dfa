//! Keeps so many requests in flight over so many connections, for a while.

mod grpc;
mod http;
mod window;

use std::future::Future;

pub(crate) use self::{
    grpc::{Credentials, Line as GrpcLine, Place, channel},
    http::HttpTarget,
    window::{Seen, Window, drive},
};

/// What went wrong, in a sentence.
pub(crate) type Result<T> = std::result::Result<T, String>;

/// How much is asked at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// Requests under way.
    pub(crate) in_flight: usize,
    /// Connections that share them. HTTP/1.1 carries one request a connection and so has as many as requests.
    pub(crate) connections: usize,
}

/// A server, and what is asked of it.
pub(crate) trait Target: Clone + Send + 'static {
    /// One who asks.
    type Line: Line;
    /// Connects, for so many who ask.
    fn connect(&self, lines: usize) -> impl Future<Output = Result<Vec<Self::Line>>> + Send;
}

/// One who asks one request after the other.
pub(crate) trait Line: Send + 'static {
    /// Asks, and checks the answer: any other than the right one ends the bench.
    fn ask(&mut self) -> impl Future<Output = Result<()>> + Send;
}
