//! What `keyward server` does from its first line to its last.

use std::{error::Error, process::ExitCode};

use keyward_kit::telemetry;
use keyward_sdk::{harden::harden, time::SystemClock};
use tokio::signal::unix::{SignalKind, signal};
use tracing::{error, info, warn};

use super::App;
use crate::config::{Config, OlderStore};

/// What a shell expects of wrong settings (sysexits.h).
const EX_CONFIG: u8 = 78;

/// The arguments of `keyward server`, as the command line read them.
pub trait ServerArguments {
    /// The settings file.
    fn config(&self) -> &std::path::Path;
    /// Check and stop.
    fn check_only(&self) -> bool;
    /// What is done with an older store.
    fn older(&self) -> OlderStore;
}

/// Runs the daemon. Exits with 78 for wrong settings and with 1 for what fails later.
pub fn server(args: &impl ServerArguments) -> ExitCode {
    let mut config = match Config::load(args.config()) {
        Ok(config) => config,
        Err(problems) => return complain(&problems, EX_CONFIG),
    };
    if args.check_only() {
        return ExitCode::SUCCESS;
    }
    config.older = args.older();
    if let Err(error) = telemetry::init(&config.log) {
        return complain(&error, EX_CONFIG);
    }
    run(config)
}

/// Runs a daemon with checked settings until SIGTERM or SIGINT.
pub(super) fn run(config: Config) -> ExitCode {
    let hardened = harden();
    info!(%hardened, "Process hardened");
    raise_open_files();
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return complain(&error, 1),
    };
    let stopped = runtime.block_on(async {
        let app = App::build(config, SystemClock::shared()).await?;
        info!(api = %app.api_addr()?, ops = %app.ops_addr()?, "Starting");
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let shutdown = async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        app.run(shutdown).await?;
        Ok::<(), Box<dyn Error + Send + Sync>>(())
    });
    match stopped {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error!(%error, "Stopped");
            complain(&error, 1)
        }
    }
}

/// One sentence a person reads, beside the log.
#[expect(clippy::print_stderr, reason = "the last word of a daemon that cannot start")]
pub(super) fn complain(problem: &dyn std::fmt::Display, code: u8) -> ExitCode {
    eprintln!("keyward: {problem}");
    ExitCode::from(code)
}

/// Thousands of idle connections need as many file descriptors.
fn raise_open_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        warn!(%error, "Limit of open files not raised");
    }
}
