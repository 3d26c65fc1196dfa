//! What waits to be written, and who writes it.

use std::{
    collections::VecDeque,
    io,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use keyward_sdk::time::{Monotonic, SharedClock};
use tokio::sync::{Notify, oneshot};

use super::{AppendError, Durability, LogHead, Options, Priority, Status, Writes, writer::Writer};

/// The most bytes of one write. The next takes the rest.
const MAX_BATCH_BYTES: usize = 1 << 20;
/// An inline write that takes longer shows that the disk is busy.
const SLOW: Duration = Duration::from_millis(5);
/// How long nobody writes inline after that.
const SLOW_REST: Duration = Duration::from_secs(10);

pub(super) type Done<T> = oneshot::Sender<Result<T, AppendError>>;

pub(super) struct Pending {
    pub(super) body: Vec<u8>,
    pub(super) durability: Durability,
    pub(super) priority: Priority,
    pub(super) done: Done<u64>,
}

pub(super) enum Command {
    Append(Pending),
    Close(Done<()>),
    Head(Done<LogHead>),
    Note(String, Done<()>),
    Verifier(String, Done<()>),
}

impl Command {
    fn bytes(&self) -> usize {
        match self {
            Self::Append(pending) => pending.body.len(),
            Self::Note(text, _) | Self::Verifier(text, _) => text.len(),
            Self::Close(_) | Self::Head(_) => 0,
        }
    }

    fn given_up(&self) -> bool {
        match self {
            Self::Append(pending) => pending.done.is_closed(),
            Self::Head(done) => done.is_closed(),
            Self::Close(_) | Self::Note(..) | Self::Verifier(..) => false,
        }
    }
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Command>,
    bytes: usize,
    stopped: bool,
}

impl Queue {
    /// What the next write takes.
    fn take(&mut self) -> Vec<Command> {
        let mut batch = Vec::new();
        let mut bytes = 0;
        while bytes < MAX_BATCH_BYTES {
            let Some(command) = self.waiting.pop_front() else { break };
            bytes += command.bytes();
            batch.push(command);
        }
        self.bytes -= bytes.min(self.bytes);
        batch
    }

    fn drop_given_up(&mut self) {
        self.waiting.retain(|command| !command.given_up());
        self.bytes = self.waiting.iter().map(Command::bytes).sum();
    }
}

/// What is seen of the writer from outside, told before the answers that follow from it.
#[derive(Default)]
pub(super) struct Told {
    size: AtomicU64,
    full: AtomicBool,
    in_reserve: AtomicBool,
}

impl Told {
    pub(super) fn tell(&self, status: Status) {
        self.size.store(status.size, Ordering::Release);
        self.full.store(status.full, Ordering::Release);
        self.in_reserve.store(status.in_reserve, Ordering::Release);
    }

    fn status(&self) -> Status {
        Status {
            size: self.size.load(Ordering::Acquire),
            full: self.full.load(Ordering::Acquire),
            in_reserve: self.in_reserve.load(Ordering::Acquire),
        }
    }
}

pub(super) struct Shared {
    queue: Mutex<Queue>,
    wake: Condvar,
    writer: Mutex<Writer>,
    limit: usize,
    writes: Writes,
    clock: SharedClock,
    slow_since: Mutex<Option<Monotonic>>,
    told: Arc<Told>,
    pub(super) rotated: Notify,
}

impl Shared {
    pub(super) fn new(writer: Writer, options: &Options) -> Arc<Self> {
        Arc::new(Self {
            queue: Mutex::default(),
            wake: Condvar::new(),
            told: writer.told(),
            writer: Mutex::new(writer),
            limit: options.queue_bytes,
            writes: options.writes,
            clock: Arc::clone(&options.clock),
            slow_since: Mutex::new(None),
            rotated: Notify::new(),
        })
    }

    pub(super) fn status(&self) -> Status {
        self.told.status()
    }

    pub(super) fn push(&self, command: Command) -> Result<(), AppendError> {
        let inline = self.writes == Writes::Inline
            && matches!(&command, Command::Append(pending) if pending.durability == Durability::Os)
            && self.is_quick();
        {
            let mut queue = lock(&self.queue);
            if queue.stopped {
                return Err(AppendError::Stopped);
            }
            // Urgent records and commands are few; noise must not shut them out.
            if queue.bytes > self.limit && matches!(&command, Command::Append(p) if p.priority == Priority::Normal) {
                queue.drop_given_up();
                if queue.bytes > self.limit {
                    return Err(AppendError::Busy);
                }
            }
            queue.bytes += command.bytes();
            queue.waiting.push_back(command);
        }
        if !(inline && self.lead()) {
            self.wake.notify_one();
        }
        Ok(())
    }

    /// Writes what has gathered, on this thread. False when the writer's thread must do it.
    fn lead(&self) -> bool {
        let Ok(mut writer) = self.writer.try_lock() else {
            return true; // whoever holds it looks at the queue once more when done
        };
        let batch = {
            let mut queue = lock(&self.queue);
            let only_os = queue
                .waiting
                .iter()
                .all(|c| matches!(c, Command::Append(pending) if pending.durability == Durability::Os));
            if !only_os {
                return false;
            }
            queue.take()
        };
        let start = self.clock.monotonic();
        self.write(&mut writer, batch);
        drop(writer);
        let end = self.clock.monotonic();
        if end.since(start) > SLOW {
            *lock(&self.slow_since) = Some(end);
        }
        lock(&self.queue).waiting.is_empty()
    }

    fn is_quick(&self) -> bool {
        let mut slow = lock(&self.slow_since);
        if slow.is_some_and(|since| self.clock.monotonic().since(since) < SLOW_REST) {
            return false;
        }
        *slow = None;
        true
    }

    fn write(&self, writer: &mut Writer, batch: Vec<Command>) {
        let before = writer.number();
        writer.handle(batch);
        if writer.number() != before {
            self.rotated.notify_one();
        }
    }

    pub(super) fn stop(&self) {
        lock(&self.queue).stopped = true;
        self.wake.notify_one();
    }

    /// The writer's thread: until the log is closed and nothing waits.
    fn run(&self) {
        loop {
            let mut queue = lock(&self.queue);
            while queue.waiting.is_empty() {
                if queue.stopped {
                    drop(queue);
                    lock(&self.writer).finish();
                    return;
                }
                queue = self.wake.wait(queue).unwrap_or_else(PoisonError::into_inner);
            }
            drop(queue);
            // Taken only once the writer is free, so that what came meanwhile goes along.
            let mut writer = lock(&self.writer);
            let batch = {
                let mut queue = lock(&self.queue);
                let batch = queue.take();
                queue.stopped |= batch.iter().any(|command| matches!(command, Command::Close(_)));
                batch
            };
            self.write(&mut writer, batch);
        }
    }
}

/// Starts the writer's thread. It ends when the log is closed or dropped.
pub(super) fn start(shared: &Arc<Shared>) -> io::Result<()> {
    let shared = Arc::clone(shared);
    std::thread::Builder::new().name("audit-writer".to_owned()).spawn(move || shared.run()).map(drop)
}

/// A panic elsewhere leaves these values whole: each is changed in one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
