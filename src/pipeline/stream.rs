//! Answers that are streams: authorized and recorded at the start as any request is, and authorized again for every item.

use std::sync::Arc;

use tokio::time::Instant;

use super::{Facts, Pipeline, Refusal};
use crate::{
    engine::{EngineError, Operation, World},
    identity::{Caller, IdentityError},
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
        let (recorded, caller) = self.run_for(&facts, &mut operation).await?;
        Ok((recorded.into_reply(), Standing { pipeline: Arc::clone(self), facts, caller, operation }))
    }
}

impl<O: Operation> Standing<O> {
    /// The pipeline that it began in.
    #[must_use]
    pub fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    /// Who asked.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Runs the request that began the stream once more through all stations.
    ///
    /// # Errors
    /// As [`Pipeline::run`], by the deadline.
    pub async fn again(&mut self, deadline: Instant) -> Result<O::Reply, Refusal> {
        self.facts.deadline = deadline;
        let (recorded, caller) = self.pipeline.run_for(&self.facts, &mut self.operation).await?;
        self.caller = caller;
        Ok(recorded.into_reply())
    }

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
        let caller = still.map_err(Refusal::Identity)?;
        world.policy.still_assumes(&caller).map_err(|_| Refusal::Identity(IdentityError::TokenRoleDenied))?;
        let deadline = Instant::now() + super::DENIAL;
        let _permit = self.pipeline.authorize(&world, &self.facts, caller, &self.operation, deadline).await?;
        Ok(world)
    }
}
