//! `keyward run`: a command that gets secrets for as long as it runs.
//!
//! Finds out who this job is, logs in with a key made here, reads all secrets, starts the command with them, passes
//! signals and the exit code through, removes the files, takes the token back. If one secret cannot be had, the command is
//! never started. Values go into the command's environment and into files in memory, and nowhere else.

mod access;
mod child;
mod detect;
mod environment;
mod place;
mod proof;
mod resolve;
mod says;
mod want;

use std::{ffi::OsString, path::PathBuf, process::ExitCode, time::Duration};

use clap::Args;
use keyward_api::v1::Scope;
use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use tokio::process::Command;

use self::{
    access::{Access, Narrowed},
    child::Signals,
    place::{Disk, Placed},
    want::{File, Variable},
};
use super::{CliError, connect::Target, output::Output};

/// What to run, and with what.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  keyward run --role deploy --env DB_PASSWORD=prod/db#password -- ./migrate
  keyward run --role deploy --file id_ed25519=prod/ssh#key -- sh -c 'ssh -i \"$KEYWARD_FILES/id_ed25519\" host'

Who the job is comes from KEYWARD_ID_TOKEN or KEYWARD_ID_TOKEN_FILE (GitLab CI, Jenkins), GitHub Actions, Azure
Pipelines, or a projected token in /var/run/secrets/keyward/token (Kubernetes); without --role, the token at hand is
narrowed. The exit code is the command's, 128 and the signal's number if one ended it, 127 or 126 when it cannot be
started; what fails before is coded as elsewhere.")]
pub(super) struct RunArgs {
    /// The role to act in.
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// Only paths at or below this, whatever the role may. May be repeated.
    #[arg(long = "path", value_name = "PATH")]
    paths: Vec<String>,
    /// How long the token shall live at most, e.g. `5m`; it ends with the command in any case.
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    life: Option<Duration>,
    /// Put a field of a secret into a variable of the command's environment. May be repeated.
    #[arg(long = "env", value_name = "NAME=PATH#FIELD", value_parser = want::variable)]
    variables: Vec<Variable>,
    /// Put a field of a secret into a file in memory: below the folder that KEYWARD_FILES names, or, with a `/` in it,
    /// exactly there. May be repeated.
    #[arg(long = "file", value_name = "FILE=PATH#FIELD", value_parser = want::file)]
    files: Vec<File>,
    /// Let files lie on a disk where there is no memory file system.
    #[arg(long)]
    allow_disk: bool,
    /// Log in with the OIDC token in this file.
    #[arg(long, value_name = "FILE", conflicts_with = "oidc_token_env", help_heading = "Identity")]
    oidc_token_file: Option<PathBuf>,
    /// Log in with the OIDC token in this variable.
    #[arg(long, value_name = "NAME", help_heading = "Identity")]
    oidc_token_env: Option<String>,
    /// The audience to ask the CI system for, where it makes a token on demand; without it, the broker's address.
    #[arg(long, env = "KEYWARD_AUDIENCE", value_name = "AUDIENCE", help_heading = "Identity")]
    audience: Option<String>,
    /// The certificate of the authority of the CI system's server, if the system does not know it.
    #[arg(long, env = "KEYWARD_OIDC_CA_CERT", value_name = "FILE", help_heading = "Identity")]
    oidc_ca_cert: Option<PathBuf>,
    /// Let the command use the token too: KEYWARD_TOKEN, and the key that it is bound to.
    #[arg(long, help_heading = "Identity")]
    pass_token: bool,
    /// Take away what lets the command ask the CI system who it is.
    #[arg(long, help_heading = "Identity")]
    hide_ci_identity: bool,
    /// The command and its arguments.
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Carries it out.
pub(super) async fn run(args: RunArgs, target: Target, output: &Output) -> Result<ExitCode, CliError> {
    // No other process of this user reads the values here. If the system does not know this, all else still holds.
    let _best_effort = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    args.check()?;
    let mut signals = Signals::listen()?;
    let proof = tokio::select! {
        proof = args.proof(&target) => proof?,
        signal = signals.next_end() => return Ok(ExitCode::from(child::code_of(signal))),
    };
    // Not cut short by a signal: a token that was made must be known, or it could not be taken back.
    let narrowed = args.narrowed()?;
    let access = match (&args.role, &proof) {
        (Some(role), Some(proof)) => Access::with_token_of_job(&target, role, proof, narrowed).await?,
        (Some(role), None) => Access::with_connection(target, role, narrowed).await?,
        (None, _) => Access::narrowed(target, narrowed).await?,
    };
    drop(proof);
    let ended = job(&args, &access, &mut signals, output).await;
    access.revoke(output).await;
    ended.map(ExitCode::from)
}

/// From secrets to the command's end. All files are gone when it returns.
async fn job(args: &RunArgs, access: &Access, signals: &mut Signals, output: &Output) -> Result<u8, CliError> {
    let mut placed = Placed::new(if args.allow_disk { Disk::Allow } else { Disk::Refuse });
    let mut command = tokio::select! {
        command = prepare(args, access, &mut placed) => command?,
        signal = signals.next_end() => return Ok(child::code_of(signal)),
    };
    let started = command.spawn();
    // Its copies of the values.
    drop(command);
    match started {
        Ok(child) => child::wait(child, signals).await,
        Err(error) => {
            let code = if error.kind() == std::io::ErrorKind::NotFound { 127 } else { 126 };
            output.error(&CliError::other(format!("starting `{}`", args.program().display()), error));
            Ok(code)
        }
    }
}

async fn prepare(args: &RunArgs, access: &Access, placed: &mut Placed) -> Result<Command, CliError> {
    let fields = args.variables.iter().map(|v| &v.field).chain(args.files.iter().map(|f| &f.field));
    let values = resolve::resolve(access, &fields.collect::<Vec<_>>()).await?;
    let mut command = Command::new(args.program());
    command.args(args.command.iter().skip(1));
    environment::clean(&mut command, args.oidc_token_env.as_deref(), args.hide_ci_identity);
    if args.pass_token {
        environment::pass_token(&mut command, access, placed)?;
    }
    let mut values = values.iter();
    for (variable, value) in args.variables.iter().zip(values.by_ref()) {
        environment::put(&mut command, variable, value)?;
    }
    for (file, value) in args.files.iter().zip(values) {
        if file.is_in_folder() {
            command.env(environment::FILES, placed.folder()?);
            placed.write_inside(&file.at, value)?;
        } else {
            placed.write(&file.at, value)?;
        }
    }
    Ok(command)
}

impl RunArgs {
    fn program(&self) -> &OsString {
        static NONE: OsString = OsString::new();
        self.command.first().unwrap_or(&NONE)
    }

