//! Station 2, in part: how many requests of which kind, how they ended, how long they took.
//!
//! Labels are names of our own methods only, so that nobody outside can make new time series.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response};
use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use tokio::time::Instant;
use tonic::{Code, body::Body};
use tower::{Layer, Service};

use crate::method::METHODS;

/// What everything that is not ours is counted as: health, reflection, and what does not exist.
const OTHER: &str = "other";
/// How many codes gRPC has.
const CODES: i32 = 17;

struct Meter {
    codes: Vec<Counter>,
    seconds: Histogram,
}

impl Meter {
    fn of(rpc: &'static str) -> Self {
        let code = |code| counter!("keyward_requests_total", "method" => rpc, "code" => name(Code::from_i32(code)));
        Self { codes: (0..CODES).map(code).collect(), seconds: histogram!("keyward_request_seconds", "method" => rpc) }
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
        let of = METHODS.iter().map(|row| (row.rpc, Meter::of(row.rpc))).collect();
        Self(Arc::new(Meters { of, other: Meter::of(OTHER), in_flight: gauge!("keyward_requests_in_flight") }))
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
        let path = request.uri().path().trim_start_matches('/');
        let rpc = self.meters.of.get_key_value(path).map(|(rpc, _)| *rpc);
        self.meters.in_flight.increment(1.0);
        let under_way = UnderWay { meters: self.meters.clone(), rpc, from: Instant::now(), code: Code::Cancelled };
        Timed { inner: self.inner.call(request), under_way }
    }
}

/// One request under way; counted when it ends, also when its caller hangs up.
struct UnderWay {
    meters: Arc<Meters>,
    rpc: Option<&'static str>,
    from: Instant,
    code: Code,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.meters.in_flight.decrement(1.0);
        let meter = self.rpc.and_then(|rpc| self.meters.of.get(rpc)).unwrap_or(&self.meters.other);
        meter.seconds.record(self.from.elapsed().as_secs_f64());
        if let Some(counter) = usize::try_from(self.code as i32).ok().and_then(|code| meter.codes.get(code)) {
            counter.increment(1);
        }
    }
}

pin_project_lite::pin_project! {
    /// A request's future that is counted when it ends.
    pub(super) struct Timed<F> {
        #[pin]
        inner: F,
        under_way: UnderWay,
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
        this.under_way.code = match &answer {
            // A refusal is in the headers. Without one the answer is good, but for a stream that fails later.
            Ok(response) => {
                response.headers().get("grpc-status").map_or(Code::Ok, |code| Code::from_bytes(code.as_bytes()))
            }
            Err(_) => Code::Unknown,
        };
        Poll::Ready(answer)
    }
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
