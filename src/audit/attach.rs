//! What unsealing brings: the register of all logs in sealed storage, and the key that signs checkpoints.

use std::sync::{Arc, PoisonError, atomic::Ordering};

use async_trait::async_trait;
use keyward_kit::audit::{Checkpoint, Durability, Head, NoteError, Signer, Verifier, read};
use keyward_sdk::{secret::Secret, time::Timestamp};
use tokio::time::Instant;
use tracing::warn;

use super::{Audit, AuditError, heads::Said, witness::Handed};

/// What is registered of one log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisteredLog {
    /// The log's name.
    pub origin: String,
    /// The public key of its checkpoints, as text.
    pub verifier: String,
    /// The first checkpoint that was registered.
    pub first: Option<String>,
    /// The last.
    pub last: Option<String>,
    /// An operator has accepted that its files are gone.
    pub given_up: bool,
}

/// The register cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("register of audit logs cannot be used: {0}")]
pub struct RegisterError(pub String);

/// The register of all logs of the installation, in sealed storage.
#[async_trait]
pub trait Register: Send + Sync + 'static {
    /// Every log that was ever registered.
    ///
    /// # Errors
    /// [`RegisterError`] of the storage.
    async fn list(&self) -> Result<Vec<RegisteredLog>, RegisterError>;
    /// Keeps what is known of one log, in place of what was.
    ///
    /// # Errors
    /// [`RegisterError`] of the storage.
    async fn store(&self, log: &RegisteredLog) -> Result<(), RegisterError>;
    /// The Ed25519 key (PKCS#8) that signs the checkpoints of a log; made and kept when there is none.
    ///
    /// # Errors
    /// [`RegisterError`] of the storage.
    async fn signing_key(&self, origin: &str) -> Result<Secret, RegisterError>;
    /// When an operator last accepted the store as it is.
    ///
    /// # Errors
    /// [`RegisterError`] of the storage.
    async fn accepted(&self) -> Result<Option<Timestamp>, RegisterError>;
    /// Keeps that an operator accepted it at this moment.
    ///
    /// # Errors
    /// [`RegisterError`] of the storage.
    async fn accept(&self, at: Timestamp) -> Result<(), RegisterError>;
    /// The heads of the control state, for the next checkpoint.
    fn heads(&self) -> Vec<Head>;
}

/// What the register and the checkpoints said.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Attached {
    /// Logs of this replica that are registered and whose files are gone, but for those given up.
    pub missing: Vec<String>,
    /// The one of them that is the last that was signed: without its files nothing shows that the store is not older.
    pub lost: Option<String>,
    /// How many records are lost, if this log was shorter at start than its last registered checkpoint.
    pub cut: Option<u64>,
    /// Whether this log was as long as its last registered checkpoint and another one.
    pub rewritten: bool,
    /// The highest head of each tenant in any checkpoint that is signed rightly. An older store has lower ones.
    pub heads: Vec<Head>,
}

impl Attached {
    /// What is wrong, in words for people.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let verify = "`keyward audit verify` says more";
        let missing = self
            .missing
            .iter()
            .map(|log| format!("the audit log `{log}` is registered and its files are gone; {verify}"));
        let cut = self
            .cut
            .map(|lost| format!("{lost} records that were signed are cut from the end of the audit log; {verify}"));
        let other = self.rewritten.then(|| format!("the audit log is not the one that was signed; {verify}"));
        missing.chain(cut).chain(other).collect()
    }
}

pub(super) struct Signing {
    pub(super) signer: Signer,
    pub(super) register: Arc<dyn Register>,
    pub(super) standing: tokio::sync::Mutex<Standing>,
    pub(super) handed: Arc<tokio::sync::Mutex<Handed>>,
}

/// How far the checkpoints of this log are.
pub(super) struct Standing {
    pub(super) entry: RegisteredLog,
    /// Whether the last was made since the key came: over the log as it is, whatever an older store says of it.
    pub(super) fresh: bool,
    pub(super) said: Said,
}

