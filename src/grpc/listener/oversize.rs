//! tonic answers a message past the limit with `OUT_OF_RANGE`; gRPC's own word for it is `RESOURCE_EXHAUSTED`.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use http::{HeaderValue, Request, Response};
use tonic::{Code, body::Body};
use tower::{Layer, Service};

use crate::grpc::status::refusal;

/// Says `RESOURCE_EXHAUSTED` where tonic says `OUT_OF_RANGE`, which nothing of ours does.
#[derive(Clone, Copy)]
pub(super) struct OversizeLayer;

impl<S> Layer<S> for OversizeLayer {
    type Service = Oversize<S>;
    fn layer(&self, inner: S) -> Oversize<S> {
        Oversize { inner }
    }
}

/// See [`OversizeLayer`].
#[derive(Clone)]
pub(super) struct Oversize<S> {
    inner: S,
}

impl<S, B> Service<Request<B>> for Oversize<S>
where
    S: Service<Request<B>, Response = Response<Body>>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Renamed<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        Renamed { inner: self.inner.call(request) }
    }
}

pin_project_lite::pin_project! {
    /// The answer, renamed where need be.
    pub(super) struct Renamed<F> {
        #[pin]
        inner: F,
    }
}

impl<F, E> Future for Renamed<F>
where
    F: Future<Output = Result<Response<Body>, E>>,
{
    type Output = Result<Response<Body>, E>;
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = self.project().inner.poll(cx);
        let out_of_range = HeaderValue::from_static("11");
        match answer {
            Poll::Ready(Ok(response)) if response.headers().get("grpc-status") == Some(&out_of_range) => {
                let status = refusal(
                    Code::ResourceExhausted,
                    "MESSAGE_TOO_LARGE",
                    "the message is larger than 4 MiB; send less at once",
                );
                Poll::Ready(Ok(status.into_http()))
            }
            other => other,
        }
    }
}
