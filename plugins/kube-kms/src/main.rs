//! The Kubernetes KMS provider of Keyward.

use std::{io::Write as _, process::ExitCode};

use clap::Parser as _;
use keyward_kit::{telemetry, tls};
use keyward_kube_kms::{
    VERSION,
    app::{App, check},
    cli::{Cli, Command, run_join, say},
    settings,
};
use keyward_sdk::{harden, time::SystemClock};
use tokio::signal::unix::{SignalKind, signal};
use tracing::{error, info};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BAD_SETTINGS: u8 = 78; // EX_CONFIG

fn main() -> ExitCode {
    let hardening = harden::harden();
    tls::install_provider();
    let command = Cli::parse().command;
    let Some(file) = command.config() else {
        say(&format!("keyward-kube-kms {VERSION}"));
        return ExitCode::SUCCESS;
    };
    let config = match settings::load(file) {
        Ok(config) => config,
        Err(problems) => return fail(&problems, BAD_SETTINGS),
    };
    // One thread serves: a second would cost more in hand-overs than it brings (ARCHITECTURE.md, one request).
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(4).build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error, 1),
    };
    match &command {
        Command::Join { token_file, .. } => match runtime.block_on(run_join(&config, token_file)) {
            Ok(joined) => {
                say(&joined);
                ExitCode::SUCCESS
            }
            Err(error) => fail(&error, 1),
        },
        Command::Check { .. } => {
            let findings = runtime.block_on(check(&config, &SystemClock));
            findings.iter().for_each(|finding| say(&finding.to_string()));
            ExitCode::from(u8::from(findings.iter().any(|finding| finding.wrong.is_some())))
        }
        Command::Serve { .. } | Command::Version => {
            if let Err(error) = telemetry::init(&config.log) {
                return fail(&error, BAD_SETTINGS);
            }
            info!(version = VERSION, undumpable = hardening.undumpable, memory = ?hardening.memory, "Starting");
            let served = runtime.block_on(async {
                let mut terminate = signal(SignalKind::terminate())?;
                let mut interrupt = signal(SignalKind::interrupt())?;
                let app = App::build(config, SystemClock::shared()).await?;
                let shutdown = async move {
                    tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
                };
                app.run(shutdown).await?;
                Ok::<_, Box<dyn std::error::Error>>(())
            });
            match served {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => {
                    error!(%error, "Stopped");
                    ExitCode::FAILURE
                }
            }
        }
    }
}

fn fail(why: &dyn std::fmt::Display, code: u8) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "{why}"); // nowhere left to say it
    ExitCode::from(code)
}
