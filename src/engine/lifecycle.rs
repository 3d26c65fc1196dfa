//! Whether the broker is open, and how it gets there and back.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use keyward_kit::tasks::Group;
use keyward_sdk::time::{SharedClock, Timestamp};
use rustls_pki_types::CertificateDer;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::{
    EngineError, Tables, World,
    behind::Behind,
    certificate::{self, ServeCertificate},
    members::warn_of,
    refresh::Refresher,
    register::SealedRegister,
    settled::{Owed, Settled},
};
use crate::{
    audit::{Attached, Audit},
    config::OlderStore,
    identity::{ClientAuthorities, Identity, IdentityError, Issuers, PeerCertificate, Revocations, oidc::Fetch},
    keyring::{Installation, Vault, View},
    policy::Policy,
    seal::{self, Connect, How, Progress, ProofBook, RootFingerprint, SealRecord, Unsealed},
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

/// See the module.
pub struct Lifecycle {
    pub(super) parts: Parts,
    world: ArcSwapOption<World>,
    pub(super) progress: tokio::sync::Mutex<Option<Progress>>,
    pub(super) proofs: Mutex<ProofBook>,
    pub(super) proven_at: Mutex<Option<Timestamp>>,
    pub(super) started: Timestamp,
    reason: Mutex<Option<String>>,
    pub(super) budget: Mutex<(Timestamp, u32)>,
    tasks: Group,
    stop: CancellationToken,
    open: Mutex<Option<CancellationToken>>,
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
            world: ArcSwapOption::empty(),
            progress: tokio::sync::Mutex::new(None),
            reason: Mutex::new(None),
            budget: Mutex::new((Timestamp::from_millis(0), 0)),
            tasks: Group::new(64, stop),
            stop: stop.clone(),
            open: Mutex::new(None),
            stopping: AtomicBool::new(false),
            opened: Notify::new(),
            attached: Mutex::default(),
            this: this.clone(),
        })
    }

    /// What operations work with.
    ///
    /// # Errors
    /// [`EngineError::Sealed`] while there is nothing.
    pub fn world(&self) -> Result<Arc<World>, EngineError> {
        self.world.load_full().ok_or(EngineError::Sealed)
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
        if self.world.load().is_some() {
            return Ok(SealState::Unsealed);
        }
        let record = Vault::seal_record(&*self.parts.storage).await?;
        Ok(if record.is_some() { SealState::Sealed } else { SealState::Uninitialized })
    }

    /// Why it is sealed, where that is known.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        self.reason.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the seal record.
    ///
    /// # Errors
    /// When there is none, or it is damaged.
    pub(super) async fn record(&self) -> Result<SealRecord, EngineError> {
        let bytes: Bytes = Vault::seal_record(&*self.parts.storage).await?.ok_or_else(|| {
            EngineError::state(
                "UNINITIALIZED",
                "the store is empty; make the installation with `keyward operator init`",
            )
        })?;
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

    /// Asks the members that need no person, and opens when enough of a path answer.
    ///
    /// # Errors
    /// When no path opens that way. The broker stays as it is.
    pub async fn open_by_itself(&self) -> Result<SealState, EngineError> {
        match self.state().await? {
            SealState::Sealed => {}
            other => return Ok(other),
        }
        let record = self.record().await?;
        match seal::open(&record, &self.how()).await {
            Ok(opened) => {
                warn_of(&opened.report);
                self.adopt(opened.unsealed).await?;
                Ok(SealState::Unsealed)
            }
            Err(failed) => {
                warn_of(&failed.report);
                let why = failed.to_string();
                self.reason.lock().unwrap_or_else(PoisonError::into_inner).replace(why.clone());
                Err(EngineError::state("NOT_OPENED", why))
            }
        }
    }

    /// Opens the vault with a proven root and puts the world in place.
    ///
    /// # Errors
    /// When the control state is refused.
    pub async fn adopt(&self, unsealed: Unsealed) -> Result<(), EngineError> {
        let path = unsealed.path().clone();
        let installation = Installation(*unsealed.installation().as_bytes());
        let stop = self.stop.child_token();
        let tables = Tables::default();
        let policy = Arc::new(Policy::new());
        let issuers = Arc::new(Issuers::new(self.parts.fetch.clone(), self.parts.clock.clone(), &stop));
        let revocations = Arc::new(Revocations::default());
        let refresher = Refresher {
            tables: tables.clone(),
            policy: policy.clone(),
            authorities: self.parts.authorities.clone(),
            seen: Mutex::new(HashMap::new()),
        };
        let mut views: Vec<Arc<dyn View>> = tables.views();
        views.push(issuers.clone());
        views.push(revocations.clone());
        views.push(Arc::new(refresher));
        let opened = Vault::open(self.parts.storage.clone(), installation, unsealed.into_root(), views).await;
        let opened = opened.inspect_err(|why| {
            self.reason.lock().unwrap_or_else(PoisonError::into_inner).replace(why.to_string());
        })?;
        let main = tables.main_tenant()?;
        self.compare_with_audit(&opened.vault).await?;
        let local_user = rustix::process::getuid().as_raw();
        let identity = Identity::new(
            opened.vault.clone(),
            tables.roles.clone(),
            revocations.clone(),
            self.parts.clock.clone(),
            local_user,
        );
        let world = World {
            vault: opened.vault.clone(),
            clock: self.parts.clock.clone(),
            identity: Arc::new(identity),
            issuers: issuers.clone(),
            revocations,
            policy,
            settled: Settled::default(),
            behind: Behind::default(),
            owed: Owed::default(),
            main,
            lifecycle: self.this.clone(),
            tables,
        };
        let vault = opened.vault;
        let (ended, open) = (stop.clone(), stop.clone());
        let follow = async move {
            tokio::select! {
                () = ended.cancelled() => {}
                end = vault.follow(opened.from) => if let Err(error) = end {
                    error!(%error, "Control state no longer followed, refusing requests");
                },
            }
        };
        let refreshed =
            self.tasks.try_run(follow).is_ok() && self.tasks.try_run(async move { issuers.run(stop).await }).is_ok();
        if !refreshed {
            return Err(EngineError::Internal("no room for the tasks of an open broker".to_owned()));
        }
        self.serve_certificate(&world);
        self.open.lock().unwrap_or_else(PoisonError::into_inner).replace(open);
        self.world.store(Some(Arc::new(world)));
        self.opened.notify_one();
        self.reason.lock().unwrap_or_else(PoisonError::into_inner).take();
        info!(seal.path = %path, "Unsealed");
        Ok(())
    }

    /// Wipes all keys: the world goes, and with its last request in flight the keys.
    pub fn close(&self) {
        self.world.store(None);
        self.parts.audit.detach();
        if let Some(open) = self.open.lock().unwrap_or_else(PoisonError::into_inner).take() {
            open.cancel();
        }
        info!("Sealed");
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
        if let Some(open) = self.open.lock().unwrap_or_else(PoisonError::into_inner).take() {
            open.cancel();
        }
    }

    /// Attaches the audit log to the open vault, and compares what its checkpoints say of the control state.
    async fn compare_with_audit(&self, vault: &Arc<Vault>) -> Result<(), EngineError> {
        let unavailable = |error: crate::audit::AuditError| EngineError::Unavailable(error.to_string());
        let deadline = tokio::time::Instant::now() + MEMBER_TIMEOUT;
        let audit = &self.parts.audit;
        let attached = audit.attach(Arc::new(SealedRegister(vault.clone())), deadline).await.map_err(unavailable)?;
        *self.attached.lock().unwrap_or_else(PoisonError::into_inner) = attached.clone();
        let heads = vault.heads()?;
        let older = attached.heads.iter().find_map(|seen| {
            let now = heads.iter().find(|head| head.tenant.0 == seen.tenant)?;
            (now.counter < seen.counter).then_some((now.tenant, now.counter, seen.counter))
        });
        let Some((tenant, found, seen)) = older else { return Ok(()) };
        let what = format!("the control state of tenant {tenant} is at {found}, the audit log has seen it at {seen}");
        match self.parts.older {
            OlderStore::Accept => {
                warn!(%tenant, found, seen, "Older store accepted");
                let details = vec![("what", what.as_str())];
                let recorded = audit
                    .system("store.older_accepted", details, keyward_kit::audit::Durability::Fsync, deadline)
                    .await;
                recorded.map(drop).map_err(unavailable)
            }
            OlderStore::Refuse => {
                audit.detach();
                let what = format!(
                    "{what}: this is an older copy of the store; start with `--accept-older-store` if it is meant"
                );
                self.reason.lock().unwrap_or_else(PoisonError::into_inner).replace(what.clone());
                Err(EngineError::state("STORE_OLDER", what))
            }
        }
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
