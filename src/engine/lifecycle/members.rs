//! What is known of the seal's members: proofs on a schedule.

use std::sync::PoisonError;

use keyward_sdk::time::{Span, Timestamp};
use tracing::warn;

use super::Lifecycle;
use crate::{
    engine::EngineError,
    seal::{self, MemberReport, ProofBook, SealRecord},
};

/// How often every member is asked for its share.
const PROVEN_EVERY: Span = Span::from_minutes(10);

impl Lifecycle {
    /// When the daemon was started.
    #[must_use]
    pub fn started(&self) -> Timestamp {
        self.started
    }

    /// What the last proofs showed.
    #[must_use]
    pub fn proofs(&self) -> ProofBook {
        self.proofs.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks every member for its share, and notes, counts and warns of what was seen.
    pub(in crate::engine) async fn prove_members(&self, record: &SealRecord) {
        let proofs = seal::prove(record, &self.how()).await;
        for proof in &proofs {
            let (path, member) = (proof.path.to_string(), proof.member.to_string());
            let up = metrics::gauge!("keyward_seal_member_up", "path" => path.clone(), "member" => member.clone());
            up.set(if proof.outcome.is_ok() { 1.0 } else { 0.0 });
            if let Err(error) = &proof.outcome {
                warn!(seal.path = %path, seal.member = %member, %error, "Seal member does not prove itself");
            }
        }
        self.proofs.lock().unwrap_or_else(PoisonError::into_inner).note(record, proofs);
    }

    /// For the job that runs every minute: proves the members when the last proof is old.
    ///
    /// # Errors
    /// [`EngineError`] when the record cannot be read.
    pub async fn prove_when_due(&self, now: Timestamp) -> Result<(), EngineError> {
        {
            let mut proven = self.proven_at.lock().unwrap_or_else(PoisonError::into_inner);
            if proven.is_some_and(|at| now < at.saturating_add(PROVEN_EVERY)) {
                return Ok(());
            }
            *proven = Some(now);
        }
        let record = self.record().await?;
        self.prove_members(&record).await;
        Ok(())
    }
}

/// Says who did not help to open.
pub(super) fn warn_of(report: &[MemberReport]) {
    for member in report {
        match &member.heard {
            seal::Heard::Good | seal::Heard::Waiting => {}
            seal::Heard::Failed(error) => {
                warn!(seal.path = %member.path, seal.member = %member.member, %error, "Seal member did not answer");
            }
            seal::Heard::Wrong => {
                warn!(seal.path = %member.path, seal.member = %member.member, "Seal member gave a wrong share");
            }
        }
    }
}

/// The same in words, for who may know of the members.
pub(super) fn told(report: &[MemberReport]) -> Vec<String> {
    let told = |member: &MemberReport| {
        let why = match &member.heard {
            seal::Heard::Good | seal::Heard::Waiting => return None,
            seal::Heard::Failed(error) => error.to_string(),
            seal::Heard::Wrong => "it gave a wrong share".to_owned(),
        };
        Some(format!("{}/{}: {why}", member.path, member.member))
    };
    report.iter().filter_map(told).collect()
}
