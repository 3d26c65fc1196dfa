//! From a sealed broker to an open one, and back.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
};

use keyward_kit::audit::Durability;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::{
    Lifecycle, MEMBER_TIMEOUT, SealState, WhySealed, is_own_user,
    members::{told, warn_of},
};
use crate::{
    audit::{Attached, AuditError},
    config::OlderStore,
    engine::{
        EngineError, Tables, World,
        housekeeping::Cursors,
        node::KnownNodes,
        refresh::Refresher,
        register::SealedRegister,
        settled::{Owed, Settled},
    },
    identity::{Identity, Issuers, Revocations},
    keyring::{Installation, Vault, View},
    policy::Policy,
    seal::{self, Unsealed},
};

impl Lifecycle {
    /// Asks the members that need no person, and opens when enough of a path answer.
    ///
    /// # Errors
    /// When no path opens that way. The broker stays as it is.
    pub async fn open_by_itself(&self) -> Result<SealState, EngineError> {
        match self.state().await? {
            SealState::Sealed => {}
            other => return Ok(other),
        }
        let began = self.gate.times_shut();
        let record = self.record().await?;
        match seal::open(&record, &self.how()).await {
            Ok(opened) => {
                warn_of(&opened.report);
                // What was asked for before a seal by command does not undo it.
                self.adopt_since(opened.unsealed, Some(began)).await?;
                Ok(SealState::Unsealed)
            }
            Err(failed) => {
                warn_of(&failed.report);
                let why = failed.to_string();
                self.because(&why, told(&failed.report));
                self.members_failed.store(true, Ordering::Release);
                Err(EngineError::state("NOT_OPENED", why))
            }
        }
    }

    /// Tries again when it was only members that kept the broker shut: they may be back. Not after it was sealed by
    /// command.
    pub async fn try_again(&self) {
        if self.members_failed.load(Ordering::Acquire) && !self.gate.is_open() {
            match self.open_by_itself().await {
                Ok(_) => info!("Opened once enough seal members were back"),
                Err(error) => warn!(%error, "Still sealed"),
            }
        }
    }

    /// Opens the vault with a proven root and puts the world in place. Of several at a time one does, and the others find
    /// it done.
    ///
    /// # Errors
    /// When the control state is refused, or the broker was sealed meanwhile.
    pub async fn adopt(&self, unsealed: Unsealed) -> Result<(), EngineError> {
        self.adopt_since(unsealed, None).await
    }

    async fn adopt_since(&self, unsealed: Unsealed, began: Option<u64>) -> Result<(), EngineError> {
        let turn = self.gate.turn().await?;
        if began.is_some_and(|began| began != turn.shut()) {
            return Err(EngineError::Sealed);
        }
        if self.gate.is_open() {
            return Ok(());
        }
        let path = unsealed.path().clone();
        // Whatever was begun ends when the opening comes to nothing.
        let stop = self.stop.child_token();
        let begun = stop.clone().drop_guard();
        let world = self.assemble(unsealed, &stop).await.inspect_err(|why| self.store_refused(&why.to_string()))?;
        self.serve_certificate(&world);
        self.by_command.store(false, Ordering::Release);
        self.gate.open(&turn, world, begun.disarm()).inspect_err(|_| {
            // It was sealed in this moment.
            self.by_command.store(true, Ordering::Release);
            self.parts.audit.detach();
        })?;
        self.members_failed.store(false, Ordering::Release);
        self.progress.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.why_sealed.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.opened.notify_one();
        info!(seal.path = %path, "Unsealed");
        Ok(())
    }

    /// Asks the members for someone who brings no share. After a seal by command only the daemon's own user may: whoever
    /// can reach the port must not undo what an operator did in an emergency.
    ///
    /// # Errors
    /// As [`Self::open_by_itself`], and `SEALED_BY_COMMAND`.
    pub async fn open_for(&self, local: Option<u32>) -> Result<SealState, EngineError> {
        if self.by_command.load(Ordering::Acquire) && !is_own_user(local) {
            return Err(EngineError::state(
                "SEALED_BY_COMMAND",
                "an operator sealed this broker; give shares, or run `keyward operator unseal --members` over its unix socket as its own user, or restart it",
            ));
        }
        self.open_by_itself().await.map_err(|error| match error {
            EngineError::State { reason: "NOT_OPENED", what } => {
                EngineError::state("NOT_OPENED", self.reason(local).unwrap_or(what))
            }
            other => other,
        })
    }

    /// Seals by command: it stays so until shares are given or its own user opens it.
    pub fn seal(&self) {
        self.by_command.store(true, Ordering::Release);
        self.close();
    }

