//! The Kubernetes KMS API that answers with what it was sent: the ceiling for the provider, on one thread as that is.

use std::collections::HashMap;

use keyward_api::kubernetes::v2::{
    DecryptRequest, DecryptResponse, EncryptRequest, EncryptResponse, StatusRequest, StatusResponse,
    key_management_service_server::{KeyManagementService, KeyManagementServiceServer},
};
use tokio::net::UnixListener;
use tokio_stream::wrappers::UnixListenerStream;
use tonic::{Request, Response, Status, transport::Server};

use crate::args::BareKmsArgs;

/// Serves it until the process is ended.
pub(crate) fn serve_kms(args: &BareKmsArgs) {
    super::listener::runtime().block_on(async {
        let incoming = UnixListenerStream::new(UnixListener::bind(&args.socket).expect("the socket can be made"));
        let service = KeyManagementServiceServer::new(Echo);
        Server::builder().serve_with_incoming(service, incoming).await.expect("connections are served");
    });
}

struct Echo;

#[tonic::async_trait]
impl KeyManagementService for Echo {
    async fn status(&self, _: Request<StatusRequest>) -> Result<Response<StatusResponse>, Status> {
        let (version, healthz, key_id) = ("v2".to_owned(), "ok".to_owned(), "echo".to_owned());
        Ok(Response::new(StatusResponse { version, healthz, key_id }))
    }

    async fn encrypt(&self, request: Request<EncryptRequest>) -> Result<Response<EncryptResponse>, Status> {
        let ciphertext = request.into_inner().plaintext;
        let (key_id, annotations) = ("echo".to_owned(), HashMap::new());
        Ok(Response::new(EncryptResponse { ciphertext, key_id, annotations }))
    }

    async fn decrypt(&self, request: Request<DecryptRequest>) -> Result<Response<DecryptResponse>, Status> {
        Ok(Response::new(DecryptResponse { plaintext: request.into_inner().ciphertext }))
    }
}
