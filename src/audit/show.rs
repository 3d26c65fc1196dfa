//! Showing the log of this replica. Files are read on threads of their own, a few at a time: no thread that serves waits
//! for the disk.

use std::{
    collections::{BTreeSet, VecDeque},
    io,
    path::PathBuf,
    sync::{Arc, PoisonError},
    time::Duration,
};

use keyward_kit::audit::{
    Checkpoint, Record,
    read::{self, Filter, Found, Records},
    record::Phase,
};
use tokio::sync::OwnedSemaphorePermit;

use super::{Audit, AuditError, RegisteredLog, station::SETTLED};

/// Logs that may be followed at once.
pub const MAX_TAILS: usize = 64;
/// Files that are read at once.
pub(super) const READERS: usize = 2;
/// The most records of one page.
const PAGE: usize = 256;
/// The most records that are looked at for one page.
const LOOKED_AT: usize = 16_384;
/// How long a checkpoint for a proof may take.
const CHECKPOINT: Duration = Duration::from_secs(5);

/// A record and the log that it is in.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The log.
    pub origin: Arc<str>,
    /// The record.
    pub found: Found,
}

/// The records of this replica that a filter takes, from some place on.
pub struct Tail {
    audit: Arc<Audit>,
    /// None while a thread has it.
    place: Option<Place>,
    _held: OwnedSemaphorePermit,
}

impl Audit {
    /// Reads the log from its beginning; none when too many do already.
    #[must_use]
    pub fn tail(self: &Arc<Self>, filter: Filter) -> Option<Tail> {
        let held = Arc::clone(&self.tails).try_acquire_owned().ok()?;
        let place = Some(Place::new(self.folder.clone(), filter));
        Some(Tail { audit: Arc::clone(self), place, _held: held })
    }

