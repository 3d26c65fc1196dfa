//! Mode `remote`: calls go on to the broker. Coalescing and caching of Decrypt belong here.

use keyward_sdk::secret::Secret;
use tonic::{Code, Status};

use super::{Entry, Provider};
use crate::broker::BrokerError;

fn status(error: BrokerError) -> Status {
    match error {
        BrokerError::Refused {
            code: code @ (Code::InvalidArgument | Code::FailedPrecondition | Code::NotFound),
            text,
        } => Status::new(code, text),
        other => Status::unavailable(other.to_string()),
    }
}

pub(super) async fn encrypt(provider: &Provider, entry: &Entry, seed: &[u8]) -> Result<Vec<u8>, Status> {
    let within = provider.settings().remote_timeout;
    let (ciphertext, key_id) = provider.broker().encrypt(seed, entry.version, within).await.map_err(status)?;
    if key_id == entry.key_id {
        Ok(ciphertext)
    } else {
        // An API server would throw it away; it asks again after the next Status.
        Err(Status::unavailable(
            "broker used another version of the key than this node knows; the keyset is being fetched",
        ))
    }
}

pub(super) async fn decrypt(provider: &Provider, key_id: &str, ciphertext: &[u8]) -> Result<Secret, Status> {
    provider.broker().decrypt(ciphertext, key_id, provider.settings().remote_timeout).await.map_err(status)
}
