//! Takes one person's share, or asks the members that need no person.

use keyward_sdk::secret::SecretString;

use super::{SYSTEM, SealStatus, SealedOperation, status};
use crate::{
    engine::{EngineError, Lifecycle, SealState},
    method::{Action, Method, Tenantwide, rows},
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

    async fn execute(&self, lifecycle: &Lifecycle, local: Option<u32>) -> Result<SealStatus, EngineError> {
        if lifecycle.state().await? == SealState::Unsealed {
            return status::status(lifecycle, local).await;
        }
        let Some(share) = &self.share else {
            lifecycle.open_for(local).await?;
            return status::status(lifecycle, local).await;
        };
        if let Some(unsealed) = lifecycle.give_share(share).await? {
            lifecycle.adopt(unsealed).await?;
        }
        status::status(lifecycle, local).await
    }
}
