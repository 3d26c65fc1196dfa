//! Recent commits, kept in memory for those who watch.
//!
//! The ring is bounded in commits and bytes. Watchers read it at their own pace and hold no queue, so one that falls
//! behind the ring costs nobody else anything: it is told to list again.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::stream;
use tokio::{sync::watch, time::timeout};

use super::{Change, Revision, Watch, WatchEvent};

/// The most commits that are kept.
const MAX_COMMITS: usize = 4_096;
/// The most bytes of paths and values that are kept.
const MAX_BYTES: usize = 16 << 20;
/// How often a watch says that it is complete although nothing happened.
const SIGN_OF_LIFE: Duration = Duration::from_millis(300);

/// What one commit changed.
pub(super) struct Commit {
    pub(super) revision: Revision,
    pub(super) changes: Vec<Change>,
}

impl Commit {
    fn bytes(&self) -> usize {
        self.changes.iter().map(Change::bytes).sum()
    }
}

/// Where commits are published. When it is dropped, every watch ends.
pub(super) struct Feed {
    ring: Arc<Mutex<Ring>>,
    tip: watch::Sender<Revision>,
}

struct Ring {
    /// Every commit after this one is here.
    base: Revision,
    /// The last commit.
    tip: Revision,
    commits: VecDeque<Commit>,
    bytes: usize,
}

enum Step {
    Event(WatchEvent, Revision),
    Lost,
    Nothing,
}

impl Feed {
    /// A feed of a store whose last commit is `tip`: only what comes after it can be watched.
    pub(super) fn new(tip: Revision) -> Self {
        let ring = Ring { base: tip, tip, commits: VecDeque::new(), bytes: 0 };
        Self { ring: Arc::new(Mutex::new(ring)), tip: watch::Sender::new(tip) }
    }

    /// The revision of the last commit.
    pub(super) fn tip(&self) -> Revision {
        *self.tip.borrow()
    }

    /// Shows commits to the watchers. They come in order.
    pub(super) fn publish(&self, commits: impl IntoIterator<Item = Commit>) {
        let tip = {
            let mut ring = lock(&self.ring);
            commits.into_iter().for_each(|commit| ring.push(commit));
            ring.tip
        };
        self.tip.send_replace(tip);
    }

    /// Starts over at `tip`, because commits may have been missed. Watchers that are not there yet are told.
    pub(super) fn restart(&self, tip: Revision) {
        *lock(&self.ring) = Ring { base: tip, tip, commits: VecDeque::new(), bytes: 0 };
        self.tip.send_replace(tip);
    }

    /// Every commit after `from` that touches `prefix`.
    pub(super) fn watch(&self, prefix: &str, from: Revision) -> Watch {
        let watcher = Watcher {
            ring: Arc::clone(&self.ring),
            tip: self.tip.subscribe(),
            prefix: prefix.to_owned(),
            seen: from,
            ended: false,
        };
        Box::pin(stream::unfold(watcher, Watcher::next))
    }
}

impl Ring {
    fn push(&mut self, commit: Commit) {
        self.tip = commit.revision;
        self.bytes += commit.bytes();
        self.commits.push_back(commit);
        while self.commits.len() > MAX_COMMITS || self.bytes > MAX_BYTES {
            let Some(oldest) = self.commits.pop_front() else { break };
            self.bytes = self.bytes.saturating_sub(oldest.bytes());
            self.base = oldest.revision;
        }
    }

    fn after(&self, seen: Revision, prefix: &str) -> Step {
        if seen < self.base || seen > self.tip {
            return Step::Lost;
        }
        let start = self.commits.partition_point(|commit| commit.revision <= seen);
        for commit in self.commits.range(start..) {
            let changes: Vec<_> =
                commit.changes.iter().filter(|change| change.path().as_str().starts_with(prefix)).cloned().collect();
            if !changes.is_empty() {
                return Step::Event(WatchEvent::Commit(commit.revision, changes), commit.revision);
            }
        }
        if self.tip > seen { Step::Event(WatchEvent::Commit(self.tip, Vec::new()), self.tip) } else { Step::Nothing }
    }
}

struct Watcher {
    ring: Arc<Mutex<Ring>>,
    tip: watch::Receiver<Revision>,
    prefix: String,
    seen: Revision,
    ended: bool,
}

impl Watcher {
    async fn next(mut self) -> Option<(WatchEvent, Self)> {
        if self.ended {
            return None;
        }
        loop {
            // Marked as seen before the ring is read, so that a commit in between wakes the wait below.
            self.tip.borrow_and_update();
            let step = lock(&self.ring).after(self.seen, &self.prefix);
            match step {
                Step::Event(event, seen) => {
                    self.seen = seen;
                    return Some((event, self));
                }
                Step::Lost => {
                    self.ended = true;
                    return Some((WatchEvent::Resync, self));
                }
                Step::Nothing => match timeout(SIGN_OF_LIFE, self.tip.changed()).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_closed)) => return None,
                    Err(_elapsed) => return Some((WatchEvent::Commit(self.seen, Vec::new()), self)),
                },
            }
        }
    }
}

fn lock(ring: &Mutex<Ring>) -> MutexGuard<'_, Ring> {
    ring.lock().unwrap_or_else(PoisonError::into_inner)
}
