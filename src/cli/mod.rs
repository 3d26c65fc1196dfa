//! The command line: a client of the API, and nothing else. `server` and `dev` are dispatched by main.

mod commands;
mod connect;
mod context;
mod error;
mod http;
mod identity;
mod input;
mod login;
mod output;
mod prompt;
mod run;
mod session;

use std::{ffi::OsString, path::PathBuf, process::ExitCode};

use clap::{Args, CommandFactory, Parser, Subcommand};

use self::{connect::Target, output::Output};
pub use self::{
    error::CliError,
    login::{Wanted as WantedLogin, code as login_code},
};

/// Keys and secrets for many Kubernetes clusters, from one place.
#[derive(Debug, Parser)]
#[command(
    name = "keyward",
    version,
    arg_required_else_help = true,
    subcommand_required = true,
    propagate_version = true,
    max_term_width = 100,
    after_help = "Exit codes: 0 done, 1 failed, 2 wrong use, 3 not permitted or not logged in, 4 not found, 5 broker \
                  unavailable or sealed, 6 changed by others in the meantime, 7 the audit log is not whole; \
                  `run` passes on the command's own."
)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Where the broker is and how answers look. The same for every command.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// The broker: `https://host:7443`, or `unix:///path` for its socket.
    #[arg(long, global = true, env = "KEYWARD_ADDR", value_name = "ADDR", help_heading = "Connection")]
    addr: Option<String>,
    /// The certificate of the authority that the broker's certificate comes from.
    #[arg(long, global = true, env = "KEYWARD_CA_CERT", value_name = "FILE", help_heading = "Connection")]
    ca_cert: Option<PathBuf>,
    /// A client certificate to show.
    #[arg(
        long,
        global = true,
        env = "KEYWARD_CLIENT_CERT",
        value_name = "FILE",
        requires = "client_key",
        help_heading = "Connection"
    )]
    client_cert: Option<PathBuf>,
    /// The key of the client certificate.
    #[arg(
        long,
        global = true,
        env = "KEYWARD_CLIENT_KEY",
        value_name = "FILE",
        requires = "client_cert",
        help_heading = "Connection"
    )]
    client_key: Option<PathBuf>,
    /// The tenant; `main` when nothing is said.
    #[arg(long, global = true, env = "KEYWARD_TENANT", value_name = "NAME", help_heading = "Connection")]
    tenant: Option<String>,
    /// A file with a token. The variable `KEYWARD_TOKEN` is read as well; there is no option for the token itself, since
    /// other users of the machine can read options.
    #[arg(long, global = true, env = "KEYWARD_TOKEN_FILE", value_name = "FILE", help_heading = "Connection")]
    token_file: Option<PathBuf>,
    /// A named context of `keyward context`.
    #[arg(long, global = true, value_name = "NAME", help_heading = "Connection")]
    context: Option<String>,
    /// How answers are shown.
    #[arg(short, long, global = true, value_enum, default_value_t = output::Format::Table, value_name = "FORMAT")]
    output: output::Format,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Back the store up; check and restore backups.
    #[command(subcommand)]
    Backup(commands::backup::BackupCommand),
    /// Read the audit log, and prove that nothing in it was changed.
    #[command(subcommand)]
    Audit(commands::audit::AuditCommand),
    /// Name brokers, so that they need not be spelled out.
    #[command(subcommand)]
    Context(commands::context::ContextCommand),
    /// Say whose OIDC tokens count: CI systems, clusters, and the provider that people log in with.
    #[command(subcommand)]
    Issuer(commands::issuer::IssuerCommand),
    /// Make and use keys that never leave the broker.
    #[command(subcommand)]
    Key(commands::key::KeyCommand),
    /// Log in as a person, or with an OIDC token, and keep the token for the commands that follow.
    Login(login::LoginArgs),
    /// Take the token of the last login back.
    Logout,
    /// Register Kubernetes clusters, let their nodes join, rotate their keys.
    #[command(subcommand)]
    Cluster(commands::cluster::ClusterCommand),
    /// Initialise, unseal, seal and recover a broker.
    #[command(subcommand)]
    Operator(commands::operator::OperatorCommand),
    /// Say who may do what, try it out and have it explained.
    #[command(subcommand)]
    Policy(commands::policy::PolicyCommand),
    /// Make what callers act in.
    #[command(subcommand)]
    Role(commands::role::RoleCommand),
    /// Show the seal and change the paths that open it.
    #[command(subcommand)]
    Seal(commands::seal::SealCommand),
    /// Show the installation and what an operator should look at.
    Status,
    /// Run a command with secrets in its environment or in files, for as long as it runs.
    Run(Box<run::RunArgs>),
    /// Read and write secrets.
    #[command(subcommand)]
    Secret(commands::secret::SecretCommand),
    /// Make, stop and destroy tenants.
    #[command(subcommand)]
    Tenant(commands::tenant::TenantCommand),
    /// Show, narrow and revoke tokens.
    #[command(subcommand)]
    Token(commands::token::TokenCommand),
    /// Run the broker.
    #[cfg(feature = "server")]
    Server(ServerArgs),
    /// Run a broker for trying things out, on loopback only.
    #[cfg(feature = "server")]
    Dev(DevArgs),
    /// Print the version.
    Version,
    /// Print a completion script for a shell.
    Completion {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Write the man pages into a folder.
    #[command(hide = true)]
    Man {
        /// The folder.
        folder: PathBuf,
    },
}

