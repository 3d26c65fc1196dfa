//! What kube-apiserver talks to: KMS v2 and v1beta1 on one unix socket a cluster.

mod connection;
mod provider;
mod remote;
mod served;
mod socket;
mod v1beta1;
mod v2;

use std::{
    convert::Infallible,
    future::Future,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use keyward_api::kubernetes::{
    v1beta1::key_management_service_server::KeyManagementServiceServer as V1Server,
    v2::key_management_service_server::KeyManagementServiceServer as V2Server,
};
use tonic::{body::Body, transport::Server};
use tower::Service;

pub use self::{
    connection::Incoming,
    provider::{Offline, Provider, ProviderSettings, Trouble},
    served::{Entry, Served},
    socket::{Listener, SocketAt, SocketError, SocketSettings},
};

/// No request is larger: kube-apiserver's largest has 34 kB.
const MAX_MESSAGE: usize = 128 << 10;
/// kube-apiserver gives up after 3 s by default.
const REQUEST: Duration = Duration::from_secs(10);

/// Serves one cluster until told to stop.
///
/// # Errors
/// When the transport fails.
pub async fn serve(
    provider: Arc<Provider>,
    incoming: Incoming,
    stop: impl Future<Output = ()>,
) -> Result<(), tonic::transport::Error> {
    let apis = Apis {
        v2: V2Server::new(v2::V2(Arc::clone(&provider))).max_decoding_message_size(MAX_MESSAGE),
        v1: V1Server::new(v1beta1::V1(provider)).max_decoding_message_size(MAX_MESSAGE),
    };
    Server::builder()
        .max_concurrent_streams(1_024)
        .http2_max_header_list_size(16 << 10)
        .timeout(REQUEST)
        .serve_with_incoming_shutdown(apis, incoming, stop)
        .await
}

/// Both versions on one socket, told apart by the package in the path. Two are too few for a router.
#[derive(Clone)]
struct Apis {
    v2: V2Server<v2::V2>,
    v1: V1Server<v1beta1::V1>,
}

impl Service<http::Request<Body>> for Apis {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = <V2Server<v2::V2> as Service<http::Request<Body>>>::Future;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        if request.uri().path().starts_with("/v1beta1.") { self.v1.call(request) } else { self.v2.call(request) }
    }
}
