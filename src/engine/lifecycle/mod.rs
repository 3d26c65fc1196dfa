//! Whether the broker is open, and how it gets there and back.

mod admit;
mod gate;
mod gather;
mod members;
mod opening;

use std::{
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use keyward_kit::tasks::Group;
use keyward_sdk::time::{SharedClock, Timestamp};
use rustls_pki_types::CertificateDer;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::error;

pub use self::admit::{is_own_user, site};
use self::{admit::Strangers, gate::Gate};
use super::{
    EngineError, World, bootstrap,
    certificate::{self, ServeCertificate},
};
use crate::{
    audit::{Attached, Audit},
    config::OlderStore,
    identity::{ClientAuthorities, IdentityError, PeerCertificate, RoleConfig, oidc::Fetch},
    keyring::Vault,
    seal::{Connect, How, Progress, ProofBook, RootFingerprint, SealRecord},
    storage::Storage,
};

/// How long one member of a path may take.
pub(super) const MEMBER_TIMEOUT: Duration = Duration::from_secs(10);

/// What the broker is made of before it is open.
pub struct Parts {
    /// The store.
    pub storage: Arc<dyn Storage>,
    /// The time.
    pub clock: SharedClock,
    /// Makes seal members.
    pub connect: Arc<dyn Connect>,
    /// The root that the settings insist on.
    pub pin: Option<RootFingerprint>,
    /// Fetches issuers' keys.
    pub fetch: Arc<dyn Fetch>,
    /// Names that the broker's own certificate is for.
    pub names: Vec<String>,
    /// Where the API is reached, `host:port`: what join strings carry.
    pub endpoints: Vec<String>,
    /// Where the certificate of the broker's own authority is served from.
    pub certificate: Arc<dyn ServeCertificate>,
    /// The authorities of client certificates.
    pub authorities: Arc<ClientAuthorities>,
    /// The log.
    pub audit: Arc<Audit>,
    /// What is done with a store that is older than the audit log says.
    pub older: OlderStore,
    /// Whether the operator's tokens may be used without a key: only `keyward dev` says so.
    pub operator_bearer: bool,
}

impl Parts {
    /// The role that operators act in, as it is made with the installation and put back by recovery.
    ///
    /// # Errors
    /// None but a bug.
    pub fn operator_role(&self) -> Result<RoleConfig, EngineError> {
        Ok(RoleConfig { bearer: self.operator_bearer, ..bootstrap::operator_role()? })
    }
}

/// What the broker is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealState {
    /// The store is empty.
    Uninitialized,
    /// There are keys, and they are not in memory.
    Sealed,
    /// Open.
    Unsealed,
}

/// Why the broker stayed sealed when it was to be opened last.
#[derive(Clone)]
struct WhySealed {
    /// For everyone.
    told: String,
    /// For the daemon's own user alone: what each member said, what is wrong with the store.
    details: Vec<String>,
}

/// See the module.
pub struct Lifecycle {
    pub(super) parts: Parts,
    gate: Gate,
    progress: Mutex<Option<Progress>>,
    proofs: Mutex<ProofBook>,
    proven_at: Mutex<Option<Timestamp>>,
    started: Timestamp,
    why_sealed: Mutex<Option<WhySealed>>,
    /// It stays shut for want of members, and of nothing else.
    members_failed: AtomicBool,
    /// It was sealed by command, and is to stay so.
    by_command: AtomicBool,
    /// The store was empty when it was looked at last.
    empty: AtomicBool,
    strangers: Strangers,
    tasks: Group,
    stop: CancellationToken,
    stopping: AtomicBool,
    opened: Notify,
    attached: Mutex<Attached>,
    this: Weak<Self>,
}

impl Lifecycle {
    /// Sealed, until it is opened.
    #[must_use]
    pub fn new(parts: Parts, stop: &CancellationToken) -> Arc<Self> {
        let started = parts.clock.now();
        Arc::new_cyclic(|this| Self {
            parts,
            proofs: Mutex::new(ProofBook::default()),
            proven_at: Mutex::new(None),
            started,
            gate: Gate::new(),
            progress: Mutex::default(),
            why_sealed: Mutex::default(),
            members_failed: AtomicBool::new(false),
            by_command: AtomicBool::new(false),
            empty: AtomicBool::new(false),
            strangers: Strangers::default(),
            tasks: Group::new(64, stop),
            stop: stop.clone(),
            stopping: AtomicBool::new(false),
            opened: Notify::new(),
            attached: Mutex::default(),
            this: this.clone(),
        })
    }

