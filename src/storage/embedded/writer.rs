//! The one thread that writes.

use std::{io, sync::Arc, thread, time::Duration};

use tokio::{
    runtime::{Builder, Runtime},
    sync::{mpsc, oneshot},
    time::timeout,
};
use tracing::{error, info, warn};

use super::{
    compact::Compaction,
    failure::Failure,
    layout::{Verdict, Writer},
    shared::Shared,
};
use crate::storage::{Batch, Revision, StorageError};

/// The most batches, and the bytes after which no more are taken, in one transaction.
const GROUP: usize = 64;
const GROUP_BYTES: usize = 4 << 20;
/// With nothing to write for this long, the thread looks after the file.
const IDLE: Duration = Duration::from_millis(200);

/// Something for the writer to do.
pub(super) enum Job {
    Commit {
        batch: Batch,
        done: oneshot::Sender<Result<Revision, StorageError>>,
    },
    /// A read met a failure: look whether the file must be opened anew.
    Look,
}

type Waiting = oneshot::Sender<Result<Revision, StorageError>>;

pub(super) fn spawn(shared: Arc<Shared>, queue: mpsc::Receiver<Job>) -> io::Result<thread::JoinHandle<()>> {
    let runtime = Builder::new_current_thread().enable_time().build()?;
    thread::Builder::new().name("store-writer".to_owned()).spawn(move || run(&shared, queue, &runtime))
}

/// Works until the store is dropped and the queue is empty.
fn run(shared: &Shared, mut queue: mpsc::Receiver<Job>, runtime: &Runtime) {
    let mut compaction = Compaction::default();
    let mut settled = false;
    loop {
        let next = if settled {
            runtime.block_on(queue.recv())
        } else {
            match runtime.block_on(async { timeout(IDLE, queue.recv()).await }) {
                Ok(next) => next,
                Err(_elapsed) => {
                    settled = look_after(shared, &mut compaction);
                    continue;
                }
            }
        };
        let Some(first) = next else { return };
        settled = false;
        let mut group = Vec::new();
        let mut bytes = 0;
        let mut look = false;
        let mut job = Some(first);
        while let Some(taken) = job.take() {
            match taken {
                Job::Look => look = true,
                Job::Commit { batch, done } => {
                    bytes += batch.bytes();
                    group.push((batch, done));
                }
            }
            if group.len() < GROUP && bytes < GROUP_BYTES {
                job = queue.try_recv().ok();
            }
        }
        if look {
            look_after(shared, &mut compaction);
        }
        if !group.is_empty() {
            commit(shared, group);
        }
    }
}

/// Opens the file again where it had to be closed, or else compacts it where that pays. Returns whether nothing is
/// left to do.
fn look_after(shared: &Shared, compaction: &mut Compaction) -> bool {
    let healthy = shared.is_open() && shared.read(|db| Ok(db.begin_write()?.abort()?)).is_ok();
    if !healthy {
        return catch_up(shared).is_ok();
    }
    compaction.when_it_pays(shared);
    true
}

/// Applies a group in one transaction and answers each of its batches.
fn commit(shared: &Shared, group: Vec<(Batch, Waiting)>) {
    if !shared.is_open()
        && let Err(what) = catch_up(shared)
    {
        for (_, done) in group {
            answer(done, Err(StorageError::Unavailable(what.clone())));
        }
        return;
    }
    let before = shared.feed.tip();
    let (batches, waiting): (Vec<_>, Vec<_>) = group.into_iter().unzip();
    let outcome = match apply(shared, batches.clone()) {
        // The fault of an earlier call, not of this group: the file is as it was.
        Err(Failed { stage: Stage::Begin, failure: Failure::Medium(_) }) if catch_up(shared).is_ok() => {
            apply(shared, batches)
        }
        outcome => outcome,
    };
    match outcome {
        Ok(applied) => settle(shared, applied, waiting, None),
        Err(failed) => recover(shared, before, failed, waiting),
    }
}

enum Stage {
    /// Nothing was done yet.
    Begin,
    /// Nothing of it can stand.
    Write,
    /// It may stand.
    Commit(Vec<Verdict>),
}

