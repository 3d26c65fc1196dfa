//! Joining: a token becomes a certificate. The broker proves itself by the hash of its CA's key in the join string, before
//! the token is sent; so a man in the middle gets neither token nor node.

use std::{sync::Arc, time::Duration};

use keyward_api::v1::{self, node_service_client::NodeServiceClient};
use keyward_kit::{
    cluster::JoinString,
    endpoints::{Backoff, Endpoints},
    tls::{self, PinnedCa},
};
use keyward_sdk::crypto::random;

use super::{
    BrokerError,
    client::{sort_out, unanswered},
    connect::channel,
    convert,
};
use crate::node::{Node, NodeKey};

const JOIN: Duration = Duration::from_secs(30);

/// Why a node could not join.
#[derive(Debug, thiserror::Error)]
pub enum JoinFailure {
    /// The broker.
    #[error("joining failed: {0}")]
    Broker(#[from] BrokerError),
    /// The key could not be made.
    #[error("joining failed: {0}")]
    Key(String),
    /// The CA that was answered is not the one that was pinned.
    #[error("joining failed: the broker names a CA that is not the one of the join token")]
    Pin,
}

/// Joins with a join string.
///
/// # Errors
/// [`JoinFailure`]; the token is used up only when the broker took it.
pub async fn join(with: &JoinString) -> Result<Node, JoinFailure> {
    let pin = PinnedCa::new(with.ca_pin);
    let config =
        tls::client_config_with(Arc::clone(&pin) as _, None).map_err(|error| JoinFailure::Key(error.to_string()))?;
    let config = Arc::new(tls::as_node(config));
    let channels = with.endpoints.iter().map(|at| channel(at, Arc::clone(&config))).collect::<Result<Vec<_>, _>>()?;
    let key = NodeKey::generate().map_err(|error| JoinFailure::Key(error.to_string()))?;
    let csr = key.request().map_err(|error| JoinFailure::Key(error.to_string()))?;
    let endpoints = Endpoints::new(channels, Backoff::default());
    // The token serves once: a try whose answer was lost must be the same request when it is made again.
    let request_id = data_encoding::HEXLOWER.encode(&random::array::<16>());
    let answer = endpoints.call(JOIN, |channel| {
        let mut client = NodeServiceClient::new(channel.clone());
        let request = v1::JoinRequest {
            token: bytes::Bytes::copy_from_slice(with.token.expose()),
            csr: csr.clone().into(),
            software: crate::VERSION.to_owned(),
        };
        let mut request = tonic::Request::new(request);
        if let Ok(id) = request_id.parse() {
            request.metadata_mut().insert("keyward-request-id", id);
        }
        async move { client.join(request).await.map_err(sort_out) }
    });
    let answer = answer.await.map_err(unanswered)?.into_inner();
    let facts = convert::facts(answer.cluster)?;
    if !facts.broker_ca.iter().any(|ca| pin.is(ca)) || facts.cluster != with.cluster {
        return Err(JoinFailure::Pin);
    }
    let id = answer.node_id.parse().map_err(|_| BrokerError::Malformed("the node's id".to_owned()))?;
    let certificate = convert::certificate(answer.certificate, key)?;
    Ok(Node { id, name: answer.node_name, facts, certificate })
}
