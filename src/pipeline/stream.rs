//! Answers that are streams: authorized and recorded once at the start as any request is, and authorized again for every
//! item.

use std::sync::Arc;

use super::{Facts, Pipeline, Refusal, commit, entry_of};
use crate::{
    engine::{EngineError, Operation, World},
    identity::{Caller, IdentityError},
    method::AuditClass,
};

/// What a stream stands on: who asked for what. Holds no world, so that sealing ends it.
pub struct Standing<O> {
    pipeline: Arc<Pipeline>,
    facts: Facts,
    caller: Caller,
    operation: O,
}

impl Pipeline {
    /// Runs the request that begins a stream. Its reply is where the items come from.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub async fn begin<O: Operation>(
        self: &Arc<Self>,
        facts: Facts,
        mut operation: O,
    ) -> Result<(O::Reply, Standing<O>), Refusal> {
        if O::METHOD.audit != AuditClass::Read {
            return Err(EngineError::Internal("a stream that changes something needs an outcome".to_owned()).into());
        }
        let world = self.lifecycle.world()?;
        world.vault.trusted().map_err(EngineError::from)?;
        operation.connected(&facts.connection());
        let permit = self.permit(&world, &facts, &operation).await?;
        let entry = entry_of(&world, &facts, &permit, &operation);
        let outcome = commit::execute(&world, &facts, &permit, None, &operation).await;
        let reply = self.complete(&world, &facts, &permit, entry, outcome).await?.into_reply();
        let caller = permit.caller().clone();
        Ok((reply, Standing { pipeline: Arc::clone(self), facts, caller, operation }))
    }
}

impl<O: Operation> Standing<O> {
    /// Whether the caller may have the next item. Asks hot tables only.
    ///
    /// # Errors
    /// [`Refusal`]: the stream ends.
    pub async fn check(&self) -> Result<Arc<World>, Refusal> {
        let lifecycle = &self.pipeline.lifecycle;
        if lifecycle.is_stopping() {
            return Err(EngineError::Unavailable("the broker is stopping; try again".to_owned()).into());
        }
        let world = lifecycle.world()?;
        world.vault.trusted().map_err(EngineError::from)?;
        let still = world.identity.still(&self.caller, self.facts.certificate.as_deref());
        still.map_err(Refusal::Identity)?;
        world.policy.still_assumes(&self.caller).map_err(|_| Refusal::Identity(IdentityError::TokenRoleDenied))?;
        let deadline = tokio::time::Instant::now() + super::DENIAL;
        let _permit =
            self.pipeline.authorize(&world, &self.facts, self.caller.clone(), &self.operation, deadline).await?;
        Ok(world)
    }
}
