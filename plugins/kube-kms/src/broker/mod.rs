//! The broker as a node sees it. [`Broker`] is the seam: all else here works against the trait.

mod client;
mod connect;
mod convert;
mod join;

use std::{pin::Pin, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures_core::Stream;
use keyward_sdk::secret::Secret;

use crate::{
    keyset::{Keyset, KeysetError},
    node::{Facts, NodeCertificate, NodeKey},
};

pub use self::{
    client::GrpcBroker,
    join::{JoinFailure, join},
};

/// What a watch yields.
#[derive(Debug)]
pub enum KeysetEvent {
    /// The keyset is this now.
    Changed(Keyset),
    /// It is still of this generation.
    KeepAlive(u64),
}

/// A watch.
pub type KeysetEvents = Pin<Box<dyn Stream<Item = Result<KeysetEvent, BrokerError>> + Send>>;

/// What a node holds, as it tells the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The generation.
    pub generation: u64,
    /// The versions, each with the random bytes made with it.
    pub versions: Vec<(u32, [u8; 8])>,
    /// The version that encrypts.
    pub primary: u32,
}

/// What a node has seen of the broker's audit logs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeenLogs {
    /// The logs, and how many records of each.
    pub sizes: Vec<(String, u64)>,
    /// Why the last checkpoint was not taken, in words.
    pub refused: Option<String>,
}

/// A checkpoint of an audit log of the broker's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogCheckpoint {
    /// The signed note.
    pub note: String,
    /// The public key, as text.
    pub verifier: String,
    /// The size that it continues.
    pub from: u64,
    /// What the tree grew by since; not looked at yet.
    pub growth: Vec<Bytes>,
}

/// What the broker wants after a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reported {
    /// A newer checkpoint of its audit log.
    pub checkpoint: Option<LogCheckpoint>,
    /// When to report again.
    pub again: Duration,
    /// An operator wants what the broker does not know.
    pub give_back: bool,
}

/// Why the broker did not do it. Nothing of this wipes anything: all of it counts as the broker being away.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// It answered, with something that makes no sense.
    #[error("broker's answer makes no sense: {0}")]
    Malformed(String),
    /// It answered, and refused.
    #[error("broker refused: {code}: {text}")]
    Refused {
        /// The gRPC code.
        code: tonic::Code,
        /// Its words.
        text: String,
    },
    /// It did not answer.
    #[error("broker cannot be reached: {0}")]
    Unreachable(String),
}

impl From<KeysetError> for BrokerError {
    fn from(error: KeysetError) -> Self {
        Self::Malformed(error.to_string())
    }
}

/// What a node asks of the broker.
#[async_trait]
pub trait Broker: Send + Sync + 'static {
    /// The keyset, then every change.
    async fn watch(&self, generation: u64) -> Result<KeysetEvents, BrokerError>;

    /// Says what the node holds.
    async fn report(&self, held: &Held, seen: &SeenLogs) -> Result<Reported, BrokerError>;

    /// Gives the broker the versions that it does not know, since it was restored. Only after it asked for them.
    async fn give_back(&self, keyset: &Keyset) -> Result<(), BrokerError>;

    /// A certificate for `key`, and the facts as they are now.
    async fn renew(&self, key: NodeKey) -> Result<(NodeCertificate, Facts), BrokerError>;

    /// Uses this certificate and these facts from now on.
    fn use_certificate(&self, certificate: &NodeCertificate, facts: &Facts) -> Result<(), BrokerError>;

    /// Mode `remote`: seals a seed under a version. Answers the ciphertext and its key_id.
    async fn encrypt(&self, seed: &[u8], version: u32, within: Duration) -> Result<(Vec<u8>, String), BrokerError>;

    /// Mode `remote`: opens a seed.
    async fn decrypt(&self, ciphertext: &[u8], key_id: &str, within: Duration) -> Result<Secret, BrokerError>;
}
