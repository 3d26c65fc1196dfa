//! Owned tasks. Every task has a name and an owner, none outlives its owner, and a daemon ends when one of its lasting
//! tasks ends: no task dies unseen.
//!
//! Nothing else in the workspace spawns. Lasting tasks go to [`Tasks`]; short ones (a connection, one job) to a bounded
//! [`Group`] that a lasting task holds.

use std::{collections::HashMap, fmt, future::Future, sync::Arc, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::{Id, JoinError, JoinSet},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{debug, warn};

/// What went wrong inside a task.
pub type TaskError = Box<dyn std::error::Error + Send + Sync>;

/// What a task may end with: nothing, or a result.
pub trait Outcome: Send + 'static {
    /// The end as a result.
    ///
    /// # Errors
    /// Whatever ended the task.
    fn into_result(self) -> Result<(), TaskError>;
}

impl Outcome for () {
    fn into_result(self) -> Result<(), TaskError> {
        Ok(())
    }
}

impl<E: Into<TaskError> + Send + 'static> Outcome for Result<(), E> {
    fn into_result(self) -> Result<(), TaskError> {
        self.map_err(Into::into)
    }
}

/// How a task ended.
#[derive(Debug, thiserror::Error)]
pub enum Ended {
    /// It returned an error.
    #[error("task `{0}` failed: {1}")]
    Failed(String, #[source] TaskError),
    /// It panicked or was aborted.
    #[error("task `{0}` was cut off: {1}")]
    Lost(String, #[source] JoinError),
    /// It returned before it was told to.
    #[error("task `{0}` ended early")]
    Returned(String),
    /// It did not end within the grace period and was aborted.
    #[error("tasks did not stop within the grace period: {0}")]
    Stuck(String),
}

/// The lasting tasks of one owner. Dropping it aborts them all.
#[derive(Default)]
pub struct Tasks {
    set: JoinSet<Result<(), TaskError>>,
    names: HashMap<Id, String>,
    stop: CancellationToken,
}

impl Tasks {
    /// No tasks yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Tasks that are told to stop when `parent` is.
    #[must_use]
    pub fn under(parent: &CancellationToken) -> Self {
        Self { stop: parent.child_token(), ..Self::default() }
    }

    /// Tells its holders when to stop. Every lasting task takes one.
    #[must_use]
    pub fn stopping(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Starts `task` on the current runtime and owns it.
    pub fn own<T: Outcome>(&mut self, name: impl Into<String>, task: impl Future<Output = T> + Send + 'static) {
        let handle = self.set.spawn(async move { task.await.into_result() });
        self.names.insert(handle.id(), name.into());
    }

    /// How many run.
    #[must_use]
    pub fn len(&self) -> usize {
        self.set.len()
    }

    /// Whether none runs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.set.is_empty()
    }

    /// Waits for the first task that ends, and says how. Never returns while there is none.
    pub async fn first_end(&mut self) -> Ended {
        match self.set.join_next_with_id().await {
            None => std::future::pending().await,
            Some(Ok((id, Ok(())))) => Ended::Returned(self.name(id)),
            Some(Ok((id, Err(error)))) => Ended::Failed(self.name(id), error),
            Some(Err(error)) => Ended::Lost(self.name(error.id()), error),
        }
    }

    /// Tells all tasks to stop and waits for them, at most `grace`; then those left are aborted.
    ///
    /// # Errors
    /// The first task that failed, or those that had to be aborted.
    pub async fn drain(mut self, grace: Duration) -> Result<(), Ended> {
        self.stop.cancel();
        let mut first = None;
        let all = async {
            while !self.set.is_empty() {
                match self.first_end().await {
                    Ended::Returned(task) => debug!(task, "Task stopped"),
                    ended => {
                        warn!(error = %ended, "Task failed while stopping");
                        first.get_or_insert(ended);
                    }
                }
            }
        };
        if tokio::time::timeout(grace, all).await.is_err() {
            let mut left: Vec<String> = self.names.drain().map(|(_, name)| name).collect();
            left.sort();
            self.set.shutdown().await;
            return Err(first.unwrap_or(Ended::Stuck(left.join(", "))));
        }
        first.map_or(Ok(()), Err)
    }

    fn name(&mut self, id: Id) -> String {
        self.names.remove(&id).unwrap_or_default()
    }
}

impl fmt::Debug for Tasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names.values()).finish()
    }
}

