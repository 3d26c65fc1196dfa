//! `keyward dev`: the same pipeline and TLS, on loopback only, with a store that `keyward server` refuses.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    time::Duration,
};

use keyward_kit::telemetry::{self, LogSettings};
use keyward_sdk::{harden::harden, time::SystemClock};
use tokio::signal::unix::{SignalKind, signal};

use super::{
    App,
    main::complain,
    private::{check_private, make_private},
};
use crate::{
    config::{AuditConfig, Config, OlderStore, Purpose, StorageConfig, SyncReads},
    engine::{DevToken, dev_token},
};

/// How long `--detach` waits for the broker.
const READY: Duration = Duration::from_secs(20);

/// The arguments of `keyward dev`, as the command line read them.
pub trait DevArguments {
    /// What to do.
    fn what(&self) -> DevWhat;
    /// Where everything is kept; none: a folder of the user's.
    fn dir(&self) -> Option<&Path>;
    /// The port of the API.
    fn port(&self) -> u16;
}

/// What `keyward dev` is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DevWhat {
    /// Start one and return.
    Detach,
    /// Run until interrupted.
    Foreground,
    /// Stop the one that was detached.
    Stop,
}

/// Runs it.
pub fn dev(args: &impl DevArguments) -> ExitCode {
    let dir = args.dir().map_or_else(default_dir, Path::to_owned);
    // What is exported must hold in any folder.
    let dir = match std::path::absolute(&dir) {
        Ok(dir) => dir,
        Err(error) => return complain(&format!("finding `{}`: {error}", dir.display()), 1),
    };
    let done = match args.what() {
        DevWhat::Foreground => return foreground(&dir, args.port()),
        DevWhat::Detach => detach(&dir, args.port()),
        DevWhat::Stop => stop(&dir),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&error, 1),
    }
}

fn default_dir() -> PathBuf {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let runtime =
        runtime.unwrap_or_else(|| PathBuf::from(format!("/tmp/keyward-{}", rustix::process::getuid().as_raw())));
    runtime.join("keyward-dev")
}

fn config(dir: &Path, port: u16) -> Config {
    let loopback = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    Config {
        api: loopback(port),
        ops: loopback(0),
        socket: Some(dir.join("keyward.sock")),
        workers: 1,
        connections: 1_000,
        in_flight: 1_024,
        grace: Duration::from_secs(2),
        names: vec!["localhost".to_owned(), "127.0.0.1".to_owned()],
        certificate: None,
        client_authorities: None,
        storage: StorageConfig::Embedded(dir.join("dev.store")),
        audit: AuditConfig {
            folder: dir.join("audit"),
            rotate_bytes: 32 << 20,
            reserve_bytes: 1 << 20,
            sync_reads: SyncReads::Os,
        },
        root_fingerprint: None,
        issuer_hosts: vec!["localhost".to_owned(), "127.0.0.1".to_owned()],
        log: LogSettings::default(),
        purpose: Purpose::Dev,
        older: OlderStore::Refuse,
    }
}

fn foreground(dir: &Path, port: u16) -> ExitCode {
    let config = config(dir, port);
    if let Err(error) = telemetry::init(&config.log) {
        return complain(&error, 1);
    }
    // A failure is seen in `keyward status`.
    let _hardened = harden();
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return complain(&error, 1),
    };
    let served = runtime.block_on(serve(config, dir));
    // What a dead broker's token and address say would only mislead.
    let _gone = std::fs::remove_file(dir.join("env"));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&error, 1),
    }
}

async fn serve(config: Config, dir: &Path) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    make_private(dir)?;
    let app = App::build(config, SystemClock::shared()).await?;
    let lifecycle = app.pipeline().lifecycle().clone();
    let token = dev_token(&lifecycle, &dir.join("seal.key")).await?;
    write_env(dir, &app, &token)?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    app.run(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
    .await?;
    Ok(())
}

