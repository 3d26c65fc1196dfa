//! Opening: all members of all paths are asked at once, and the first k of any path are enough.

mod ask;
mod collect;
mod search;

use std::time::Duration;

use futures_util::{StreamExt, stream::FuturesUnordered};
use keyward_sdk::{time::Clock, wrapper::WrapError};

use super::{Connect, Name, OpenError, RootFingerprint, SealRecord, Unsealed};

pub(super) use self::{
    ask::{Answer, ask, wrappers},
    collect::{Collected, fits},
};

/// With what the seal is opened.
#[derive(Clone, Copy)]
pub struct How<'a> {
    /// Makes the members' wrappers.
    pub connect: &'a dyn Connect,
    /// For latencies.
    pub clock: &'a dyn Clock,
    /// After how long a member counts as dead.
    pub member_timeout: Duration,
    /// The root that the settings insist on.
    pub pin: Option<RootFingerprint>,
}

/// What one member did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberReport {
    /// Its path.
    pub path: Name,
    /// Its name.
    pub member: Name,
    /// What was heard of it.
    pub heard: Heard,
    /// How long it took; none while it was still waited for.
    pub latency: Option<Duration>,
}

/// What was heard of a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It gave its share.
    Good,
    /// It failed, or gave no answer in time.
    Failed(WrapError),
    /// Others were faster; nothing is known.
    Waiting,
    /// It answered, and its share is not the one whose hash the record holds.
    Wrong,
}

/// The seal is open.
#[derive(Debug)]
pub struct Opened {
    /// The proof.
    pub unsealed: Unsealed,
    /// What the members did. Whoever failed is worth a warning.
    pub report: Vec<MemberReport>,
}

/// The seal stays shut.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct NotOpened {
    /// Why.
    #[source]
    pub error: OpenError,
    /// What the members did.
    pub report: Vec<MemberReport>,
    pub(super) collected: Collected,
}

/// Opens the root by the members that are keys. What they gave is kept in the error, for people's shares to add to.
///
/// # Errors
/// [`NotOpened`]
pub async fn open(record: &SealRecord, how: &How<'_>) -> Result<Opened, Box<NotOpened>> {
    let mut collected = Collected::new(record);
    let mut report = Vec::new();
    if let Err(error) = pinned(record, how.pin) {
        return Err(Box::new(NotOpened { error, report, collected }));
    }
    let mut asked: FuturesUnordered<_> = wrappers(record).map(|place| ask(record, place, how)).collect();
    while let Some(Answer { place, share, latency }) = asked.next().await {
        let taken = share.map(|share| collected.take(record, place, share));
        let heard = match &taken {
            Ok(true) => Heard::Good,
            Ok(false) => Heard::Wrong,
            Err(error) => Heard::Failed(error.clone()),
        };
        report.push(MemberReport { latency: Some(latency), ..place.report(heard) });
        if matches!(taken, Ok(true))
            && let Some(unsealed) = collected.try_path(record, place.path)
        {
            drop(asked);
            add_silent(record, &mut report);
            return Ok(Opened { unsealed, report });
        }
    }
    match collected.search_all(record) {
        Ok(unsealed) => Ok(Opened { unsealed, report }),
        Err(error) => Err(Box::new(NotOpened { error, report, collected })),
    }
}

/// Refuses a record of another root than the settings pin, before anyone is asked.
pub(super) fn pinned(record: &SealRecord, pin: Option<RootFingerprint>) -> Result<(), OpenError> {
    let found = record.root().fingerprint;
    match pin {
        Some(pinned) if pinned != found => Err(OpenError::Replaced { pinned, found }),
        Some(_) | None => Ok(()),
    }
}

fn add_silent(record: &SealRecord, report: &mut Vec<MemberReport>) {
    let mut silent: Vec<MemberReport> = wrappers(record).map(|place| place.report(Heard::Waiting)).collect();
    silent.retain(|one| !report.iter().any(|heard| (&heard.path, &heard.member) == (&one.path, &one.member)));
    report.append(&mut silent);
}
