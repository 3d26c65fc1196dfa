//! What the connection and the metadata say.

use std::{sync::Arc, time::Duration};

use keyward_sdk::crypto::digest::sha256;
use prost::Message;
use tokio::time::Instant;
use tonic::Request;

use super::listener::Peer;
use crate::{
    engine::{EngineError, Lifecycle},
    identity::{self, PeerCertificate},
    method::{NameError, RequestIdError, TenantId},
    pipeline::{Facts, Refusal},
};

/// The id under which a change is asked for once.
const REQUEST_ID: &str = "keyward-request-id";
/// The tenant in which a caller without a token acts: at login.
const TENANT: &str = "keyward-tenant";
/// W3C trace context.
const TRACEPARENT: &str = "traceparent";
/// The most time for a call.
const LONGEST: Duration = Duration::from_secs(25);

/// Reads them.
pub(super) fn read<Q: Message>(request: &Request<Q>, lifecycle: &Lifecycle) -> Result<Facts, Refusal> {
    let metadata = request.metadata();
    let text = |name: &'static str| {
        let value = metadata.get(name).map(|value| value.to_str());
        value.transpose().map_err(|_| Refusal::Engine(EngineError::invalid(name, "is not ASCII text")))
    };
    let request_id = text(REQUEST_ID)?.map(str::parse).transpose();
    let request_id = request_id
        .map_err(|error: RequestIdError| Refusal::Engine(EngineError::invalid(REQUEST_ID, error.to_string())))?;
    let request_digest = if request_id.is_some() { sha256(&request.get_ref().encode_to_vec()) } else { [0; 32] };
    let tenant = text(TENANT)?.map(str::parse).transpose();
    let tenant = tenant.map_err(|error: NameError| Refusal::Engine(EngineError::invalid(TENANT, error.to_string())))?;
    let (peer, certificate, peer_text) = match request.extensions().get::<Arc<Peer>>().map(|peer| &**peer) {
        Some(Peer::Remote { address, certificates, classified, .. }) => {
            let certificate = match classified.get() {
                Some(known) => Some(known.clone()),
                None if certificates.is_empty() => None,
                None => classify(certificates, classified, lifecycle)?,
            };
            (identity::Peer::Network(*address), certificate, address.ip().to_string())
        }
        Some(Peer::Local(user)) => (identity::Peer::Local { uid: user.uid }, None, format!("unix:{}", user.uid)),
        None => return Err(Refusal::Engine(EngineError::Internal("a request came without a connection".to_owned()))),
    };
    Ok(Facts {
        peer,
        certificate,
        authorization: metadata.get("authorization").map(|value| value.as_bytes().to_vec()),
        tenant,
        deadline: Instant::now() + LONGEST,
        request_id,
        request_digest,
        trace_id: text(TRACEPARENT)?.and_then(trace_id).unwrap_or_default(),
        peer_text,
    })
}

/// Looks at the certificates. Kept for the connection only while the broker is open: before, it knows no nodes.
fn classify(
    certificates: &[rustls_pki_types::CertificateDer<'static>],
    keep: &std::sync::OnceLock<Arc<PeerCertificate>>,
    lifecycle: &Lifecycle,
) -> Result<Option<Arc<PeerCertificate>>, Refusal> {
    let seen = lifecycle.classify(certificates).map_err(Refusal::Identity)?;
    let seen = Arc::new(seen);
    if lifecycle.world().is_ok() {
        return Ok(Some(keep.get_or_init(|| seen).clone()));
    }
    Ok(Some(seen))
}

/// The second part of `00-<32 hex>-<16 hex>-<2 hex>`.
fn trace_id(traceparent: &str) -> Option<[u8; 16]> {
    TenantId::from_hex(traceparent.split('-').nth(1)?).map(|id| id.0)
}
