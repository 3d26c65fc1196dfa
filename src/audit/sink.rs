//! Where records go. A request goes on when one sink took its record; a sink that lags holds up nobody for long.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures_util::{StreamExt, stream::FuturesUnordered};
use keyward_kit::audit::{AppendError, Durability, FileLog, Priority};
use keyward_sdk::time::{Monotonic, SharedClock};
use tokio::time::Instant;
use tracing::warn;

/// How long the others are waited for once one sink took a record.
const PATIENCE: Duration = Duration::from_millis(100);
/// How long a sink that was too slow is left alone, while another takes records.
const REST: Duration = Duration::from_secs(5);

/// A record on its way.
#[derive(Clone, Debug)]
pub struct Taking {
    /// The record in its binary form, its sequence not yet set.
    pub body: Vec<u8>,
    /// What it must outlast.
    pub durability: Durability,
    /// Whether it may use the reserve.
    pub priority: Priority,
}

/// A place that records go to.
#[async_trait]
pub trait Sink: Send + Sync + 'static {
    /// Its name in logs.
    fn name(&self) -> &str;
    /// Takes a record within the time given. Says its place, if it has places.
    ///
    /// # Errors
    /// [`AppendError`]: it did not take it.
    async fn take(&self, record: Taking, within: Duration) -> Result<Option<u64>, AppendError>;
    /// Takes a signed checkpoint.
    ///
    /// # Errors
    /// [`AppendError`]: it did not take it.
    async fn checkpoint(&self, note: &str, within: Duration) -> Result<(), AppendError>;
}

#[async_trait]
impl Sink for FileLog {
    fn name(&self) -> &str {
        "file"
    }

    async fn take(&self, record: Taking, within: Duration) -> Result<Option<u64>, AppendError> {
        self.append(record.body, record.durability, record.priority, within).await.map(Some)
    }

    async fn checkpoint(&self, note: &str, within: Duration) -> Result<(), AppendError> {
        self.keep_checkpoint(note.to_owned(), within).await
    }
}

struct Held {
    sink: Arc<dyn Sink>,
    slow_since: Mutex<Option<Monotonic>>,
    missed: AtomicU64,
}

/// The file log first, then all others.
pub(super) struct Sinks {
    file: Arc<FileLog>,
    others: Vec<Held>,
    file_slow: Held,
    clock: SharedClock,
}

impl Sinks {
    pub(super) fn new(file: Arc<FileLog>, others: Vec<Arc<dyn Sink>>, clock: SharedClock) -> Self {
        let held = |sink| Held { sink, slow_since: Mutex::new(None), missed: AtomicU64::new(0) };
        let file_slow = held(Arc::clone(&file) as Arc<dyn Sink>);
        Self { file, others: others.into_iter().map(held).collect(), file_slow, clock }
    }

    pub(super) async fn take(&self, record: Taking, deadline: Instant) -> Result<Option<u64>, AppendError> {
        let within = deadline.saturating_duration_since(Instant::now());
        if self.others.is_empty() {
            return self.file.append(record.body, record.durability, record.priority, within).await.map(Some);
        }
        let all: Vec<&Held> = std::iter::once(&self.file_slow).chain(&self.others).collect();
        let mut asked: Vec<&Held> = all.iter().copied().filter(|held| !self.rests(held)).collect();
        if asked.is_empty() {
            asked = all;
        }
        self.take_any(&asked, record, within).await
    }

    async fn take_any(&self, asked: &[&Held], record: Taking, within: Duration) -> Result<Option<u64>, AppendError> {
        let mut open: FuturesUnordered<_> = asked
            .iter()
            .enumerate()
            .map(|(n, held)| {
                let take = held.sink.take(record.clone(), within);
                async move { (n, take.await) }
            })
            .collect();
        let (mut taken, mut place, mut error) = (vec![false; asked.len()], None, AppendError::Stopped);
        let mut patience = within;
        while let Ok(Some((n, result))) = tokio::time::timeout(patience, open.next()).await {
            match result {
                Ok(sequence) => {
                    place = place.or(sequence);
                    taken.get_mut(n).into_iter().for_each(|taken| *taken = true);
                    patience = patience.min(PATIENCE);
                }
                Err(AppendError::Stopped) => {}
                Err(why) => error = why,
            }
        }
        let any = taken.contains(&true);
        asked.iter().zip(&taken).for_each(|(held, taken)| self.note(held, *taken));
        if any { Ok(place) } else { Err(error) }
    }

    fn rests(&self, held: &Held) -> bool {
        let slow = held.slow_since.lock().unwrap_or_else(PoisonError::into_inner);
        let rests = slow.is_some_and(|since| self.clock.monotonic().since(since) < REST);
        if rests {
            held.missed.fetch_add(1, Ordering::Relaxed);
        }
        rests
    }

    fn note(&self, held: &Held, taken: bool) {
        let mut slow = held.slow_since.lock().unwrap_or_else(PoisonError::into_inner);
        if !taken {
            held.missed.fetch_add(1, Ordering::Relaxed);
            *slow = Some(self.clock.monotonic());
        } else if slow.take().is_some() {
            let missed = held.missed.swap(0, Ordering::Relaxed);
            warn!(audit.sink = held.sink.name(), missed, "Audit sink takes records again");
        }
    }

    /// Hands a checkpoint to every sink.
    pub(super) async fn checkpoint(&self, note: &str, within: Duration) {
        for held in std::iter::once(&self.file_slow).chain(&self.others) {
            if let Err(error) = held.sink.checkpoint(note, within).await {
                warn!(audit.sink = held.sink.name(), %error, "Audit sink did not take a checkpoint");
            }
        }
    }
}
