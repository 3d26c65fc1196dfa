//! Checkpoints for those outside who keep the latest and refuse one that is not its continuation: connected nodes.
//!
//! A witness says how much of the log it has seen, and gets a newer checkpoint with what the tree grew by since. So no other
//! history can be shown to it later, by whoever holds the broker and its signing key.

use std::{collections::VecDeque, ops::Range, sync::PoisonError, time::Duration};

use keyward_kit::audit::{Checkpoint, Hash, read};
use tokio::time::Instant;

use super::{Audit, AuditError};

/// For so long all witnesses get the same checkpoint, so that what it grew by is read once for all of them.
const SAME: Duration = Duration::from_secs(50);
/// The most records that are read for one answer; who is further behind gets there over older checkpoints.
const MOST: u64 = 2_000_000;
/// Answers that are kept for other witnesses.
const KEPT: usize = 16;

/// A checkpoint, for whoever has seen the log as it was at another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForWitness {
    /// The signed note.
    pub note: String,
    /// The public key that it is signed with, as text.
    pub verifier: String,
    /// The size from which on `growth` counts: what the witness has seen, or 0.
    pub from: u64,
    /// What the tree grew by since ([`keyward_kit::audit::Tree::grown`]).
    pub growth: Vec<Hash>,
}

/// What is handed out.
#[derive(Default)]
pub(super) struct Handed {
    latest: Option<(Instant, String, u64)>,
    grown: VecDeque<(Range<u64>, Vec<Hash>)>,
}

impl Audit {
    /// A checkpoint for a witness that has seen the first `seen` records of this log; none when there is no newer one, or
    /// when another witness is being answered: it asks again.
    ///
    /// # Errors
    /// [`AuditError`] when the log cannot be read.
    pub async fn for_witness(&self, seen: u64) -> Result<Option<ForWitness>, AuditError> {
        let signing = self.signing.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(signing) = signing else { return Ok(None) };
        // One at a time: a log that has grown long is read for a while.
        let Ok(mut handed) = self.handed.try_lock() else { return Ok(None) };
        if handed.latest.as_ref().is_none_or(|(at, ..)| at.elapsed() >= SAME) {
            let last = signing.entry.lock().await.last.clone();
            let size = last.as_deref().and_then(|note| Checkpoint::danger_unverified(note).ok()).map(|last| last.size);
            handed.latest = last.zip(size).map(|(note, size)| (Instant::now(), note, size));
        }
        let Some((_, note, size)) = handed.latest.clone() else { return Ok(None) };
        let answer = |note, from, growth| {
            Ok(Some(ForWitness { note, verifier: signing.signer.verifier().to_string(), from, growth }))
        };
        if size <= seen {
            // A witness that has seen more finds that this log is not the one that it knows.
            return if size < seen { answer(note, seen, Vec::new()) } else { Ok(None) };
        }
        let Some((note, size)) = self.within_reach(seen, note, size).await? else { return Ok(None) };
        if let Some((_, growth)) = handed.grown.iter().find(|(range, _)| *range == (seen..size)) {
            return answer(note, seen, growth.clone());
        }
        let Some(growth) = self.growth(seen, size).await? else { return Ok(None) };
        handed.grown.truncate(KEPT - 1);
        handed.grown.push_front((seen..size, growth.clone()));
        answer(note, seen, growth)
    }

    /// The same checkpoint, or an older one where too much lies in between.
    async fn within_reach(&self, seen: u64, note: String, size: u64) -> Result<Option<(String, u64)>, AuditError> {
        // From nothing, the headers of the files tell most of it.
        if seen == 0 || size - seen <= MOST {
            return Ok(Some((note, size)));
        }
        let (folder, most) = (self.folder.clone(), seen.saturating_add(MOST));
        let Some(epoch) = self.epoch() else { return Ok(None) };
        self.read(move || {
            let notes = read::checkpoints(&folder, epoch)?.into_iter().map(|(_, note)| note);
            let sized = notes.filter_map(|note| {
                let size = Checkpoint::danger_unverified(&note).ok()?.size;
                (size > seen).then_some((note, size))
            });
            // The largest within reach; where none is, the nearest.
            let (within, beyond): (Vec<_>, Vec<_>) = sized.partition(|(_, size)| *size <= most);
            let largest = within.into_iter().max_by_key(|(_, size)| *size);
            let reached = largest.or_else(|| beyond.into_iter().min_by_key(|(_, size)| *size));
            Ok(reached)
        })
        .await
    }

    async fn growth(&self, from: u64, to: u64) -> Result<Option<Vec<Hash>>, AuditError> {
        let Some(epoch) = self.epoch() else { return Ok(None) };
        let folder = self.folder.clone();
        self.read(move || read::growth(&folder, epoch, from, to)).await
    }
}
