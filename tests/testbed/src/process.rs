//! A child process that ends with its handle, whose output is kept in a file.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{OnceLock, mpsc};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// How long anything here is waited for. Generous: it only matters when something is broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

type Job = (Command, mpsc::SyncSender<io::Result<Child>>);

/// Starts `command` from a thread that lives as long as this process.
///
/// The kernel ends a child with `--pdeathsig` when the *thread* that made it ends, and a test's thread ends with the
/// test, which would take servers away that several tests share.
fn spawn(command: Command) -> io::Result<Child> {
    static SPAWNER: OnceLock<mpsc::SyncSender<Job>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (jobs, todo) = mpsc::sync_channel::<Job>(16);
        std::thread::Builder::new()
            .name("testbed-spawner".into())
            .spawn(move || {
                for (mut command, reply) in todo {
                    let _ = reply.send(command.spawn());
                }
            })
            .expect("a thread starts");
        jobs
    });
    let (reply, child) = mpsc::sync_channel(1);
    spawner.send((command, reply)).expect("the spawner lives");
    child.recv().expect("the spawner answers")
}

/// A running child process. Dropping it kills it.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `program` with `args`; standard output and error are appended to `log`.
    pub fn start<A: AsRef<OsStr>>(name: &str, program: &Path, args: impl IntoIterator<Item = A>, log: &Path) -> Self {
        let mut command = Command::new(program);
        command.args(args);
        Self::start_command(name, command, log)
    }

    /// Starts `command`, environment and working directory included; standard output and error are appended to `log`.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start_command(name: &str, command: Command, log: &Path) -> Self {
        let open = || File::options().create(true).append(true).open(log).expect("the log can be written");
        let mut wrapped = Command::new("setpriv");
        // Should this process die before the child asked for its signal, the child sees a parent that is not us.
        wrapped.args(["--pdeathsig", "KILL", "--", "sh", "-c", "test \"$PPID\" = \"$0\" && exec \"$@\""]);
        wrapped.arg(std::process::id().to_string()).arg(command.get_program()).args(command.get_args());
        for (key, value) in command.get_envs() {
            match value {
                Some(value) => wrapped.env(key, value),
                None => wrapped.env_remove(key),
            };
        }
        if let Some(dir) = command.get_current_dir() {
            wrapped.current_dir(dir);
        }
        wrapped.stdin(Stdio::null()).stdout(open()).stderr(open());
        let child = spawn(wrapped).unwrap_or_else(|error| panic!("{name} cannot be started: {error}"));
        Self { name: name.to_owned(), child, log: log.to_owned() }
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Where its output goes.
    #[must_use]
    pub fn log_path(&self) -> &Path {
        &self.log
    }

    /// All output so far.
    #[must_use]
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends `signal`.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        let _ = kill_process(pid, signal);
    }

    /// Kills it and waits for its end.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it to end (SIGTERM) and waits until it has.
    ///
    /// # Panics
    /// When it does not end.
    pub async fn stop(&mut self) -> ExitStatus {
        if self.is_running() {
            self.signal(Signal::TERM);
        }
        self.wait_for_exit(PATIENCE).await
    }

    /// Waits until it ends by itself.
    ///
    /// # Panics
    /// When it does not within `limit`, with the tail of its log.
    pub async fn wait_for_exit(&mut self, limit: Duration) -> ExitStatus {
        let deadline = Instant::now() + limit;
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return status,
                Ok(None) if Instant::now() < deadline => tokio::time::sleep(Duration::from_millis(10)).await,
                Ok(None) => panic!("{} did not end within {limit:?}{}", self.name, self.log_tail()),
                Err(error) => panic!("{} cannot be waited for: {error}", self.name),
            }
        }
    }

    /// Waits until `ready` says so.
    ///
    /// # Panics
    /// When the process ends before or does not get ready, with the tail of its log.
    pub async fn wait_ready(&mut self, what: &str, mut ready: impl AsyncFnMut() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !ready().await {
            if let Ok(Some(status)) = self.child.try_wait() {
                let how = status.signal().map_or_else(|| status.to_string(), |number| format!("signal {number}"));
                panic!("{} ended ({how}) before {what}{}", self.name, self.log_tail());
            }
            assert!(Instant::now() < deadline, "{}: no {what} in {PATIENCE:?}{}", self.name, self.log_tail());
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    /// The last lines of its output, for a panic's message.
    #[must_use]
    pub fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines[lines.len().saturating_sub(40)..].join("\n");
        format!("\n--- the end of {} ---\n{tail}\n---", self.log.display())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}{}", self.name, self.log_tail());
        }
        self.kill();
    }
}

/// Waits until `condition` holds.
///
/// # Panics
/// When it does not within two minutes.
pub async fn wait_until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition().await {
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} in vain for: {what}");
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}