    /// What operations work with.
    ///
    /// # Errors
    /// [`EngineError::Sealed`] while there is nothing, `UNINITIALIZED` when there never was.
    pub fn world(&self) -> Result<Arc<World>, EngineError> {
        self.gate.world().ok_or_else(|| match self.empty.load(Ordering::Acquire) {
            true => uninitialized(),
            false => EngineError::Sealed,
        })
    }

    /// Whether the settings insist on one root.
    #[must_use]
    pub fn is_pinned(&self) -> bool {
        self.parts.pin.is_some()
    }

    /// The time.
    #[must_use]
    pub fn clock(&self) -> &SharedClock {
        &self.parts.clock
    }

    /// What a connection's certificates prove.
    ///
    /// # Errors
    /// [`IdentityError::CertificateUnknown`] for what is no certificate at all.
    pub fn classify(&self, chain: &[CertificateDer<'_>]) -> Result<PeerCertificate, IdentityError> {
        self.parts.authorities.classify(chain, self.parts.clock.now())
    }

    /// What the broker is in.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn state(&self) -> Result<SealState, EngineError> {
        if self.gate.is_open() {
            return Ok(SealState::Unsealed);
        }
        let record = Vault::seal_record(&*self.parts.storage).await?;
        self.empty.store(record.is_none(), Ordering::Release);
        Ok(if record.is_some() { SealState::Sealed } else { SealState::Uninitialized })
    }

    /// Why it is sealed, where that is known. Strangers are not told what the members said: paths of files, addresses.
    #[must_use]
    pub fn reason(&self, local: Option<u32>) -> Option<String> {
        let WhySealed { told, details } = self.why_sealed.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        if !is_own_user(local) {
            return Some(told);
        }
        Some(std::iter::once(told).chain(details).collect::<Vec<_>>().join("; "))
    }

    /// Reads the seal record.
    ///
    /// # Errors
    /// When there is none, or it is damaged.
    pub(super) async fn record(&self) -> Result<SealRecord, EngineError> {
        let bytes: Bytes = Vault::seal_record(&*self.parts.storage).await?.ok_or_else(uninitialized)?;
        SealRecord::parse(&bytes).map_err(|error| EngineError::state("SEAL_RECORD_DAMAGED", error.to_string()))
    }

    pub(super) fn how(&self) -> How<'_> {
        How {
            connect: &*self.parts.connect,
            clock: &*self.parts.clock,
            member_timeout: MEMBER_TIMEOUT,
            pin: self.parts.pin,
        }
    }

    /// Returns when the broker was opened since the last call. For one task.
    pub async fn opened(&self) {
        self.opened.notified().await;
    }

    /// Says that the daemon is about to end, so that streams end first.
    pub fn stopping(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    /// Whether the daemon is about to end.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// What operators must know of the audit log, in words: for `keyward status`.
    #[must_use]
    pub fn audit_warnings(&self) -> Vec<String> {
        let mut warnings = self.attached.lock().unwrap_or_else(PoisonError::into_inner).warnings();
        if !self.parts.audit.is_taking() {
            warnings.push("the audit log takes no records: look at the disk of its folder".to_owned());
        }
        warnings
    }

    /// Ends the tasks of an open broker; its keys stay for what is still in flight.
    pub fn stop(&self) {
        self.gate.end_tasks();
    }

    /// Serves a certificate of the broker's own authority.
    pub fn serve_certificate(&self, world: &World) {
        match certificate::issue(world, &self.parts.names) {
            Ok(issued) => self.parts.certificate.serve(&issued),
            Err(error) => error!(%error, "Certificate for the API not made"),
        }
    }

    /// Whether the broker's own certificate is to be renewed.
    #[must_use]
    pub fn certificate_is_due(&self, now: Timestamp) -> bool {
        self.parts.certificate.renew_at() <= now
    }
}

fn uninitialized() -> EngineError {
    EngineError::state("UNINITIALIZED", "the store is empty; make the installation with `keyward operator init`")
}