    /// What clap cannot see.
    fn check(&self) -> Result<(), CliError> {
        let mut names: Vec<_> = self.variables.iter().map(|variable| &variable.name).collect();
        names.sort_unstable();
        if let Some([name, _]) = names.array_windows().find(|[a, b]| a == b) {
            return Err(CliError::usage(format!("the variable {name} is given twice")));
        }
        let mut places: Vec<_> = self.files.iter().map(|file| &file.at).collect();
        places.sort_unstable();
        match places.array_windows().find(|[a, b]| a == b) {
            Some([place, _]) => Err(CliError::usage(format!("the file {} is given twice", place.display()))),
            None => Ok(()),
        }
    }

    fn narrowed(&self) -> Result<Narrowed, CliError> {
        let life =
            self.life.map(prost_types::Duration::try_from).transpose().map_err(|e| CliError::usage(e.to_string()))?;
        Ok(Narrowed { scope: Scope { paths: self.paths.clone(), actions: Vec::new() }, life })
    }

    /// The OIDC token to log in with; none when the token at hand, or what the connection proves, is to be used.
    async fn proof(&self, target: &Target) -> Result<Option<keyward_sdk::secret::SecretString>, CliError> {
        if self.role.is_none() {
            if self.oidc_token_file.is_some() || self.oidc_token_env.is_some() {
                return Err(CliError::usage("give `--role`: logging in with an OIDC token needs one"));
            }
            return if target.token().is_some() {
                Ok(None)
            } else {
                Err(CliError::usage("give `--role`, or log in first: there is no token that could be narrowed"))
            };
        }
        let given = detect::Given { file: self.oidc_token_file.as_deref(), variable: self.oidc_token_env.as_deref() };
        let env = |name: &str| std::env::var_os(name).and_then(|value| value.into_string().ok());
        let connection = target.token().is_none() && (target.certificate().is_some() || target.is_socket());
        match detect::detect(given, &env, &|path| path.exists()) {
            Ok(Some(source)) => {
                let audience = self.audience.clone().filter(|audience| !audience.is_empty());
                let audience = audience.unwrap_or_else(|| target.addr.trim_end_matches('/').to_owned());
                proof::token(source, &audience, self.oidc_ca_cert.as_deref()).await.map(Some)
            }
            Ok(None) if connection => Ok(None),
            // A job of a CI system that brings its own certificate. What was named must be there all the same.
            Err(_) if connection && self.oidc_token_env.is_none() => Ok(None),
            Err(error) => Err(error),
            Ok(None) => Err(CliError::usage(
                "nothing here says who this job is: no CI system with an identity was found (see `keyward run --help`); give \
                 `--oidc-token-file`, or a client certificate, or leave `--role` out to use the token of `keyward login`",
            )),
        }
    }
}
