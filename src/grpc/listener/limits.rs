//! Station 2, in part: how many requests may be under way at once.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use futures_util::future::{Either, Ready, ready};
use http::{Request, Response};
use tonic::{Code, Status, body::Body};
use tower::{Layer, Service};

use crate::grpc::status::refusal;

/// Refuses with `RESOURCE_EXHAUSTED` what comes while as many requests as allowed are under way.
#[derive(Clone)]
pub struct Limits {
    under_way: Arc<AtomicUsize>,
    limit: usize,
}

impl Limits {
    /// At most `limit` at once, over all workers.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { under_way: Arc::default(), limit }
    }
}

impl<S> Layer<S> for Limits {
    type Service = Limited<S>;
    fn layer(&self, inner: S) -> Limited<S> {
        Limited { inner, limits: self.clone() }
    }
}

/// See [`Limits`].
#[derive(Clone)]
pub struct Limited<S> {
    inner: S,
    limits: Limits,
}

/// One request under way. Given back when dropped.
struct UnderWay(Arc<AtomicUsize>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl<S, B> Service<Request<B>> for Limited<S>
where
    S: Service<Request<B>, Response = Response<Body>>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Either<Counted<S::Future>, Ready<Result<Response<Body>, S::Error>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let mine = UnderWay(self.limits.under_way.clone());
        if mine.0.fetch_add(1, Ordering::AcqRel) >= self.limits.limit {
            let status: Status = refusal(
                Code::ResourceExhausted,
                "TOO_MANY_IN_FLIGHT",
                "too many requests are under way; try again shortly",
            );
            return Either::Right(ready(Ok(status.into_http())));
        }
        Either::Left(Counted { inner: self.inner.call(request), mine })
    }
}

pin_project_lite::pin_project! {
    /// A request's future that counts as under way until it is done or dropped.
    pub struct Counted<F> {
        #[pin]
        inner: F,
        mine: UnderWay,
    }
}

impl<F: Future> Future for Counted<F> {
    type Output = F::Output;
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.project().inner.poll(cx)
    }
}