    /// How many records the log has that this replica writes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.log.status().size
    }

    /// Every log that was ever registered; none while sealed.
    ///
    /// # Errors
    /// [`AuditError`] of the register.
    pub async fn registered(&self) -> Result<Vec<RegisteredLog>, AuditError> {
        let signing = self.signing.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match signing {
            Some(signing) => Ok(signing.register.list().await?),
            None => Ok(Vec::new()),
        }
    }

    /// What is registered of one log; none when it is not.
    ///
    /// # Errors
    /// [`AuditError`] of the register.
    pub async fn registered_as(&self, origin: &str) -> Result<Option<RegisteredLog>, AuditError> {
        Ok(self.registered().await?.into_iter().find(|log| log.origin == origin))
    }

    /// One record of a log that this replica wrote; none when there is no such record here.
    ///
    /// # Errors
    /// [`AuditError`] when the log cannot be read.
    pub async fn record(&self, origin: &str, sequence: u64) -> Result<Option<Found>, AuditError> {
        let Some(epoch) = self.epoch_of(origin) else { return Ok(None) };
        if origin == self.origin() && sequence >= self.size() {
            return Ok(None);
        }
        let folder = self.folder.clone();
        self.read(move || {
            if !read::epochs(&folder)?.contains(&epoch) {
                return Ok(None);
            }
            let found = Records::open(&folder, epoch, sequence)?.next()?;
            Ok(found.filter(|found| found.sequence == sequence))
        })
        .await
    }

    /// A proof that a record is in a log that this replica wrote, and the key that it is checked with; none when no
    /// checkpoint covers the record.
    ///
    /// # Errors
    /// [`AuditError`] when the log or the register cannot be read.
    pub async fn proof(&self, origin: &str, sequence: u64) -> Result<Option<(String, String)>, AuditError> {
        let Some(epoch) = self.epoch_of(origin) else { return Ok(None) };
        let covers = |note: &String| Checkpoint::danger_unverified(note).is_ok_and(|last| last.size > sequence);
        let mut log = self.registered_as(origin).await?;
        if origin == self.origin() && !log.as_ref().and_then(|log| log.last.as_ref()).is_some_and(covers) {
            self.checkpoint(CHECKPOINT).await?;
            log = self.registered_as(origin).await?;
        }
        let Some((verifier, note)) = log.and_then(|log| Some((log.verifier, log.last.filter(covers)?))) else {
            return Ok(None);
        };
        let folder = self.folder.clone();
        let proof = self.read(move || read::inclusion_proof(&folder, epoch, sequence, &note)).await?;
        Ok(proof.map(|proof| (proof, verifier)))
    }

    /// The intents from sequence `from` on of which it is told that they were done in the log that this
    /// replica writes, by log.
    ///
    /// # Errors
    /// [`AuditError`] when the log cannot be read.
    pub async fn outcomes(&self, from: u64) -> Result<BTreeSet<(String, u64)>, AuditError> {
        let (folder, origin, size) = (self.folder.clone(), self.origin().to_owned(), self.size());
        let Some(epoch) = self.epoch_of(&origin) else { return Ok(BTreeSet::new()) };
        self.read(move || {
            let mut told = BTreeSet::new();
            let mut records = Records::open(&folder, epoch, from)?;
            let mut next = from;
            while next < size {
                let Some(found) = records.next()? else { break };
                next = found.sequence.saturating_add(1);
                let Ok(record) = Record::parse(&found.body) else { continue };
                told.extend(told_by(&record, &origin));
            }
            Ok(told)
        })
        .await
    }

    /// The epoch in the name of a log of this replica.
    fn epoch_of(&self, origin: &str) -> Option<u64> {
        let (ours, _) = self.origin().rsplit_once('/')?;
        origin.strip_prefix(ours)?.strip_prefix('/')?.parse().ok()
    }

    /// The epoch of the log that is written.
    pub(super) fn epoch(&self) -> Option<u64> {
        self.epoch_of(self.origin())
    }

    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> Result<T, AuditError> {
        let failed = |error| AuditError::Folder(self.folder.display().to_string(), error);
        let turn = Arc::clone(&self.readers).acquire_owned().await.map_err(|error| failed(io::Error::other(error)))?;
        // The reading goes on when nobody waits for it any more, and so holds its place itself.
        let reading = move || {
            let _turn = turn;
            work()
        };
        let done = tokio::task::spawn_blocking(reading).await;
        done.map_err(|error| failed(io::Error::other(error)))?.map_err(failed)
    }
}

impl Tail {
    /// The next records; none at the end of what is written so far.
    ///
    /// # Errors
    /// [`AuditError`] when the log cannot be read.
    pub async fn page(&mut self) -> Result<Vec<Shown>, AuditError> {
        loop {
            let (page, at_end) = self.look().await?;
            if at_end || !page.is_empty() {
                return Ok(page);
            }
        }
    }

    /// The newest records, at most `last`; what follows are those written later.
    ///
    /// # Errors
    /// [`AuditError`] when the log cannot be read.
    pub async fn newest(&mut self, last: usize) -> Result<VecDeque<Shown>, AuditError> {
        let whole = self.audit.size();
        let filter = self.place.as_ref().map(|place| place.filter.clone()).unwrap_or_default();
        // Most often they are near the end. The last round reads everything.
        for back in
            [last.saturating_mul(16), last.saturating_mul(1_024)].map(|back| back as u64).into_iter().chain([u64::MAX])
        {
            let mut place = Place::new(self.audit.folder.clone(), filter.clone());
            if back < whole {
                place.begin_at(self.own_epoch(), whole - back);
            }
            self.place = Some(place);
            let mut newest = VecDeque::with_capacity(last.min(PAGE));
            loop {
                let (page, at_end) = self.look().await?;
                for record in page {
                    if newest.len() == last {
                        newest.pop_front();
                    }
                    newest.push_back(record);
                }
                if at_end {
                    break;
                }
            }
            if newest.len() == last || back >= whole {
                return Ok(newest);
            }
        }
        Ok(VecDeque::new())
    }

