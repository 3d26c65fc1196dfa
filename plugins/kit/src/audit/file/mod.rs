//! The log in files: `audit-<epoch>-<number>.kwa` in one directory, each record chained to the one before.
//!
//! **Group commit.** What is appended gathers while a write is under way; the next write takes all of it. By default a
//! thread of its own writes, because a write may hang for ever (a frozen or dead disk) and must never hold a thread that
//! serves requests. [`Writes::Inline`] lets the request that finds no write under way write what has gathered itself: that
//! saves the hand-over when little is going on, and costs the guarantee.
//!
//! **Full disk.** A reserve lies ready, written once and never shared: its space takes the records of priority
//! [`Priority::Urgent`] when no other space is left. Everything else fails until there is space again, and then goes on.

mod checkpoints;
mod durable;
mod medium;
mod queue;
mod recover;
pub(crate) mod scan;
pub(crate) mod segment;
#[cfg(test)]
mod tests;
mod writer;

use std::{sync::Arc, time::Duration};

use keyward_sdk::time::SharedClock;
use tokio::sync::oneshot;

pub(crate) use self::{
    checkpoints::{
        file_name as checkpoints_name, parse_name as parse_kept_name, split as split_checkpoints, verifier_name,
    },
    medium::open_to_read,
};
pub use self::{
    medium::{Disk, Medium, Store},
    recover::{Cut, OpenError, Recovered},
};
use self::{
    queue::{Command, Pending, Shared},
    writer::Writer,
};
use super::tree::Hash;

/// What a record must outlast before its request goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// A loss of power.
    Fsync,
    /// The end of the process, even by SIGKILL.
    Os,
}

/// Whether a record may use the reserve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// It may not.
    Normal,
    /// It may: seal, revoke and disable must work when the disk is full.
    Urgent,
}

/// Who writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writes {
    /// A thread of its own. A hang costs no serving thread.
    Apart,
    /// The request that finds no write under way, as long as writes are quick. A hang costs one serving thread.
    Inline,
}

/// How a log is kept.
#[derive(Clone)]
pub struct Options {
    /// The installation's id, the first part of the origin.
    pub installation: String,
    /// The replica's id, the second part.
    pub replica: String,
    /// How large a file grows before the next begins.
    pub segment_bytes: u64,
    /// How much space is held for urgent records.
    pub reserve_bytes: u64,
    /// How many bytes of records may wait; more are refused at once.
    pub queue_bytes: usize,
    /// Who writes.
    pub writes: Writes,
    /// The clock.
    pub clock: SharedClock,
}

impl Options {
    /// The usual sizes for the log of a replica.
    #[must_use]
    pub fn new(installation: &str, replica: &str, clock: SharedClock) -> Self {
        Self {
            installation: installation.to_owned(),
            replica: replica.to_owned(),
            segment_bytes: 32 << 20,
            reserve_bytes: 1 << 20,
            queue_bytes: 8 << 20,
            writes: Writes::Apart,
            clock,
        }
    }
}

/// Why a record was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// Too much waits already.
    #[error("too many audit records wait for the disk")]
    Busy,
    /// Not within the time given.
    #[error("audit log did not take the record in time; the disk is slow or hangs")]
    Deadline,
    /// The file system refused it.
    #[error("audit log cannot be written: {0}")]
    Failed(String),
    /// No space.
    #[error("no space is left for the audit log; free some or enlarge the disk")]
    Full,
    /// The log was closed.
    #[error("audit log is closed")]
    Stopped,
    /// Written, but perhaps not to outlast a loss of power.
    #[error("audit log cannot be made durable: {0}")]
    Unsynced(String),
}

/// What the log was at one moment, all of it durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogHead {
    /// How many records it has.
    pub size: u64,
    /// The hash over them.
    pub root: Hash,
}

/// What is seen of a log from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// How many records it has.
    pub size: u64,
    /// Whether the last write found no space.
    pub full: bool,
    /// Whether the reserve is in use.
    pub in_reserve: bool,
}

