//! Shows the latest signed checkpoint of a log.

use super::{LOG, audit, no_log, unreadable};
use crate::{
    engine::{Done, EngineError, Operation, Reply, World},
    method::{Action, Method, Tenantwide, rows},
    policy::Permit,
};

/// See the module.
pub struct GetCheckpoint {
    /// The log; none: the one that is written now.
    pub origin: Option<String>,
}

/// A checkpoint and the key that it is signed with.
pub struct LatestCheckpoint {
    /// The signed note.
    pub note: String,
    /// The public key, as text.
    pub verifier: String,
}

impl Reply for LatestCheckpoint {}

impl Action for GetCheckpoint {
    const METHOD: &'static Method = &rows::audit::CHECKPOINT;
    type Resource = Tenantwide;
    fn resource(&self) -> Tenantwide {
        LOG
    }
}

impl Operation for GetCheckpoint {
    type Reply = LatestCheckpoint;

    async fn execute(&self, _permit: &Permit<Self>, world: &World) -> Result<Done<LatestCheckpoint>, EngineError> {
        let audit = audit(world)?;
        let origin = self.origin.as_deref().unwrap_or(audit.origin());
        let log = audit.registered_as(origin).await.map_err(unreadable)?.ok_or_else(|| no_log(origin))?;
        let note = log.last.ok_or_else(|| EngineError::State {
            reason: "NO_CHECKPOINT",
            what: format!("the log `{origin}` has no checkpoint yet; try again in a second"),
        })?;
        Ok(Done::Answer(LatestCheckpoint { note, verifier: log.verifier }))
    }
}
