//! The station itself.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, atomic::AtomicBool},
    time::Duration,
};

use keyward_kit::audit::{
    Durability, FileLog, Priority,
    file::{Disk, Options, Recovered, Writes},
    record::{Decision, Phase, Record},
};
use keyward_sdk::{id::Id16, time::SharedClock};
use tokio::{sync::Semaphore, time::Instant};

use super::{
    AuditError, Entry, Failure, Intent, MAX_TAILS, Sink, Taken, Taking, attach::Signing, noise::Noise, show,
    sink::Sinks,
};
use crate::method::Method;

/// The gRPC code of a denial.
const PERMISSION_DENIED: u8 = 7;
/// What is recorded in place of an outcome that was cut short.
pub(super) const SETTLED: &str = "audit.settled";
const ID_FILE: &str = "audit.id";

/// How the log is kept.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where its files lie; made where it is missing.
    pub folder: PathBuf,
    /// The replica's name in the log's origin.
    pub replica: String,
    /// How large a file grows before the next begins.
    pub rotate_bytes: u64,
    /// How much space is held for seal, revoke and disable when the disk is full.
    pub reserve_bytes: u64,
    /// Whether the records of reads outlast a loss of power, too.
    pub sync_reads: bool,
    /// Who writes.
    pub writes: Writes,
}

impl Settings {
    /// The usual settings for a folder.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        let (rotate_bytes, reserve_bytes) = (32 << 20, 1 << 20);
        Self { folder, replica: "1".to_owned(), rotate_bytes, reserve_bytes, sync_reads: false, writes: Writes::Apart }
    }
}

/// The audit station of one replica.
pub struct Audit {
    pub(super) log: Arc<FileLog>,
    pub(super) sinks: Sinks,
    pub(super) folder: PathBuf,
    pub(super) clock: SharedClock,
    pub(super) noise: Noise,
    pub(super) signing: Mutex<Option<Arc<Signing>>>,
    pub(super) attached_before: AtomicBool,
    pub(super) readers: Arc<Semaphore>,
    pub(super) tails: Arc<Semaphore>,
    origin: Arc<str>,
    sync_reads: bool,
}

impl Audit {
    /// Opens the log in its folder, beside other sinks. Needs no keys: what is recorded before unsealing is chained like
    /// all else, and signed once [`Self::attach`] brings the key.
    ///
    /// # Errors
    /// [`AuditError`] when the folder cannot be used or the log in it is damaged.
    pub async fn open(settings: Settings, sinks: Vec<Arc<dyn Sink>>, clock: SharedClock) -> Result<Self, AuditError> {
        let (opening, for_log) = (settings.clone(), Arc::clone(&clock));
        let opened = tokio::task::spawn_blocking(move || open_log(&opening, for_log)).await;
        let log = opened.map_err(|error| folder_error(&settings, std::io::Error::other(error)))??;
        Ok(Self::over(Arc::new(log), &settings, sinks, clock))
    }

    /// Over a log that is open.
    pub(super) fn over(log: Arc<FileLog>, settings: &Settings, sinks: Vec<Arc<dyn Sink>>, clock: SharedClock) -> Self {
        Self {
            origin: log.origin().into(),
            sinks: Sinks::new(Arc::clone(&log), sinks, Arc::clone(&clock)),
            log,
            folder: settings.folder.clone(),
            clock,
            noise: Noise::default(),
            signing: Mutex::new(None),
            attached_before: AtomicBool::new(false),
            readers: Arc::new(Semaphore::new(show::READERS)),
            tails: Arc::new(Semaphore::new(MAX_TAILS)),
            sync_reads: settings.sync_reads,
        }
    }

    /// Over a disk with faults.
    #[cfg(test)]
    pub(crate) fn for_tests(disk: super::FaultyDisk, folder: &std::path::Path, clock: SharedClock) -> Self {
        let settings = Settings::new(folder.to_owned());
        let options = Options { reserve_bytes: 64 << 10, ..Options::new("test", &settings.replica, clock.clone()) };
        let log = FileLog::open(Arc::new(disk), &options).unwrap();
        Self::over(Arc::new(log), &settings, Vec::new(), clock)
    }

    /// Records what is about to be done. Without it nothing is done.
    ///
    /// # Errors
    /// [`AuditError`] by the deadline, at the latest.
    pub async fn intent(&self, entry: &Entry, deadline: Instant) -> Result<Intent, AuditError> {
        let body = entry.encode(Phase::Intent, Decision::Allowed, None, None, self.clock.now())?;
        let sequence = self.take(body, Durability::Fsync, entry.priority(), deadline).await?;
        Ok(Intent { sequence, origin: Arc::clone(&self.origin) })
    }

    /// Records what came of it. Without it no reply leaves.
    ///
    /// # Errors
    /// [`AuditError`] by the deadline, at the latest; what was done stands.
    pub async fn outcome(
        &self,
        intent: &Intent,
        entry: &Entry,
        result: Result<(), Failure>,
        deadline: Instant,
    ) -> Result<Taken, AuditError> {
        let body = entry.encode(Phase::Outcome, Decision::Allowed, intent.sequence, Some(&result), self.clock.now())?;
        let sequence = self.take(body, Durability::Fsync, entry.priority(), deadline).await?;
        Ok(Taken { sequence })
    }

