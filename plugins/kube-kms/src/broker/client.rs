//! The broker over gRPC with mutual TLS, at whichever of its endpoints answers.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use futures_util::StreamExt as _;
use keyward_api::v1::{self, node_service_client::NodeServiceClient, watch_keyset_response::Event};
use keyward_kit::{
    endpoints::{Backoff, CallError, Endpoints, Failure},
    tls,
};
use keyward_sdk::secret::Secret;
use tonic::{Code, Status, transport::Channel};

use super::{Broker, BrokerError, Held, KeysetEvent, KeysetEvents, Reported, SeenLogs, connect::channel, convert};
use crate::keyset::Keyset;
use crate::node::{Facts, Node, NodeCertificate, NodeKey};

const CALL: Duration = Duration::from_secs(10);
/// A keyset of a thousand versions and its framing stay below.
const MAX_MESSAGE: usize = 256 << 10;
/// What the broker takes of why a checkpoint was refused, in bytes.
const MAX_REFUSED: usize = 400;

/// The broker, from one node.
pub struct GrpcBroker {
    tenant: [u8; 16],
    endpoints: ArcSwap<Endpoints<Channel>>,
}

type Client = NodeServiceClient<Channel>;

fn connect(certificate: &NodeCertificate, facts: &Facts) -> Result<Endpoints<Channel>, BrokerError> {
    let config = tls::client_config(&facts.broker_ca, Some(certificate.resolver()))
        .map_err(|error| BrokerError::Unreachable(error.to_string()))?;
    let config = Arc::new(tls::as_node(config));
    let channels = facts.endpoints.iter().map(|at| channel(at, Arc::clone(&config))).collect::<Result<Vec<_>, _>>()?;
    Ok(Endpoints::new(channels, Backoff::default()))
}

/// Another endpoint may do better only where this one did not do its work.
pub(super) fn sort_out(status: Status) -> Failure<Status> {
    match status.code() {
        Code::Unavailable
        | Code::DeadlineExceeded
        | Code::Cancelled
        | Code::Unknown
        | Code::ResourceExhausted
        | Code::Internal => Failure::Elsewhere(status),
        _ => Failure::Final(status),
    }
}

pub(super) fn unanswered(error: CallError<Status>) -> BrokerError {
    match error {
        CallError::Failed(status) => convert::refusal(&status),
        CallError::Deadline => BrokerError::Unreachable("no endpoint answered in time".to_owned()),
        CallError::None => BrokerError::Unreachable("no endpoints are set".to_owned()),
    }
}

impl GrpcBroker {
    /// The broker of this node. Connects when it is first asked.
    ///
    /// # Errors
    /// [`BrokerError`] if the endpoints or CAs are of no use.
    pub fn new(node: &Node) -> Result<Self, BrokerError> {
        let endpoints = ArcSwap::from_pointee(connect(&node.certificate, &node.facts)?);
        Ok(Self { tenant: node.facts.tenant_id, endpoints })
    }

    async fn call<R, F: Future<Output = Result<tonic::Response<R>, Status>>>(
        &self,
        within: Duration,
        call: impl Fn(Client) -> F,
    ) -> Result<R, BrokerError> {
        let endpoints = self.endpoints.load_full();
        let answer = endpoints.call(within, |channel| {
            let client = NodeServiceClient::new(channel.clone()).max_decoding_message_size(MAX_MESSAGE);
            let answer = call(client);
            async move { answer.await.map(tonic::Response::into_inner).map_err(sort_out) }
        });
        answer.await.map_err(unanswered)
    }
}