/// Short tasks of one kind, at most `limit` at a time; their owner waits for them with [`Group::close`].
#[derive(Clone, Debug)]
pub struct Group {
    tracker: TaskTracker,
    room: Arc<Semaphore>,
    stop: CancellationToken,
}

impl Group {
    /// Room for `limit` tasks, told to stop by `stop`.
    #[must_use]
    pub fn new(limit: usize, stop: &CancellationToken) -> Self {
        let room = Arc::new(Semaphore::new(limit.min(Semaphore::MAX_PERMITS)));
        Self { tracker: TaskTracker::new(), room, stop: stop.child_token() }
    }

    /// Tells the tasks when to stop.
    #[must_use]
    pub fn stopping(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Starts `task` if there is room, or gives it back.
    ///
    /// # Errors
    /// The task, when the group is full.
    pub fn try_run<F: Future<Output = ()> + Send + 'static>(&self, task: F) -> Result<(), F> {
        match Arc::clone(&self.room).try_acquire_owned() {
            Ok(permit) => {
                self.start(permit, task);
                Ok(())
            }
            Err(_) => Err(task),
        }
    }

    /// Starts `task` when there is room.
    pub async fn run(&self, task: impl Future<Output = ()> + Send + 'static) {
        if let Ok(permit) = Arc::clone(&self.room).acquire_owned().await {
            self.start(permit, task);
        }
    }

    fn start(&self, permit: OwnedSemaphorePermit, task: impl Future<Output = ()> + Send + 'static) {
        // The tracker waits for it in `close`, so it is not a loose end.
        self.tracker.spawn(async move {
            task.await;
            drop(permit);
        });
    }

    /// How many run.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tracker.len()
    }

    /// Whether none runs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tracker.is_empty()
    }

    /// Tells all to stop and waits for them, at most `grace`. Says how many were left.
    pub async fn close(&self, grace: Duration) -> usize {
        self.stop.cancel();
        self.tracker.close();
        match tokio::time::timeout(grace, self.tracker.wait()).await {
            Ok(()) => 0,
            Err(_) => self.tracker.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_task_to_end_is_named() {
        let mut tasks = Tasks::new();
        let stop = tasks.stopping();
        tasks.own("lasting", async move { stop.cancelled().await });
        tasks.own("brittle", async { Err::<(), _>(std::io::Error::other("no room")) });
        assert_eq!(tasks.first_end().await.to_string(), "task `brittle` failed: no room");
        tasks.drain(Duration::from_secs(5)).await.unwrap();
    }

    #[tokio::test]
    async fn a_panic_is_seen() {
        let mut tasks = Tasks::new();
        tasks.own("shaky", async { assert!(std::hint::black_box(false), "as expected") });
        assert!(matches!(tasks.first_end().await, Ended::Lost(name, _) if name == "shaky"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_does_not_stop_is_named_and_aborted() {
        let mut tasks = Tasks::new();
        tasks.own("deaf", std::future::pending::<()>());
        let ended = tasks.drain(Duration::from_secs(3)).await.unwrap_err();
        assert_eq!(ended.to_string(), "tasks did not stop within the grace period: deaf");
    }

    #[tokio::test]
    async fn a_full_group_gives_the_task_back() {
        let group = Group::new(1, &CancellationToken::new());
        let stop = group.stopping();
        assert!(group.try_run(async move { stop.cancelled().await }).is_ok());
        assert!(group.try_run(async {}).is_err());
        assert_eq!(group.close(Duration::from_secs(5)).await, 0);
    }
}
