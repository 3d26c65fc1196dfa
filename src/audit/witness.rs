//! Checkpoints for those outside who keep the latest and refuse one that is not its continuation: connected nodes.
//!
//! A witness says how much of the log it has seen, and gets a newer checkpoint with what the tree grew by since. So no other
//! history can be shown to it later, by whoever holds the broker and its signing key.

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    ops::Range,
    path::Path,
    sync::{Arc, PoisonError},
    time::Duration,
};

use keyward_kit::audit::{Checkpoint, Hash, read};
use tokio::time::Instant;

use super::{Audit, AuditError};

/// For so long all witnesses get the same checkpoint, so that what it grew by is read once for all of them. No witness makes
/// the broker read more than once in that time.
const SAME: Duration = Duration::from_secs(50);
/// The most records that are read for one answer; who is further behind gets there over older checkpoints.
const MOST: u64 = 2_000_000;
/// Answers that are kept for other witnesses.
const KEPT: usize = 16;
/// How long a checkpoint may take to be made.
const WITHIN: Duration = Duration::from_secs(2);

/// Who keeps checkpoints: a node's id.
pub type WitnessId = [u8; 16];

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

/// What is handed out, since the key came.
#[derive(Default)]
pub(super) struct Handed {
    latest: Option<(Instant, String, u64)>,
    /// From what was seen to the latest: a checkpoint on the way or at its end, and what the log grew by.
    grown: VecDeque<(Range<u64>, Grown)>,
    /// For whom the log was read, and when.
    read_for: BTreeMap<WitnessId, Instant>,
}

/// A checkpoint and what the log grew by to it.
type Grown = (String, Vec<Hash>);

impl Handed {
    fn grown(&self, range: &Range<u64>) -> Option<Grown> {
        self.grown.iter().find(|(kept, _)| kept == range).map(|(_, grown)| grown.clone())
    }

    fn keep(&mut self, range: Range<u64>, grown: Grown) {
        self.grown.truncate(KEPT - 1);
        self.grown.push_front((range, grown));
    }

    /// Whether this witness may have the log read now; it counts from then on.
    fn may_read(&mut self, witness: WitnessId) -> bool {
        self.read_for.retain(|_, at| at.elapsed() < SAME);
        self.read_for.insert(witness, Instant::now()).is_none()
    }
}

impl Audit {
    /// A checkpoint for a witness that has seen the first `seen` records of this log; none when there is no newer one, or
    /// when another witness is being answered: it asks again. Who stops waiting finds the answer at the next try.
    ///
    /// # Errors
    /// [`AuditError`] when the log cannot be read.
    pub async fn for_witness(&self, witness: WitnessId, seen: u64) -> Result<Option<ForWitness>, AuditError> {
        let signing = self.signing.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(signing) = signing else { return Ok(None) };
        // One at a time: a log that has grown long is read for a while.
        let Ok(mut handed) = Arc::clone(&signing.handed).try_lock_owned() else { return Ok(None) };
        if handed.latest.as_ref().is_none_or(|(at, ..)| at.elapsed() >= SAME) {
            // Over the log as it is: after a restore the register knows an older one.
            self.checkpoint(WITHIN).await?;
            let standing = signing.standing.lock().await;
            let last = standing.entry.last.clone().filter(|_| standing.fresh);
            let size = last.as_deref().and_then(|note| Checkpoint::danger_unverified(note).ok()).map(|last| last.size);
            handed.latest = last.zip(size).map(|(note, size)| (Instant::now(), note, size));
        }
        let Some((_, note, size)) = handed.latest.clone() else { return Ok(None) };
        let verifier = signing.signer.verifier().to_string();
        let answer = |note, growth| Ok(Some(ForWitness { note, verifier: verifier.clone(), from: seen, growth }));
        if size <= seen {
            // A witness that has seen more finds that this log is not the one that it knows.
            return if size < seen { answer(note, Vec::new()) } else { Ok(None) };
        }
        if let Some((note, growth)) = handed.grown(&(seen..size)) {
            return answer(note, growth);
        }
        let Some(epoch) = self.epoch().filter(|_| handed.may_read(witness)) else { return Ok(None) };
        let folder = self.folder.clone();
        let grown = self.read(move || {
            let Some((note, to)) = within_reach(&folder, epoch, seen, note, size)? else { return Ok(None) };
            let Some(growth) = read::growth(&folder, epoch, seen, to)? else { return Ok(None) };
            handed.keep(seen..size, (note.clone(), growth.clone()));
            Ok(Some((note, growth)))
        });
        match grown.await? {
            Some((note, growth)) => answer(note, growth),
            None => Ok(None),
        }
    }
}

/// The same checkpoint, or an older one where too much lies in between.
fn within_reach(folder: &Path, epoch: u64, seen: u64, note: String, size: u64) -> io::Result<Option<(String, u64)>> {
    // From nothing, the headers of the files tell most of it.
    if seen == 0 || size - seen <= MOST {
        return Ok(Some((note, size)));
    }
    let most = seen.saturating_add(MOST);
    let notes = read::checkpoints(folder, epoch)?.into_iter().map(|(_, note)| note);
    let sized = notes.filter_map(|note| {
        let size = Checkpoint::danger_unverified(&note).ok()?.size;
        (size > seen).then_some((note, size))
    });
    // The largest within reach; where none is, the nearest.
    let (within, beyond): (Vec<_>, Vec<_>) = sized.partition(|(_, size)| *size <= most);
    let largest = within.into_iter().max_by_key(|(_, size)| *size);
    Ok(largest.or_else(|| beyond.into_iter().min_by_key(|(_, size)| *size)))
}