fn write_env(dir: &Path, app: &App, token: &DevToken) -> std::io::Result<()> {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};
    let ca = dir.join("ca.pem");
    std::fs::write(&ca, &token.ca_certificate)?;
    let text = format!(
        "export KEYWARD_ADDR=https://127.0.0.1:{}\nexport KEYWARD_CA_CERT={}\nexport KEYWARD_TOKEN={}\n",
        app.api_addr()?.port(),
        quoted(&ca),
        token.token.expose(),
    );
    let (fresh, env) = (dir.join("env.new"), dir.join("env"));
    let _none = std::fs::remove_file(&fresh);
    let mut out = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
    out.write_all(text.as_bytes())?;
    std::fs::rename(fresh, env)
}

/// As a POSIX shell reads it back.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-+=:@%".contains(c));
    if plain { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// Starts the same program in the background and prints its `env` once it serves.
#[expect(clippy::print_stdout, reason = "what the shell is to export")]
fn detach(dir: &Path, port: u16) -> Result<(), String> {
    let fail = |doing: &str, error: &dyn std::fmt::Display| format!("{doing}: {error}");
    make_private(dir).map_err(|e| fail("making the folder", &e))?;
    let env = dir.join("env");
    if running(dir).is_some() {
        let (dir, stop) =
            (quoted(dir), if dir == default_dir() { String::new() } else { format!(" --dir {}", quoted(dir)) });
        return Err(format!(
            "a dev broker runs in {dir} already; `. {dir}/env` takes it up, `keyward dev stop{stop}` stops it"
        ));
    }
    match std::fs::remove_file(&env) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(fail("removing the last one's env", &error));
        }
        _ => {}
    }
    let log = std::fs::File::create(dir.join("log")).map_err(|e| fail("making the log", &e))?;
    let program = std::env::current_exe().map_err(|e| fail("finding this program", &e))?;
    let mut command = Command::new(program);
    command.arg("dev").arg("--dir").arg(dir).arg("--port").arg(port.to_string());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn().map_err(|e| fail("starting the broker", &e))?;
    std::fs::write(dir.join("pid"), child.id().to_string()).map_err(|e| fail("writing the process id", &e))?;
    let until = std::time::Instant::now() + READY;
    while std::time::Instant::now() < until {
        if let Ok(text) = std::fs::read_to_string(&env) {
            let address = text.split("https://").nth(1).and_then(|rest| rest.lines().next()).unwrap_or_default();
            if std::net::TcpStream::connect(address).is_ok() {
                print!("{text}");
                return Ok(());
            }
        }
        if let Ok(Some(status)) = child.try_wait() {
            let log = std::fs::read_to_string(dir.join("log")).unwrap_or_default();
            let last = log.lines().last().unwrap_or("it said nothing");
            return Err(format!("the broker ended with {status}: {last}"));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Err(format!("the broker does not answer; its log is {}", dir.join("log").display()))
}

/// The process id of a dev broker that runs from this folder.
///
/// A number alone says little: after a crash it may be another process's. It must be ours, and of this very folder.
fn running(dir: &Path) -> Option<rustix::process::Pid> {
    use std::os::unix::{ffi::OsStrExt, fs::MetadataExt};
    let pid: i32 = std::fs::read_to_string(dir.join("pid")).ok()?.trim().parse().ok()?;
    let owner = std::fs::metadata(format!("/proc/{pid}")).ok()?.uid();
    let command = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let mut arguments = command.split(|byte| *byte == 0).skip(1);
    let asked = [b"dev".as_slice(), b"--dir", dir.as_os_str().as_bytes()];
    let ours = owner == rustix::process::getuid().as_raw() && asked.iter().all(|part| arguments.next() == Some(part));
    rustix::process::Pid::from_raw(pid).filter(|_| ours)
}

fn stop(dir: &Path) -> Result<(), String> {
    let none = || format!("no dev broker runs in {}", dir.display());
    match check_private(dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(none()),
        checked => checked.map_err(|error| format!("stopping it: {error}"))?,
    }
    let pid = running(dir).ok_or_else(none)?;
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).map_err(|e| format!("stopping it: {e}"))?;
    let until = std::time::Instant::now() + READY;
    while running(dir).is_some() {
        if std::time::Instant::now() > until {
            return Err("it does not stop".to_owned());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let _gone = std::fs::remove_file(dir.join("pid"));
    Ok(())
}
