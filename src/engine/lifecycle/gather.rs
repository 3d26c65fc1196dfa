//! Opening by people: their shares are gathered in memory, and those of members that are keys are asked for beside them.

use std::sync::PoisonError;

use keyward_sdk::secret::SecretString;
use tracing::info;

use super::{Lifecycle, members::warn_of};
use crate::{
    engine::EngineError,
    seal::{self, PathProgress, Progress, SealRecord, ShareError, Step, Unsealed},
};

impl Lifecycle {
    /// Takes one person's share. Gives the proof once a path has enough.
    ///
    /// # Errors
    /// When the share is refused; those given before stay.
    pub(in crate::engine) async fn give_share(&self, share: &SecretString) -> Result<Option<Unsealed>, EngineError> {
        let record = self.record().await?;
        let step = self.gathering(&record, |progress| progress.submit(share))?;
        match step.map_err(|error| refused(&error))? {
            Step::Open(unsealed) => return Ok(Some(unsealed)),
            Step::Again(_) | Step::More(_) if !record.mixes_people_and_keys() => return Ok(None),
            Step::Again(_) | Step::More(_) => {}
        }
        match seal::open(&record, &self.how()).await {
            Ok(opened) => Ok(Some(opened.unsealed)),
            Err(tried) => {
                warn_of(&tried.report);
                self.gathering(&record, |progress| progress.add_members(*tried))
            }
        }
    }

    /// Proves that people's shares of one request open the root by themselves. Members that are keys add nothing here: they
    /// are the broker's own, and say nothing of who asks. Nothing is kept.
    ///
    /// # Errors
    /// When one is refused, or they are too few.
    pub(in crate::engine) fn prove_shares(
        &self,
        record: SealRecord,
        shares: &[SecretString],
    ) -> Result<Unsealed, EngineError> {
        let mut progress = self.begun(record)?;
        let mut last = None;
        for share in shares {
            match progress.submit(share).map_err(|error| refused(&error))? {
                Step::Open(unsealed) => return Ok(unsealed),
                Step::Again(at) | Step::More(at) => last = Some(at),
            }
        }
        let told =
            last.map_or_else(String::new, |at| format!("path {} has {} of {} shares: ", at.path, at.have, at.need));
        let what = format!("{told}give all that it takes in one request");
        Err(EngineError::NotProven { reason: "MORE_SHARES", what })
    }

    /// How far the paths of people have come.
    pub(in crate::engine) fn shares_given(&self, record: &SealRecord) -> Vec<PathProgress> {
        let mut slot = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        slot.as_mut().filter(|progress| progress.is_for(record)).map(Progress::paths).unwrap_or_default()
    }

    /// For the job that runs every minute: forgets shares that people gave a while ago and did not complete.
    pub fn forget_old_shares(&self) {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        if progress.as_mut().is_some_and(Progress::expire) {
            *progress = None;
            info!("Shares forgotten because no other came in time");
        }
    }

    fn begun(&self, record: SealRecord) -> Result<Progress, EngineError> {
        Progress::new(record, self.clock().clone(), self.parts.pin)
            .map_err(|error| EngineError::state("NOT_OPENED", error.to_string()))
    }

    /// Works with the shares that were given for this record so far.
    fn gathering<R>(&self, record: &SealRecord, work: impl FnOnce(&mut Progress) -> R) -> Result<R, EngineError> {
        let mut slot = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        let mut progress = match slot.take().filter(|progress| progress.is_for(record)) {
            Some(progress) => progress,
            None => self.begun(record.clone())?,
        };
        let done = work(&mut progress);
        *slot = Some(progress);
        Ok(done)
    }
}

fn refused(error: &ShareError) -> EngineError {
    EngineError::NotProven { reason: "SHARE_REFUSED", what: error.to_string() }
}
