//! What unsealing brings: the register of all logs in sealed storage, and the key that signs checkpoints.

use std::sync::{Arc, PoisonError, atomic::Ordering};

use async_trait::async_trait;
use keyward_kit::audit::{Checkpoint, Durability, Head, NoteError, Signer, Verifier, read};
use keyward_sdk::secret::Secret;
use tokio::time::Instant;
use tracing::warn;

use super::{Audit, AuditError};

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
    /// The heads of the control state, for the next checkpoint.
    fn heads(&self) -> Vec<Head>;
}

/// What the register and the checkpoints said.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Attached {
    /// Logs of this replica that are registered and whose files are gone.
    pub missing: Vec<String>,
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
    pub(super) entry: tokio::sync::Mutex<RegisteredLog>,
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
        let mut found = self.compare(&logs)?;
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
        });
        register.store(&entry).await?;
        let within = deadline.saturating_duration_since(Instant::now());
        if let Err(error) = self.log.keep_verifier(verifier, within).await {
            warn!(%error, "Public key of the audit log could not be kept beside it");
        }
        let signing = Signing { signer, register, entry: tokio::sync::Mutex::new(entry) };
        *self.signing.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(signing));
        self.tell(&found, deadline).await?;
        Ok(found)
    }

    /// Forgets the key and the register: call it when sealing. The log goes on, chained and unsigned.
    pub fn detach(&self) {
        *self.signing.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn compare(&self, logs: &[RegisteredLog]) -> Result<Attached, AuditError> {
        let io = |error| AuditError::Folder(self.folder.display().to_string(), error);
        let here = read::epochs(&self.folder).map_err(io)?;
        let ours = self.origin().rsplit_once('/').map(|(log, _)| format!("{log}/")).unwrap_or_default();
        let mut found = Attached::default();
        for log in logs {
            let epoch = log.origin.strip_prefix(&ours).and_then(|epoch| epoch.parse::<u64>().ok());
            if epoch.is_some_and(|epoch| !here.contains(&epoch)) {
                found.missing.push(log.origin.clone());
            }
            let Ok(verifier) = Verifier::parse(&log.verifier) else { continue };
            let kept = match epoch {
                Some(epoch) => read::checkpoints(&self.folder, epoch).map_err(io)?,
                None => Vec::new(),
            };
            let registered = log.first.iter().chain(&log.last).cloned();
            for note in kept.into_iter().map(|(_, note)| note).chain(registered) {
                raise(&mut found.heads, &note, &verifier)?;
            }
        }
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

/// Takes over higher heads from a checkpoint, if it is signed rightly. One that is not proves nothing either way here;
/// `verify` names it.
fn raise(heads: &mut Vec<Head>, note: &str, verifier: &Verifier) -> Result<(), NoteError> {
    let Ok(checkpoint) = Checkpoint::open(note, verifier) else { return Ok(()) };
    for head in checkpoint.heads {
        match heads.iter_mut().find(|known| known.tenant == head.tenant) {
            Some(known) if known.counter >= head.counter => {}
            Some(known) => *known = head,
            None => heads.push(head),
        }
    }
    Ok(())
}