impl Audit {
    /// Registers this log, takes its key, and compares what is registered with what is there. Call it when unsealed; the
    /// caller decides what a difference means.
    ///
    /// # Errors
    /// [`AuditError`] when the register cannot be read or the key is unusable.
    pub async fn attach(&self, register: Arc<dyn Register>, deadline: Instant) -> Result<Attached, AuditError> {
        let logs = register.list().await?;
        let signer = Signer::new(self.origin(), &register.signing_key(self.origin()).await?)?;
        let verifier = signer.verifier().to_string();
        let known = logs.iter().find(|log| log.origin == self.origin()).cloned();
        let mut found = self.compare(&logs, register.accepted().await?)?;
        if let Some(last) = known.as_ref().and_then(|log| log.last.as_deref()) {
            let last = Checkpoint::open(last, signer.verifier())?;
            // The log as it was opened, since it goes on while sealed; only the first time, since checkpoints go on too.
            let opened = self.log.recovered();
            if !self.attached_before.swap(true, Ordering::AcqRel) {
                found.cut = last.size.checked_sub(opened.size).filter(|lost| *lost > 0);
                found.rewritten = last.size == opened.size && last.root != opened.root;
            }
        }
        self.attached_before.store(true, Ordering::Release);
        let entry = known.unwrap_or(RegisteredLog {
            origin: self.origin().to_owned(),
            verifier: verifier.clone(),
            first: None,
            last: None,
            given_up: false,
        });
        register.store(&entry).await?;
        let within = deadline.saturating_duration_since(Instant::now());
        if let Err(error) = self.log.keep_verifier(verifier, within).await {
            warn!(%error, "Public key of the audit log could not be kept beside it");
        }
        let standing = tokio::sync::Mutex::new(Standing { entry, fresh: false, said: Said::default() });
        let signing = Signing { signer, register, standing, handed: Arc::default() };
        *self.signing.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(signing));
        self.tell(&found, deadline).await?;
        Ok(found)
    }

    /// Forgets the key and the register: call it when sealing. The log goes on, chained and unsigned.
    pub fn detach(&self) {
        *self.signing.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Notes that an operator has accepted the store as it is: what was signed before says nothing of it any more, and logs
    /// whose files are gone are given up.
    ///
    /// # Errors
    /// [`AuditError`] when the register cannot be written.
    pub async fn accept(&self) -> Result<(), AuditError> {
        let signing = self.signing.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(signing) = signing else { return Ok(()) };
        let logs = signing.register.list().await?;
        signing.register.accept(self.clock.now()).await?;
        let missing = self.compare(&logs, None)?.missing;
        for log in logs.into_iter().filter(|log| missing.contains(&log.origin)) {
            signing.register.store(&RegisteredLog { given_up: true, ..log }).await?;
        }
        Ok(())
    }

    fn compare(&self, logs: &[RegisteredLog], accepted: Option<Timestamp>) -> Result<Attached, AuditError> {
        let io = |error| AuditError::Folder(self.folder.display().to_string(), error);
        let here = read::epochs(&self.folder).map_err(io)?;
        let ours = self.origin().rsplit_once('/').map(|(log, _)| format!("{log}/")).unwrap_or_default();
        let replica = replica_of(self.origin());
        let mut found = Attached::default();
        let mut latest = None;
        for log in logs {
            let epoch = log.origin.strip_prefix(&ours).and_then(|epoch| epoch.parse::<u64>().ok());
            // Logs of other replicas lie elsewhere. One of this replica under another id lay in a folder that is gone.
            let is_here = epoch.is_some_and(|epoch| here.contains(&epoch));
            if !is_here && !log.given_up && replica_of(&log.origin) == replica {
                found.missing.push(log.origin.clone());
            }
            if let Some(signed) = log.signed_at().filter(|_| replica_of(&log.origin) == replica && !log.given_up) {
                latest = latest.max(Some((signed, &log.origin)));
            }
            let Ok(verifier) = Verifier::parse(&log.verifier) else { continue };
            let kept = match epoch {
                Some(epoch) => read::checkpoints(&self.folder, epoch).map_err(io)?,
                None => Vec::new(),
            };
            let registered = log.first.iter().chain(&log.last).cloned();
            for note in kept.into_iter().map(|(_, note)| note).chain(registered) {
                raise(&mut found.heads, &note, &verifier, accepted)?;
            }
        }
        found.lost = latest.map(|(_, origin)| origin.clone()).filter(|origin| found.missing.contains(origin));
        Ok(found)
    }

    async fn tell(&self, found: &Attached, deadline: Instant) -> Result<(), AuditError> {
        for origin in &found.missing {
            warn!(audit.log = origin, "Registered audit log is missing");
            self.system("audit.log_missing", vec![("log", origin)], Durability::Fsync, deadline).await?;
        }
        if let Some(lost) = found.cut {
            warn!(audit.log = self.origin(), lost, "Audit log is shorter than its registered checkpoint");
            self.system("audit.cut", vec![("lost", &lost.to_string())], Durability::Fsync, deadline).await?;
        }
        if found.rewritten {
            warn!(audit.log = self.origin(), "Audit log is not the one of its registered checkpoint");
            self.system("audit.rewritten", vec![], Durability::Fsync, deadline).await?;
        }
        Ok(())
    }
}

impl RegisteredLog {
    /// When its last registered checkpoint was made.
    fn signed_at(&self) -> Option<Timestamp> {
        let last = Checkpoint::danger_unverified(self.last.as_deref()?).ok()?;
        last.time
    }
}

/// The replica in a log's name `id/replica/epoch`.
fn replica_of(origin: &str) -> Option<&str> {
    origin.split('/').nth(1)
}

/// Takes over higher heads from a checkpoint, if it is signed rightly. One that is not proves nothing either way here;
/// `verify` names it.
fn raise(heads: &mut Vec<Head>, note: &str, verifier: &Verifier, accepted: Option<Timestamp>) -> Result<(), NoteError> {
    let Ok(checkpoint) = Checkpoint::open(note, verifier) else { return Ok(()) };
    if accepted.is_some_and(|at| checkpoint.time.is_none_or(|signed| signed <= at)) {
        return Ok(());
    }
    for head in checkpoint.heads {
        match heads.iter_mut().find(|known| known.tenant == head.tenant) {
            Some(known) if known.counter >= head.counter => {}
            Some(known) => *known = head,
            None => heads.push(head),
        }
    }
    Ok(())
}