    /// Wipes all keys: the world goes, and with its last request in flight the keys.
    pub fn close(&self) {
        self.gate.shut();
        self.members_failed.store(false, Ordering::Release);
        self.parts.audit.detach();
        info!("Sealed");
    }

    async fn assemble(&self, unsealed: Unsealed, stop: &CancellationToken) -> Result<World, EngineError> {
        let installation = Installation(*unsealed.installation().as_bytes());
        let tables = Tables::default();
        let policy = Arc::new(Policy::new());
        let issuers = Arc::new(Issuers::new(self.parts.fetch.clone(), self.parts.clock.clone(), stop));
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
        let opened = Vault::open(self.parts.storage.clone(), installation, unsealed.into_root(), views).await?;
        let main = tables.main_tenant()?;
        self.compare_with_audit(&opened.vault).await?;
        let local_user = rustix::process::getuid().as_raw();
        let identity = Identity::new(
            opened.vault.clone(),
            tables.roles.clone(),
            Arc::new(KnownNodes(tables.clone())),
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
            owed: Owed::default(),
            cursors: Cursors::default(),
            main,
            lifecycle: self.this.clone(),
            tables,
        };
        let (vault, ended, refreshing) = (opened.vault, stop.clone(), stop.clone());
        let follow = async move {
            tokio::select! {
                () = ended.cancelled() => {}
                end = vault.follow(opened.from) => if let Err(error) = end {
                    error!(%error, "Control state no longer followed, refusing requests");
                },
            }
        };
        let begun = self.tasks.try_run(follow).is_ok()
            && self.tasks.try_run(async move { issuers.run(refreshing).await }).is_ok();
        if begun { Ok(world) } else { Err(EngineError::Internal("no room for the tasks of an open broker".to_owned())) }
    }

    /// Strangers learn that it is so, and not of which log, tenant or file.
    fn store_refused(&self, why: &str) {
        let told = "the root key opens, and what is stored is refused; the daemon's own user is told why: \
                    `keyward operator status` over its unix socket";
        self.because(told, vec![why.to_owned()]);
    }

    fn because(&self, told: &str, details: Vec<String>) {
        let why = WhySealed { told: told.to_owned(), details };
        self.why_sealed.lock().unwrap_or_else(PoisonError::into_inner).replace(why);
    }

    /// Attaches the audit log to the open vault, and compares what its checkpoints say of the control state.
    async fn compare_with_audit(&self, vault: &Arc<Vault>) -> Result<(), EngineError> {
        let deadline = tokio::time::Instant::now() + MEMBER_TIMEOUT;
        let audit = &self.parts.audit;
        let attached = audit.attach(Arc::new(SealedRegister(vault.clone())), deadline).await.map_err(unavailable)?;
        *self.attached.lock().unwrap_or_else(PoisonError::into_inner) = attached.clone();
        let Some(what) = doubt(&attached, vault)? else { return Ok(()) };
        match self.parts.older {
            OlderStore::Accept => {
                warn!(%what, "Store accepted that may be older");
                let details = vec![("what", what.as_str())];
                audit
                    .system("store.older_accepted", details, Durability::Fsync, deadline)
                    .await
                    .map_err(unavailable)?;
                audit.accept().await.map_err(unavailable)
            }
            OlderStore::Refuse => {
                audit.detach();
                let what = format!("{what}; if it is meant, start once with `--accept-older-store`");
                Err(EngineError::state("STORE_OLDER", what))
            }
        }
    }
}

fn unavailable(error: AuditError) -> EngineError {
    EngineError::Unavailable(error.to_string())
}

/// Why the store may be an older copy.
fn doubt(attached: &Attached, vault: &Vault) -> Result<Option<String>, EngineError> {
    if let Some(lost) = &attached.lost {
        return Ok(Some(format!(
            "the files of the audit log `{lost}`, the last that this store knows, are gone from the audit folder, so nothing \
             shows that this is not an older copy of the store: bring the folder back"
        )));
    }
    let heads = vault.heads()?;
    let seen = attached.heads.iter().filter_map(|seen| {
        let now = heads.iter().find(|head| head.tenant.0 == seen.tenant)?;
        let (tenant, found, saw) = (now.tenant, now.counter, seen.counter);
        if found < saw {
            return Some(format!(
                "the control state of tenant {tenant} is at {found}, the audit log has seen it at {saw}: this is an older \
                 copy of the store"
            ));
        }
        (found == saw && now.digest != seen.digest).then(|| {
            format!(
                "the control state of tenant {tenant} at {found} is not the one that the audit log has seen: this is a copy \
                 of the store that went another way"
            )
        })
    });
    Ok(seen.into_iter().next())
}
