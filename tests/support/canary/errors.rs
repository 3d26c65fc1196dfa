//! Every refusal that a caller of the suite gets is looked at.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use tonic::body::Body;
use tower::Service;

/// A connection whose errors are searched.
#[derive(Clone)]
pub struct Watched<S>(pub S);

impl<S> Service<http::Request<Body>> for Watched<S>
where
    S: Service<http::Request<Body>, Response = http::Response<Body>>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let answer = self.0.call(request);
        Box::pin(async move {
            let answer = answer.await?;
            for (name, value) in answer.headers() {
                super::search(&format!("the header {name} of an answer"), value.as_bytes());
            }
            Ok(answer)
        })
    }
}
