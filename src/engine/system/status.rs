//! Shows the seal to anyone: what it is in, never what is inside.

use super::{SYSTEM, SealedOperation};
use crate::{
    engine::{EngineError, Lifecycle, Reply, SealState},
    method::{Action, Method, Tenantwide, rows},
    seal::PathProgress,
};

/// See the module.
pub struct GetSealStatus;

/// What is shown.
pub struct SealStatus {
    /// What the broker is in.
    pub state: SealState,
    /// How far paths of people have come.
    pub progress: Vec<PathProgress>,
    /// The installation, where there is one.
    pub installation: Option<String>,
    /// Why it is sealed.
    pub reason: Option<String>,
}

impl Reply for SealStatus {}

impl Action for GetSealStatus {
    const METHOD: &'static Method = &rows::seal::STATUS;
    type Resource = Tenantwide;
    fn resource(&self) -> Tenantwide {
        SYSTEM
    }
}

impl SealedOperation for GetSealStatus {
    type Reply = SealStatus;

    async fn execute(&self, lifecycle: &Lifecycle, local: Option<u32>) -> Result<SealStatus, EngineError> {
        status(lifecycle, local).await
    }
}

pub(super) async fn status(lifecycle: &Lifecycle, local: Option<u32>) -> Result<SealStatus, EngineError> {
    let state = lifecycle.state().await?;
    let record = if state == SealState::Uninitialized { None } else { Some(lifecycle.record().await?) };
    let progress = match (&record, state) {
        (Some(record), SealState::Sealed) => lifecycle.shares_given(record),
        _ => Vec::new(),
    };
    Ok(SealStatus {
        state,
        progress,
        installation: record.map(|record| record.installation().to_string()),
        reason: if state == SealState::Sealed { lifecycle.reason(local) } else { None },
    })
}
