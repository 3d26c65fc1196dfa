//! Station 4: `identify -> authorize -> audit intent -> execute -> commit -> audit outcome`, once, for every RPC.
//!
//! There is no other way to an engine. What an operation wants stored is committed here, in one batch with the outcome
//! for the audit log (so that a crash between commit and record loses nothing) and with the reply (so that a retry with
//! the same request id gets what the first try did).

mod backed_up;
mod commit;
mod facts;
mod hashes;
mod refusal;
mod settle;
mod stream;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use keyward_kit::tasks::Group;
use tokio::{sync::oneshot, time::Instant};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use self::commit::Recalled;
pub use self::{
    commit::forget_replies,
    facts::Facts,
    refusal::Refusal,
    settle::{recover, settle_owed},
    stream::Standing,
};
use crate::{
    audit::{Audit, Entry, Intent, Recorded},
    engine::{EngineError, Lifecycle, Operation, Reply, SealedOperation, World, is_own_user},
    identity::{Caller, IdentityError},
    method::{Access, AuditClass, Method, ResourceKind, TenantId},
    policy::{Permit, PolicyIds},
};

/// Changes that may be under way at once.
const CHANGES: usize = 1_024;
/// How long the record of a stream's end may take.
const DENIAL: Duration = Duration::from_millis(500);
/// How often an operation is run again after a conflict.
const TRIES: usize = 8;

/// See the module.
pub struct Pipeline {
    lifecycle: Arc<Lifecycle>,
    audit: Arc<Audit>,
    changes: Group,
}

impl Pipeline {
    /// The stations in order.
    #[must_use]
    pub fn new(lifecycle: Arc<Lifecycle>, audit: Arc<Audit>) -> Self {
        Self { lifecycle, audit, changes: Group::new(CHANGES, &CancellationToken::new()) }
    }

    /// Waits for the changes that are under way, at most `grace`. For an orderly end.
    pub async fn drain(&self, grace: Duration) {
        let left = self.changes.close(grace).await;
        if left > 0 {
            warn!(left, "Changes cut off at the end of the grace period");
        }
    }