/// A log that is open for writing. Cheap to share behind an `Arc`.
pub struct FileLog {
    shared: Arc<Shared>,
    origin: String,
    recovered: Recovered,
}

impl FileLog {
    /// Opens the latest log of this replica or begins its first, and recovers what a crash left behind. Blocks: it reads
    /// the last file.
    ///
    /// # Errors
    /// [`OpenError`] names the file that is damaged or cannot be used.
    pub fn open(medium: Arc<dyn Medium>, options: &Options) -> Result<Self, OpenError> {
        let (writer, recovered) = Writer::recover(medium, options)?;
        let origin = writer.origin().to_owned();
        let shared = Shared::new(writer, options);
        queue::start(&shared).map_err(|error| OpenError::Io("start the audit writer's thread".to_owned(), error))?;
        Ok(Self { shared, origin, recovered })
    }

    /// The log's name: `installation/replica/epoch`.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// What was found when the log was opened.
    #[must_use]
    pub fn recovered(&self) -> &Recovered {
        &self.recovered
    }

    /// What is seen from outside. Never waits.
    #[must_use]
    pub fn status(&self) -> Status {
        self.shared.status()
    }

    /// Appends an encoded record and gives its sequence once it is as durable as asked for.
    ///
    /// A record whose caller stops waiting is dropped, unless its write is already under way.
    ///
    /// # Errors
    /// [`AppendError`]; never later than `within`.
    pub async fn append(
        &self,
        body: Vec<u8>,
        durability: Durability,
        priority: Priority,
        within: Duration,
    ) -> Result<u64, AppendError> {
        self.ask(within, |done| Command::Append(Pending { body, durability, priority, done })).await
    }

    /// Makes all records durable and says what the log is then.
    ///
    /// # Errors
    /// [`AppendError`]; never later than `within`.
    pub async fn head(&self, within: Duration) -> Result<LogHead, AppendError> {
        self.ask(within, Command::Head).await
    }

    /// Keeps a signed checkpoint beside the log.
    ///
    /// # Errors
    /// [`AppendError`]; never later than `within`.
    pub async fn keep_checkpoint(&self, note: String, within: Duration) -> Result<(), AppendError> {
        self.ask(within, |done| Command::Note(note, done)).await
    }

    /// Keeps the public key of the checkpoints beside the log, for whoever verifies it without the broker.
    ///
    /// # Errors
    /// [`AppendError`]; never later than `within`.
    pub async fn keep_verifier(&self, verifier: String, within: Duration) -> Result<(), AppendError> {
        self.ask(within, |done| Command::Verifier(verifier, done)).await
    }

    /// Returns when a new file was begun since the last call.
    pub async fn rotated(&self) {
        self.shared.rotated.notified().await;
    }

    /// Writes what waits, makes it durable and ends the writer. Appending fails from then on.
    ///
    /// # Errors
    /// [`AppendError`]; never later than `within`.
    pub async fn close(&self, within: Duration) -> Result<(), AppendError> {
        self.ask(within, Command::Close).await
    }

    async fn ask<T>(
        &self,
        within: Duration,
        command: impl FnOnce(oneshot::Sender<Result<T, AppendError>>) -> Command,
    ) -> Result<T, AppendError> {
        let (done, mut answer) = oneshot::channel();
        self.shared.push(command(done))?;
        // Written inline, the answer is there already and no timer is needed.
        if let Ok(answer) = answer.try_recv() {
            return answer;
        }
        match tokio::time::timeout(within, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(AppendError::Stopped),
            Err(_) => Err(AppendError::Deadline),
        }
    }
}

impl Drop for FileLog {
    fn drop(&mut self) {
        // Not joined: a hanging disk would hold whoever drops the log.
        self.shared.stop();
    }
}

impl std::fmt::Debug for FileLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FileLog({})", self.origin)
    }
}