struct Failed {
    stage: Stage,
    failure: Failure,
}

fn apply(shared: &Shared, batches: Vec<Batch>) -> Result<Vec<Verdict>, Failed> {
    // The database is not held while it syncs: the transaction stands by itself.
    let begun = shared.read(|db| Ok(db.begin_write()));
    let txn = match begun {
        Ok(Ok(txn)) => txn,
        Ok(Err(error)) => return Err(Failed { stage: Stage::Begin, failure: error.into() }),
        Err(error) => return Err(Failed { stage: Stage::Begin, failure: Failure::Medium(error.to_string()) }),
    };
    let write = |failure| Failed { stage: Stage::Write, failure };
    let mut writer = Writer::open(&txn, shared.feed.tip(), shared.live()).map_err(write)?;
    let mut verdicts = Vec::with_capacity(batches.len());
    for batch in batches {
        verdicts.push(writer.apply(batch).map_err(write)?);
    }
    if verdicts.iter().any(|verdict| matches!(verdict, Verdict::Applied(_))) {
        let (_, live) = writer.finish().map_err(write)?;
        if let Err(error) = txn.commit() {
            return Err(Failed { stage: Stage::Commit(verdicts), failure: error.into() });
        }
        shared.set_live(live);
    }
    Ok(verdicts)
}

/// Shows the commits to the watchers, then answers. With a `doubt`, what was applied stands now and may be lost with
/// the power, because the disk did not say that it is written.
fn settle(shared: &Shared, verdicts: Vec<Verdict>, waiting: Vec<Waiting>, doubt: Option<&str>) {
    let mut answers = Vec::with_capacity(verdicts.len());
    let mut commits = Vec::with_capacity(verdicts.len());
    for verdict in verdicts {
        answers.push(match verdict {
            Verdict::Applied(commit) => {
                let revision = commit.revision;
                commits.push(commit);
                doubt.map_or(Ok(revision), |what| Err(StorageError::OutcomeUnknown(what.to_owned())))
            }
            Verdict::Unchanged(revision) => Ok(revision),
            Verdict::Refused(error) => Err(error),
        });
    }
    shared.feed.publish(commits);
    for (done, result) in waiting.into_iter().zip(answers) {
        answer(done, result);
    }
}

/// Opens the file anew and finds out whether the group stands.
fn recover(shared: &Shared, before: Revision, failed: Failed, waiting: Vec<Waiting>) {
    let what = match &failed.failure {
        Failure::Damaged(what) | Failure::Medium(what) => what.clone(),
    };
    error!(error = %what, "Store could not be written");
    let opened = reopen(shared);
    let result = |waiting: Vec<Waiting>, make: &dyn Fn() -> StorageError| {
        waiting.into_iter().for_each(|done| answer(done, Err(make())));
    };
    match (failed.stage, opened) {
        (Stage::Commit(verdicts), Ok(found)) if found > before => settle(shared, verdicts, waiting, Some(&what)),
        (Stage::Commit(_), Err(_)) => result(waiting, &|| StorageError::OutcomeUnknown(what.clone())),
        _ => match failed.failure {
            Failure::Damaged(what) => result(waiting, &|| StorageError::Damaged(what.clone())),
            Failure::Medium(what) => result(waiting, &|| StorageError::Unavailable(what.clone())),
        },
    }
}

/// Opens the file anew. Where it does not hold exactly what the watchers were shown, they are told to start over.
fn catch_up(shared: &Shared) -> Result<(), String> {
    let found = reopen(shared)?;
    if found != shared.feed.tip() {
        shared.feed.restart(found);
    }
    Ok(())
}

fn reopen(shared: &Shared) -> Result<Revision, String> {
    match shared.reopen() {
        Ok(found) => {
            info!(path = %shared.path().display(), revision = found.0, "Opened the store anew");
            Ok(found)
        }
        Err(error) => {
            warn!(error = %error, "Store cannot be opened anew");
            Err(error.to_string())
        }
    }
}

fn answer(done: Waiting, result: Result<Revision, StorageError>) {
    // Whoever asked may have given up. The commit stands all the same.
    let _ = done.send(result);
}