    /// Runs one request. A change goes on to its end even when the caller hangs up in the middle: what was begun is
    /// finished and recorded.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub async fn run_to_the_end<O: Operation>(
        self: &Arc<Self>,
        facts: Facts,
        operation: O,
    ) -> Result<Recorded<O::Reply>, Refusal> {
        if O::METHOD.audit == AuditClass::Read {
            return self.run(&facts, operation).await;
        }
        let this = self.clone();
        self.apart(async move { this.run(&facts, operation).await }).await
    }

    /// As [`Self::run_to_the_end`], for what works while sealed.
    ///
    /// # Errors
    /// As [`Self::run_sealed`].
    pub async fn run_sealed_to_the_end<O: SealedOperation>(
        self: &Arc<Self>,
        facts: Facts,
        operation: O,
    ) -> Result<Recorded<O::Reply>, Refusal> {
        let this = self.clone();
        self.apart(async move { this.run_sealed(&facts, operation).await }).await
    }

    async fn apart<R: Send + 'static>(
        &self,
        work: impl Future<Output = Result<R, Refusal>> + Send + 'static,
    ) -> Result<R, Refusal> {
        let (tell, told) = oneshot::channel();
        let task = async move {
            // Nobody listens any more when the caller has hung up.
            let _gone = tell.send(work.await);
        };
        if self.changes.try_run(task).is_err() {
            return Err(EngineError::Limit { what: "the number of changes under way", limit: CHANGES as u64 }.into());
        }
        told.await
            .unwrap_or_else(|_| Err(EngineError::Unavailable("the broker is stopping; try again".to_owned()).into()))
    }

    /// The audit station.
    #[must_use]
    pub fn audit(&self) -> &Arc<Audit> {
        &self.audit
    }

    /// What is open and what is not.
    #[must_use]
    pub fn lifecycle(&self) -> &Arc<Lifecycle> {
        &self.lifecycle
    }

    /// Runs one request.
    ///
    /// # Errors
    /// [`Refusal`]: nothing was done, except where it says so.
    pub async fn run<O: Operation>(&self, facts: &Facts, mut operation: O) -> Result<Recorded<O::Reply>, Refusal> {
        self.run_for(facts, &mut operation).await.map(|(recorded, _)| recorded)
    }

    /// As [`Self::run`], and says for whom.
    async fn run_for<O: Operation>(
        &self,
        facts: &Facts,
        operation: &mut O,
    ) -> Result<(Recorded<O::Reply>, Caller), Refusal> {
        let world = self.lifecycle.world()?;
        world.vault.trusted().map_err(EngineError::from)?;
        operation.connected(&facts.connection());
        let permit = self.permit(&world, facts, operation).await?;
        let entry = entry_of(&world, facts, &permit, operation);
        let recorded = match O::METHOD.audit {
            AuditClass::Read => {
                let outcome = commit::execute(&world, facts, &permit, None, operation).await;
                match outcome {
                    Err(error) if O::METHOD.access == Access::Bootstrap => Err(self.unproven(facts, entry, error)),
                    outcome => self.complete(&world, facts, &permit, entry, outcome).await,
                }
            }
            AuditClass::Write => self.write(&world, facts, &permit, entry, operation).await,
        };
        recorded.map(|recorded| (recorded, permit.into_caller()))
    }

    async fn write<O: Operation>(
        &self,
        world: &World,
        facts: &Facts,
        permit: &Permit<O>,
        entry: Entry,
        operation: &O,
    ) -> Result<Recorded<O::Reply>, Refusal> {
        let expect = match commit::recall::<O>(world, facts, permit).await? {
            Recalled::Reply(reply) => return self.complete(world, facts, permit, entry.replayed(), Ok(reply)).await,
            Recalled::Nothing(expect) => expect,
        };
        // What strangers send costs no place in the log before it proves something.
        if O::METHOD.access == Access::Bootstrap
            && let Err(error) = operation.prove(world)
        {
            self.audit.unidentified(O::METHOD, &facts.peer_text, refusal::reason(&error));
            return Err(error.into());
        }
        let intent = self.audit.intent(&entry, facts.deadline).await?;
        let outcome = commit::execute(world, facts, permit, Some((&intent, expect)), operation).await;
        let entry = answered(world, permit, entry, outcome.as_ref().ok());
        let recorded = self.record_outcome(facts, &intent, &entry, outcome).await;
        match &recorded {
            Ok(_) => settle::settled(world, &intent),
            Err(Refusal::OutcomeUnrecorded) => settle::owe(world, &intent),
            Err(_) => {}
        }
        recorded
    }

    /// Counts what a stranger did not prove, and what somebody proved who may not have what it asked for: some of each are
    /// recorded, so that neither can fill the disk.
    fn unproven(&self, facts: &Facts, entry: Entry, error: EngineError) -> Refusal {
        match &error {
            EngineError::RoleDenied(asked) => {
                let entry = entry.asked_by(facts::who(&asked.principal, Some(&asked.role), None));
                self.audit.sampled(&entry, refusal::failure(&error));
            }
            _ => self.audit.unidentified(entry.method(), &facts.peer_text, refusal::reason(&error)),
        }
        error.into()
    }

    async fn record_outcome<R>(
        &self,
        facts: &Facts,
        intent: &Intent,
        entry: &Entry,
        outcome: Result<R, EngineError>,
    ) -> Result<Recorded<R>, Refusal> {
        let told = outcome.as_ref().map(|_| ()).map_err(refusal::failure);
        match (self.audit.outcome(intent, entry, told, facts.deadline).await, outcome) {
            (Ok(taken), outcome) => outcome.map(|reply| taken.with(reply)).map_err(Refusal::Engine),
            (Err(_), Ok(_)) => Err(Refusal::OutcomeUnrecorded),
            (Err(error), Err(_)) => Err(Refusal::Audit(error)),
        }
    }

    async fn complete<O: Operation>(
        &self,
        world: &World,
        facts: &Facts,
        permit: &Permit<O>,
        entry: Entry,
        outcome: Result<O::Reply, EngineError>,
    ) -> Result<Recorded<O::Reply>, Refusal> {
        let entry = answered(world, permit, entry, outcome.as_ref().ok());
        let told = outcome.as_ref().map(|_| ()).map_err(refusal::failure);
        let taken = self.audit.complete(&entry, told, facts.deadline).await?;
        outcome.map(|reply| taken.with(reply)).map_err(Refusal::Engine)
    }

    async fn permit<O: Operation>(&self, world: &World, facts: &Facts, operation: &O) -> Result<Permit<O>, Refusal> {
        let caller = match O::METHOD.access {
            Access::Caller | Access::Own => self.identify(world, facts, O::METHOD)?,
            Access::Bootstrap | Access::Public | Access::Sealed => Caller::anonymous(facts.tenant(world)),
        };
        self.authorize(world, facts, caller, operation, facts.deadline).await
    }

    /// Asks policy, and records a refusal within the deadline.
    async fn authorize<O: Operation>(
        &self,
        world: &World,
        facts: &Facts,
        caller: Caller,
        operation: &O,
        deadline: Instant,
    ) -> Result<Permit<O>, Refusal> {
        let attributes = operation.attributes(world, caller.tenant());
        // Tenants and the installation are run from `main`; no other tenant's policy can allow it.
        let outside = matches!(O::METHOD.resource, ResourceKind::System | ResourceKind::Tenant)
            && O::METHOD.access == Access::Caller
            && caller.tenant() != world.main_tenant();
        let denied = match world.policy.authorize(caller.clone(), operation, attributes) {
            Ok(permit) if !outside => return Ok(permit),
            Ok(_) => None,
            Err(denied) => Some(denied),
        };
        let because = denied.as_ref().map_or_else(PolicyIds::default, |denied| denied.because().clone());
        let why = denied
            .map_or_else(|| "only the tenant `main` runs the installation".to_owned(), |d| d.reason().to_string());
        let entry = facts.entry(O::METHOD, &caller, &operation.resource(), &because);
        let _taken = self.audit.denied(&entry, &why, deadline).await?;
        Err(Refusal::Denied)
    }

    fn identify(&self, world: &World, facts: &Facts, method: &'static Method) -> Result<Caller, Refusal> {
        let caller = world.identity.identify(&facts.identity(world));
        // INVARIANT (role): whoever acts in a role could take it now, under the policies and issuers that are in force.
        let caller = caller.and_then(|caller| match world.policy.still_assumes(&caller) {
            Ok(()) => Ok(caller),
            Err(_) => Err(IdentityError::TokenRoleDenied),
        });
        match caller {
            Ok(caller) => Ok(caller),
            Err(error) => {
                self.audit.unidentified(method, &facts.peer_text, error.reason());
                Err(Refusal::Identity(error))
            }
        }
    }

    /// Records a request that could not be read, and says why; only to someone who could be identified.
    pub fn malformed(&self, method: &'static Method, facts: &Facts, error: EngineError) -> Refusal {
        if matches!(method.access, Access::Caller | Access::Own) {
            let identified =
                self.lifecycle.world().map_err(Refusal::from).and_then(|world| self.identify(&world, facts, method));
            if let Err(refusal) = identified {
                return refusal;
            }
        }
        self.audit.unidentified(method, &facts.peer_text, "INVALID");
        Refusal::Engine(error)
    }

    /// Runs one request that works while sealed.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub async fn run_sealed<O: SealedOperation>(
        &self,
        facts: &Facts,
        operation: O,
    ) -> Result<Recorded<O::Reply>, Refusal> {
        self.lifecycle.admit(&facts.peer, O::METHOD.audit)?;
        let caller = Caller::anonymous(TenantId::SYSTEM);
        let entry = facts.entry(O::METHOD, &caller, &operation.resource(), &PolicyIds::default());
        // Whoever runs the machine gets in when its disk is full.
        let entry = if is_own_user(facts.local_user()) { entry.urgent() } else { entry };
        if O::METHOD.audit == AuditClass::Read {
            let outcome = operation.execute(&self.lifecycle, facts.local_user()).await;
            let told = outcome.as_ref().map(|_| ()).map_err(refusal::failure);
            let taken = self.audit.complete(&entry, told, facts.deadline).await?;
            return outcome.map(|reply| taken.with(reply)).map_err(Refusal::Engine);
        }
        let intent = self.audit.intent(&entry, facts.deadline).await?;
        let outcome = operation.execute(&self.lifecycle, facts.local_user()).await;
        self.record_outcome(facts, &intent, &entry, outcome).await
    }
}

/// What is known of a request before it is carried out.
fn entry_of<O: Operation>(world: &World, facts: &Facts, permit: &Permit<O>, operation: &O) -> Entry {
    let entry = facts.entry(O::METHOD, permit.caller(), permit.resource(), permit.because());
    let entry = if operation.is_urgent() { entry.urgent() } else { entry };
    hashes::with_hashes(world, permit.tenant(), entry, &operation.secrets())
}

/// What the reply adds to that: who was proven by the request itself, and the values that were given out.
fn answered<O: Operation>(world: &World, permit: &Permit<O>, entry: Entry, reply: Option<&O::Reply>) -> Entry {
    let Some(reply) = reply else { return entry };
    let entry = match reply.proven() {
        Some((principal, role)) => entry.asked_by(facts::who(principal, Some(role), None)),
        None => entry,
    };
    hashes::with_hashes(world, permit.tenant(), entry, &reply.secrets())
}