    /// Records the true outcome of an intent whose recording was cut short, found in storage after a crash.
    ///
    /// # Errors
    /// [`AuditError`] by the deadline, at the latest.
    pub async fn settled(&self, origin: &str, intent: u64, deadline: Instant) -> Result<(), AuditError> {
        let sequence = intent.to_string();
        let details = vec![("log", origin), ("intent", sequence.as_str()), ("result", "done")];
        self.system(SETTLED, details, Durability::Fsync, deadline).await
    }

    /// Records a read and what came of it, in one.
    ///
    /// # Errors
    /// [`AuditError`] by the deadline, at the latest.
    pub async fn complete(
        &self,
        entry: &Entry,
        result: Result<(), Failure>,
        deadline: Instant,
    ) -> Result<Taken, AuditError> {
        let body = entry.encode(Phase::Complete, Decision::Allowed, None, Some(&result), self.clock.now())?;
        let durability = if self.sync_reads { Durability::Fsync } else { Durability::Os };
        let sequence = self.take(body, durability, entry.priority(), deadline).await?;
        Ok(Taken { sequence })
    }

    /// Records that policy refused a caller, and why.
    ///
    /// # Errors
    /// [`AuditError`] by the deadline, at the latest.
    pub async fn denied(&self, entry: &Entry, why: &str, deadline: Instant) -> Result<Taken, AuditError> {
        let result = Err(Failure::new(PERMISSION_DENIED, "DENIED"));
        let entry = entry.clone().with_detail("why", why);
        let body = entry.encode(Phase::Complete, Decision::Denied, None, Some(&result), self.clock.now())?;
        let sequence = self.take(body, Durability::Os, Priority::Normal, deadline).await?;
        Ok(Taken { sequence })
    }

    /// Counts a refusal before anyone was identified, and records some of them. Never waits.
    pub fn unidentified(&self, method: &'static Method, peer: &str, reason: &'static str) {
        self.noise.add(method, peer, reason, self.clock.now());
    }

    /// Counts the refusal of someone who was identified by the request itself, and records it if there is room. Never waits.
    pub fn sampled(&self, entry: &Entry, failure: Failure) {
        let now = self.clock.now();
        if let Ok(body) = entry.encode(Phase::Complete, Decision::Denied, None, Some(&Err(failure)), now) {
            self.noise.take_sample("DENIED", body);
        }
    }

    /// Records something that the daemon did by itself.
    ///
    /// # Errors
    /// [`AuditError`] by the deadline, at the latest.
    pub async fn system(
        &self,
        what: &'static str,
        details: Vec<(&str, &str)>,
        durability: Durability,
        deadline: Instant,
    ) -> Result<(), AuditError> {
        let record =
            Record { time: self.clock.now(), phase: Phase::System, method: what, details, ..Record::default() };
        let mut body = Vec::new();
        record.encode(&mut body)?;
        self.take(body, durability, Priority::Urgent, deadline).await.map(drop)
    }

    /// Whether the log takes records: its last write found space.
    #[must_use]
    pub fn is_taking(&self) -> bool {
        !self.log.status().full
    }

    /// The log's name: `id/replica/epoch`.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Where its files lie.
    #[must_use]
    pub fn folder(&self) -> &std::path::Path {
        &self.folder
    }

    /// What was found when the log was opened.
    #[must_use]
    pub fn recovered(&self) -> &Recovered {
        self.log.recovered()
    }

    /// Writes and signs the last, and ends the writer.
    ///
    /// # Errors
    /// [`AuditError`] within five seconds, at the latest.
    pub async fn close(&self) -> Result<(), AuditError> {
        let within = Duration::from_secs(5);
        let last = self.checkpoint(within).await;
        self.log.close(within).await?;
        last.map(drop)
    }

    async fn take(
        &self,
        body: Vec<u8>,
        durability: Durability,
        priority: Priority,
        deadline: Instant,
    ) -> Result<Option<u64>, AuditError> {
        Ok(self.sinks.take(Taking { body, durability, priority }, deadline).await?)
    }
}

impl std::fmt::Debug for Audit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Audit({})", self.origin)
    }
}

fn open_log(settings: &Settings, clock: SharedClock) -> Result<FileLog, AuditError> {
    let disk = Disk::open(&settings.folder).map_err(|error| folder_error(settings, error))?;
    let id = id(settings).map_err(|error| folder_error(settings, error))?;
    let options = Options {
        segment_bytes: settings.rotate_bytes,
        reserve_bytes: settings.reserve_bytes,
        writes: settings.writes,
        ..Options::new(&id, &settings.replica, clock)
    };
    Ok(FileLog::open(Arc::new(disk), &options)?)
}

/// The first part of the origin. It is made here and not by `init`, because what is asked before there is an installation
/// is recorded as well; the register in sealed storage ties it to the installation.
fn id(settings: &Settings) -> std::io::Result<String> {
    use std::os::unix::fs::OpenOptionsExt;
    let path = settings.folder.join(ID_FILE);
    match std::fs::read_to_string(&path) {
        Ok(id) if !id.trim().is_empty() => Ok(id.trim().to_owned()),
        // Empty is what a crash or a full disk left at the very first start.
        Ok(_) => std::fs::remove_file(&path).and_then(|()| id(settings)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let id = Id16::random().to_string();
            let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
            std::io::Write::write_all(&mut file, format!("{id}\n").as_bytes())?;
            file.sync_all()?;
            Ok(id)
        }
        Err(error) => Err(error),
    }
}

fn folder_error(settings: &Settings, error: std::io::Error) -> AuditError {
    AuditError::Folder(settings.folder.display().to_string(), error)
}
