//! Takes one person's share, or asks the members that need no person.

use keyward_sdk::secret::SecretString;

use super::{SYSTEM, SealStatus, SealedOperation, status};
use crate::{
    engine::{EngineError, Lifecycle, lifecycle::SealState},
    method::{Action, Method, Tenantwide, rows},
    seal::{Progress, Step},
};

/// See the module.
pub struct Unseal {
    /// A share; none: ask the members.
    pub share: Option<SecretString>,
}

impl Action for Unseal {
    const METHOD: &'static Method = &rows::seal::UNSEAL;
    type Resource = Tenantwide;
    fn resource(&self) -> Tenantwide {
        SYSTEM
    }
}

impl SealedOperation for Unseal {
    type Reply = SealStatus;

    async fn execute(&self, lifecycle: &Lifecycle, _local: Option<u32>) -> Result<SealStatus, EngineError> {
        if lifecycle.state().await? == SealState::Unsealed {
            return status::status(lifecycle).await;
        }
        let Some(share) = &self.share else {
            lifecycle.open_by_itself().await?;
            return status::status(lifecycle).await;
        };
        let record = lifecycle.record().await?;
        let step = {
            let mut slot = lifecycle.progress.lock().await;
            let mut progress = match slot.take().filter(|progress| progress.is_for(&record)) {
                Some(progress) => progress,
                None => Progress::new(record, lifecycle.clock().clone(), lifecycle.parts.pin)
                    .map_err(|error| EngineError::state("NOT_OPENED", error.to_string()))?,
            };
            let step = progress.submit(share);
            if !matches!(step, Ok(Step::Open(_))) {
                *slot = Some(progress);
            }
            step
        };
        match step {
            Ok(Step::Open(unsealed)) => lifecycle.adopt(unsealed).await?,
            Ok(Step::Again(_) | Step::More(_)) => {}
            Err(error) => return Err(EngineError::NotProven { reason: "SHARE_REFUSED", what: error.to_string() }),
        }
        status::status(lifecycle).await
    }
}