#[async_trait]
impl Broker for GrpcBroker {
    async fn watch(&self, generation: u64) -> Result<KeysetEvents, BrokerError> {
        let tenant = self.tenant;
        let ask = |mut client: Client| async move { client.watch_keyset(v1::WatchKeysetRequest { generation }).await };
        let events = self.call(CALL, ask).await?;
        Ok(events
            .map(move |event| match event.map_err(|status| convert::refusal(&status))?.event {
                Some(Event::Keyset(keyset)) => convert::keyset(keyset, tenant).map(KeysetEvent::Changed),
                Some(Event::KeepAlive(v1::KeepAlive { generation })) => Ok(KeysetEvent::KeepAlive(generation)),
                None => Err(BrokerError::Malformed("an event of a kind that is not known".to_owned())),
            })
            .boxed())
    }

    async fn report(&self, held: &Held, seen: &SeenLogs) -> Result<Reported, BrokerError> {
        let version =
            |(version, random): &(u32, [u8; 8])| v1::HeldVersion { version: *version, random: random.to_vec().into() };
        let request = v1::ReportKeysetRequest {
            generation: held.generation,
            versions: held.versions.iter().map(version).collect(),
            primary: held.primary,
            software: crate::VERSION.to_owned(),
            seen_logs: seen
                .sizes
                .iter()
                .map(|(origin, size)| v1::SeenLog { origin: origin.clone(), size: *size })
                .collect(),
            refused_checkpoint: seen.refused.as_deref().map(|why| convert::cut(why, MAX_REFUSED)).unwrap_or_default(),
        };
        let ask = |mut client: Client| {
            let request = request.clone();
            async move { client.report_keyset(request).await }
        };
        let v1::ReportKeysetResponse { report_again_in, give_back, checkpoint } = self.call(CALL, ask).await?;
        let checkpoint = checkpoint.map(convert::checkpoint);
        let again = report_again_in.and_then(|again| again.try_into().ok()).unwrap_or(Duration::from_secs(60));
        Ok(Reported { again: again.clamp(Duration::from_secs(1), Duration::from_secs(3_600)), give_back, checkpoint })
    }

    async fn give_back(&self, keyset: &Keyset) -> Result<(), BrokerError> {
        let ask = |mut client: Client| {
            let keyset = Some(convert::held(keyset));
            async move { client.give_back_keyset(v1::GiveBackKeysetRequest { keyset }).await }
        };
        self.call(CALL, ask).await.map(drop)
    }

    async fn renew(&self, key: NodeKey) -> Result<(NodeCertificate, Facts), BrokerError> {
        let csr = key.request().map_err(|error| BrokerError::Malformed(error.to_string()))?;
        let ask = |mut client: Client| {
            let csr = csr.clone().into();
            async move { client.renew_certificate(v1::RenewCertificateRequest { csr }).await }
        };
        let answer = self.call(CALL, ask).await?;
        Ok((convert::certificate(answer.certificate, key)?, convert::facts(answer.cluster)?))
    }

    fn use_certificate(&self, certificate: &NodeCertificate, facts: &Facts) -> Result<(), BrokerError> {
        self.endpoints.store(Arc::new(connect(certificate, facts)?));
        Ok(())
    }

    async fn encrypt(&self, seed: &[u8], version: u32, within: Duration) -> Result<(Vec<u8>, String), BrokerError> {
        let ask = |mut client: Client| {
            let plaintext = bytes::Bytes::copy_from_slice(seed);
            async move { client.remote_encrypt(v1::RemoteEncryptRequest { plaintext, version }).await }
        };
        let answer = self.call(within, ask).await?;
        Ok((answer.ciphertext.to_vec(), answer.key_id))
    }

    async fn decrypt(&self, ciphertext: &[u8], key_id: &str, within: Duration) -> Result<Secret, BrokerError> {
        let ask = |mut client: Client| {
            let request = v1::RemoteDecryptRequest {
                ciphertext: bytes::Bytes::copy_from_slice(ciphertext),
                key_id: key_id.to_owned(),
            };
            async move { client.remote_decrypt(request).await }
        };
        let mut plaintext = convert::secret(self.call(within, ask).await?.plaintext);
        Secret::new(std::mem::take(&mut *plaintext)).map_err(|error| BrokerError::Malformed(error.to_string()))
    }
}
