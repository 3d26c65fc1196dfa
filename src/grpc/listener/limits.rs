//! Station 2, in part: how many requests may be under way at once.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use tonic::{Code, Status, body::Body};
use tower::{Layer, Service};

use super::{
    Peer,
    arriving::{Arriving, OnTheWay},
};
use crate::{engine::site, grpc::status::refusal};

/// Refuses with `RESOURCE_EXHAUSTED` what comes while as many requests as allowed are under way.
#[derive(Clone)]
pub struct Limits {
    under_way: Arc<AtomicUsize>,
    limit: usize,
    on_the_way: Arc<OnTheWay>,
}

impl Limits {
    /// At most `limit` at once, over all workers.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { under_way: Arc::default(), limit, on_the_way: Arc::default() }
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

/// The place of one request among those under way. Taken once it has arrived, given back when dropped.
pub(super) struct Place {
    under_way: Arc<AtomicUsize>,
    limit: usize,
    taken: AtomicBool,
}

impl Place {
    /// Takes it.
    ///
    /// # Errors
    /// The refusal when there is none left.
    pub(super) fn take(&self) -> Result<(), Status> {
        if self.taken.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        if self.under_way.fetch_add(1, Ordering::AcqRel) >= self.limit {
            return Err(refusal(
                Code::ResourceExhausted,
                "TOO_MANY_IN_FLIGHT",
                "too many requests are under way; try again shortly",
            ));
        }
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if *self.taken.get_mut() {
            self.under_way.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

impl<S, B> Service<Request<B>> for Limited<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<tonic::codegen::StdError>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Counted<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let Limits { under_way, limit, on_the_way } = &self.limits;
        let mine = Arc::new(Place { under_way: under_way.clone(), limit: *limit, taken: AtomicBool::new(false) });
        let from = match request.extensions().get::<Arc<Peer>>().map(|peer| &**peer) {
            Some(Peer::Remote { address, .. }) => Some(site(address.ip())),
            Some(Peer::Local(_)) | None => None,
        };
        let (uri, place, on_the_way) = (request.uri().clone(), mine.clone(), on_the_way.clone());
        let request = request.map(|body| Body::new(Arriving::new(body, uri, from, place, on_the_way)));
        Counted { inner: self.inner.call(request), mine }
    }
}

pin_project_lite::pin_project! {
    /// A request's future that counts as under way until it is done or dropped.
    pub struct Counted<F> {
        #[pin]
        inner: F,
        mine: Arc<Place>,
    }
}

impl<F: Future> Future for Counted<F> {
    type Output = F::Output;
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.project().inner.poll(cx)
    }
}