/// `keyward server`.
#[cfg(feature = "server")]
#[derive(Clone, Debug, Args)]
pub struct ServerArgs {
    /// The settings.
    #[arg(long, env = "KEYWARD_CONFIG", value_name = "FILE", default_value = crate::config::DEFAULT_FILE)]
    pub config: PathBuf,
    /// Check the settings, say every problem, and stop.
    #[arg(long)]
    pub check: bool,
    /// Open a store that is older than the audit log says: after restoring a backup. Recorded.
    #[arg(long)]
    pub accept_older_store: bool,
}

/// `keyward dev`.
#[cfg(feature = "server")]
#[derive(Clone, Debug, Args)]
pub struct DevArgs {
    /// What to do; without it, run in the foreground.
    #[command(subcommand)]
    pub command: Option<DevCommand>,
    /// Return when the broker is ready, and print only what the shell is to export.
    #[arg(long)]
    pub detach: bool,
    /// Where store, audit log and `env` are kept.
    #[arg(long, global = true, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// The port of the API; 0 lets the system choose.
    #[arg(long, default_value_t = 7443, value_name = "PORT")]
    pub port: u16,
}

/// What else `keyward dev` can do.
#[cfg(feature = "server")]
#[derive(Clone, Debug, Subcommand)]
pub enum DevCommand {
    /// Stop the broker that `--detach` started.
    Stop,
}

/// What main is to do.
#[derive(Debug)]
pub enum Run {
    /// A command of the client, done already.
    Done(ExitCode),
    /// The daemon.
    #[cfg(feature = "server")]
    Server(ServerArgs),
    /// The daemon for trying things out.
    #[cfg(feature = "server")]
    Dev(DevArgs),
}

/// Reads the command line, and carries out what is the client's.
pub fn run(args: impl IntoIterator<Item = OsString>) -> Run {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // Nowhere is left to say that this failed.
            let _unseen = error.print();
            return Run::Done(ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2)));
        }
    };
    let output = Output::new(cli.global.output);
    match cli.command {
        #[cfg(feature = "server")]
        Command::Server(args) => Run::Server(args),
        #[cfg(feature = "server")]
        Command::Dev(args) => Run::Dev(args),
        command => {
            let done = runtime().and_then(|runtime| runtime.block_on(client(command, &cli.global, &output)));
            let shown = output.finish();
            Run::Done(match done.and_then(|code| shown.map(|()| code)) {
                Ok(code) => code,
                Err(error) => {
                    output.error(&error);
                    error.exit_code()
                }
            })
        }
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, CliError> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| CliError::other("starting", e))
}

async fn client(command: Command, global: &Global, output: &Output) -> Result<ExitCode, CliError> {
    let target = || Target::resolve(global);
    match command {
        Command::Backup(command) => command.run(target, output).await?,
        Command::Audit(command) => return command.run(target, output).await,
        Command::Context(command) => command.run(place(global), output)?,
        Command::Issuer(command) => command.run(&target()?, output).await?,
        Command::Key(command) => command.run(&target()?, output).await?,
        Command::Login(args) => {
            let people = connect::context(global)?.map(|context| context.login).unwrap_or_default();
            login::login(args, people, &target()?, output).await?;
        }
        Command::Logout => login::logout(&target()?, output).await?,
        Command::Cluster(command) => command.run(&target()?, output).await?,
        Command::Operator(command) => command.run(&target()?, output).await?,
        #[cfg(feature = "server")]
        Command::Policy(command) if command.is_offline() => command.run_offline(output)?,
        Command::Policy(command) => command.run(&target()?, output).await?,
        Command::Role(command) => command.run(&target()?, output).await?,
        Command::Seal(command) => command.run(&target()?, output).await?,
        Command::Status => commands::status::status(&target()?, output).await?,
        Command::Run(args) => return run::run(*args, target()?, output).await,
        Command::Secret(command) => command.run(&target()?, output).await?,
        Command::Tenant(command) => command.run(&target()?, output).await?,
        Command::Token(command) => command.run(&target()?, output).await?,
        Command::Version => output.line(&format!("keyward {}", env!("CARGO_PKG_VERSION"))),
        Command::Completion { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "keyward", &mut std::io::stdout());
        }
        Command::Man { folder } => {
            clap_mangen::generate_to(Cli::command(), folder).map_err(|e| CliError::other("writing man pages", e))?;
        }
        #[cfg(feature = "server")]
        Command::Server(_) | Command::Dev(_) => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// Where the broker is, as options and environment say.
fn place(global: &Global) -> commands::context::Place {
    let (addr, ca_cert, tenant) = (global.addr.clone(), global.ca_cert.clone(), global.tenant.clone());
    commands::context::Place { addr, ca_cert, tenant }
}
