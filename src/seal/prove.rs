//! Proving on a schedule that every member could give its share, so that a dead one is known before it is needed.

use std::{collections::BTreeMap, time::Duration};

use futures_util::future::join_all;
use keyward_sdk::{time::Timestamp, wrapper::WrapError};

use super::{
    How, Name, SealRecord,
    open::{Answer, ask, fits, wrappers},
};

/// What one try showed of one member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The member's path.
    pub path: Name,
    /// The member.
    pub member: Name,
    /// When it was tried.
    pub at: Timestamp,
    /// How long the answer took.
    pub latency: Duration,
    /// Whether it gave its share.
    pub outcome: Result<(), ProofError>,
}

/// Why a member did not prove itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// It failed or was silent.
    #[error(transparent)]
    Member(#[from] WrapError),
    /// It gave something else than its share.
    #[error("answered with wrong bytes: its share's hash does not fit")]
    Wrong,
}

/// Opens every share that is with a key, all at once. The shares are wiped again; nothing is combined.
pub async fn prove(record: &SealRecord, how: &How<'_>) -> Vec<Proof> {
    let answers = join_all(wrappers(record).map(|place| ask(record, place, how))).await;
    let at = how.clock.now();
    let each = answers.into_iter().map(|Answer { place, share, latency }| Proof {
        path: place.of.name.clone(),
        member: place.member.name.clone(),
        at,
        latency,
        outcome: match share {
            Ok(share) if fits(record, place.of, place.member, &share) => Ok(()),
            Ok(_) => Err(ProofError::Wrong),
            Err(error) => Err(error.into()),
        },
    });
    each.collect()
}

/// The last try of each member, and when it last succeeded.
#[derive(Clone, Debug, Default)]
pub struct ProofBook {
    entries: BTreeMap<(Name, Name), Entry>,
}

#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) last: Proof,
    pub(super) good: Option<Timestamp>,
}

impl ProofBook {
    /// Notes what a round showed, and forgets members that the record no longer has.
    pub fn note(&mut self, record: &SealRecord, proofs: Vec<Proof>) {
        for proof in proofs {
            let place = (proof.path.clone(), proof.member.clone());
            let before = self.entries.get(&place).and_then(|entry| entry.good);
            let good = if proof.outcome.is_ok() { Some(proof.at) } else { before };
            self.entries.insert(place, Entry { last: proof, good });
        }
        self.entries.retain(|(path, member), _| {
            record.path(path).is_some_and(|path| path.members.iter().any(|one| one.name == *member))
        });
    }

    pub(super) fn of(&self, path: &Name, member: &Name) -> Option<&Entry> {
        self.entries.get(&(path.clone(), member.clone()))
    }
}
