//! Station 2, in part: how many requests of which kind, how they ended, how long they took.
//!
//! Labels are names of our own methods only, so that nobody outside can make new time series.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
};

use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt as _;
use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use tokio::time::Instant;
use tonic::{Code, body::Body};
use tower::{Layer, Service};

use super::Peer;
use crate::{grpc::described::streaming, method::METHODS};

/// What everything that is not ours is counted as: health, reflection, and what does not exist.
const OTHER: &str = "other";
/// How many codes gRPC has.
const CODES: usize = 17;

/// Series come into being with their first request: a hundred methods times all codes would be thousands of zeros.
struct Meter {
    rpc: &'static str,
    codes: [OnceLock<Counter>; CODES],
    seconds: OnceLock<Histogram>,
    /// The answer is a stream, which is over when its last message was sent.
    streams: bool,
}

impl Meter {
    fn of(rpc: &'static str, streams: bool) -> Self {
        Self { rpc, codes: [const { OnceLock::new() }; CODES], seconds: OnceLock::new(), streams }
    }

    fn count(&self, code: Code, seconds: f64) {
        let rpc = self.rpc;
        self.seconds.get_or_init(|| histogram!("keyward_request_seconds", "method" => rpc)).record(seconds);
        if let Some(counter) = usize::try_from(code as i32).ok().and_then(|code| self.codes.get(code)) {
            let made = || counter!("keyward_requests_total", "method" => rpc, "code" => name(code));
            counter.get_or_init(made).increment(1);
        }
    }
}

struct Meters {
    of: HashMap<&'static str, Meter, foldhash::fast::RandomState>,
    other: Meter,
    in_flight: Gauge,
}

/// Counts requests. Made once the recorder is in place.
#[derive(Clone)]
pub(super) struct MeteredLayer(Arc<Meters>);

impl MeteredLayer {
    pub(super) fn new() -> Self {
        // The table was compared with the descriptors before anything was served.
        let streaming = streaming().unwrap_or_default();
        let of = METHODS.iter().map(|row| (row.rpc, Meter::of(row.rpc, streaming.contains(&row.rpc)))).collect();
        Self(Arc::new(Meters { of, other: Meter::of(OTHER, false), in_flight: gauge!("keyward_requests_in_flight") }))
    }
}

impl<S> Layer<S> for MeteredLayer {
    type Service = Metered<S>;
    fn layer(&self, inner: S) -> Metered<S> {
        Metered { inner, meters: self.0.clone() }
    }
}

/// See [`MeteredLayer`].
#[derive(Clone)]
pub(super) struct Metered<S> {
    inner: S,
    meters: Arc<Meters>,
}

impl<S, B> Service<Request<B>> for Metered<S>
where
    S: Service<Request<B>, Response = Response<Body>>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Timed<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        if let Some(peer) = request.extensions().get::<Arc<Peer>>() {
            peer.asks();
        }
        let path = request.uri().path().trim_start_matches('/');
        let rpc = self.meters.of.get_key_value(path).map(|(rpc, _)| *rpc);
        self.meters.in_flight.increment(1.0);
        let under_way = UnderWay { meters: self.meters.clone(), rpc, from: Instant::now(), code: Code::Cancelled };
        Timed { inner: self.inner.call(request), under_way: Some(under_way) }
    }
}

/// One request under way; counted when it ends, also when its caller hangs up.
struct UnderWay {
    meters: Arc<Meters>,
    rpc: Option<&'static str>,
    from: Instant,
    code: Code,
}

impl UnderWay {
    fn ended(&mut self, code: Code) {
        self.code = code;
    }

    fn meter(&self) -> &Meter {
        self.rpc.and_then(|rpc| self.meters.of.get(rpc)).unwrap_or(&self.meters.other)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.meters.in_flight.decrement(1.0);
        self.meter().count(self.code, self.from.elapsed().as_secs_f64());
    }
}

pin_project_lite::pin_project! {
    /// A request's future that is counted when it ends.
    pub(super) struct Timed<F> {
        #[pin]
        inner: F,
        under_way: Option<UnderWay>,
    }
}

impl<F, E> Future for Timed<F>
where
    F: Future<Output = Result<Response<Body>, E>>,
{
    type Output = Result<Response<Body>, E>;
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Poll::Ready(answer) = this.inner.poll(cx) else { return Poll::Pending };
        let Some(mut under_way) = this.under_way.take() else { return Poll::Ready(answer) };
        let response = match answer {
            Ok(response) => response,
            Err(error) => {
                under_way.ended(Code::Unknown);
                return Poll::Ready(Err(error));
            }
        };
        // A refusal is in the headers.
        match code(response.headers()) {
            Some(code) => under_way.ended(code),
            None if under_way.meter().streams => return Poll::Ready(Ok(response.map(|body| counted(body, under_way)))),
            None => under_way.ended(Code::Ok),
        }
        Poll::Ready(Ok(response))
    }
}

fn code(headers: &HeaderMap) -> Option<Code> {
    headers.get("grpc-status").map(|code| Code::from_bytes(code.as_bytes()))
}

/// A stream's messages: it counts as under way until the last, and as what its trailers say.
fn counted(body: Body, mut under_way: UnderWay) -> Body {
    Body::new(body.map_frame(move |frame| {
        if let Some(code) = frame.trailers_ref().and_then(code) {
            under_way.ended(code);
        }
        frame
    }))
}

fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