    /// Whether more was written since the end was reached.
    #[must_use]
    pub fn has_more(&self) -> bool {
        self.place.as_ref().is_some_and(|place| place.next < self.audit.size())
    }

    fn own_epoch(&self) -> u64 {
        self.audit.epoch_of(self.audit.origin()).unwrap_or_default()
    }

    async fn look(&mut self) -> Result<(Vec<Shown>, bool), AuditError> {
        let own = self.own_epoch();
        let log = self.audit.origin().rsplit_once('/').map(|(log, _)| log.to_owned()).unwrap_or_default();
        let mut place = self.place.take().ok_or_else(|| {
            AuditError::Folder(self.audit.folder.display().to_string(), io::Error::other("an earlier read did not end"))
        })?;
        // Only what the writer has told: what is being written is not whole.
        let size = self.audit.size();
        let (place, page) = self.audit.read(move || place.page(&log, own, size).map(|page| (place, page))).await?;
        self.place = Some(place);
        Ok(page)
    }
}

/// The intent of which a record tells that it was done. That it failed is not the truth where its promise is stored.
fn told_by(record: &Record<'_>, origin: &str) -> Option<(String, u64)> {
    if record.phase == Phase::Outcome && record.outcome.is_some_and(|came| came.code == 0) {
        return Some((origin.to_owned(), record.intent.checked_sub(1)?));
    }
    let detail = |wanted: &str| record.details.iter().find(|(name, _)| *name == wanted).map(|(_, value)| *value);
    let settled = record.phase == Phase::System && record.method == SETTLED;
    settled.then(|| Some((detail("log")?.to_owned(), detail("intent")?.parse().ok()?))).flatten()
}

/// Where a reader stands.
struct Place {
    folder: PathBuf,
    filter: Filter,
    /// The epochs to come, the oldest first; none before the first look.
    epochs: Option<VecDeque<u64>>,
    records: Option<(u64, Records)>,
    /// The next sequence within the epoch that is read.
    next: u64,
}

impl Place {
    fn new(folder: PathBuf, filter: Filter) -> Self {
        Self { folder, filter, epochs: None, records: None, next: 0 }
    }

    fn begin_at(&mut self, epoch: u64, sequence: u64) {
        self.epochs = Some([epoch].into());
        self.next = sequence;
    }

    fn page(&mut self, log: &str, own: u64, size: u64) -> io::Result<(Vec<Shown>, bool)> {
        let mut page = Vec::new();
        for _ in 0..LOOKED_AT {
            if page.len() >= PAGE {
                break;
            }
            self.open()?;
            let Some((epoch, records)) = self.records.as_mut() else { return Ok((page, true)) };
            let (epoch, own) = (*epoch, *epoch == own);
            let found = if own && self.next >= size { None } else { records.next()? };
            let Some(found) = found else {
                if own {
                    return Ok((page, true));
                }
                (self.records, self.next) = (None, 0);
                continue;
            };
            self.next = found.sequence.saturating_add(1);
            let wanted = Record::parse(&found.body).is_ok_and(|record| self.filter.takes(&record));
            if wanted {
                page.push(Shown { origin: format!("{log}/{epoch}").into(), found });
            }
        }
        Ok((page, false))
    }

    /// Opens the next epoch where none is open and there is one.
    fn open(&mut self) -> io::Result<()> {
        if self.records.is_none() {
            if self.epochs.is_none() {
                self.epochs = Some(read::epochs(&self.folder)?.into());
            }
            let Some(epoch) = self.epochs.as_mut().and_then(VecDeque::pop_front) else { return Ok(()) };
            let since = match self.filter.since {
                Some(since) => read::place_of(&self.folder, epoch, since)?,
                None => 0,
            };
            self.next = self.next.max(since);
            self.records = Some((epoch, Records::open(&self.folder, epoch, self.next)?));
        }
        Ok(())
    }
}
