//! The command line.

use std::{
    fs,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use clap::{Parser, Subcommand};
use keyward_kit::{cluster::JoinString, settings::read_private};
use keyward_sdk::secret::{Secret, SecretString};

use crate::{broker::join, node::NodeState, settings::Config};

const MAX_TOKEN: usize = 8 << 10;

/// The Kubernetes KMS provider of Keyward.
#[derive(Debug, Parser)]
#[command(name = "keyward-kube-kms", version, about, subcommand_required = true, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Says what would keep the provider from serving, before an API server does
    Check {
        /// The settings
        #[arg(long, default_value = "/etc/keyward/kube-kms.toml")]
        config: PathBuf,
    },
    /// Joins this node to its cluster with a join token
    Join {
        /// The settings
        #[arg(long, default_value = "/etc/keyward/kube-kms.toml")]
        config: PathBuf,
        /// The file with the join token; `-` is standard input
        #[arg(long, default_value = "-")]
        token_file: PathBuf,
    },
    /// Serves until told to stop
    Serve {
        /// The settings
        #[arg(long, default_value = "/etc/keyward/kube-kms.toml")]
        config: PathBuf,
    },
    /// Shows the version
    Version,
}

impl Command {
    /// The settings' file, if the command has one.
    #[must_use]
    pub fn config(&self) -> Option<&Path> {
        match self {
            Self::Check { config } | Self::Join { config, .. } | Self::Serve { config } => Some(config),
            Self::Version => None,
        }
    }
}

fn read_token(file: &Path) -> Result<SecretString, String> {
    let secret = if file == Path::new("-") {
        let mut bytes = zeroize::Zeroizing::new(Vec::with_capacity(MAX_TOKEN + 1));
        let read = io::stdin().lock().take(MAX_TOKEN as u64 + 1).read_to_end(&mut bytes);
        read.map_err(|error| format!("join token cannot be read from standard input: {error}"))?;
        Secret::limited(std::mem::take(&mut *bytes), MAX_TOKEN).map_err(|error| error.to_string())?
    } else {
        read_private(file).map_err(|error| format!("join token {error}"))?
    };
    SecretString::from_secret(&secret).map_err(|error| format!("join token: {error}"))
}

/// Joins. The token decides the cluster; the settings say where its folder is.
///
/// # Errors
/// One sentence that says what is wrong and what to do.
pub async fn run_join(config: &Config, token_file: &Path) -> Result<String, String> {
    let token = read_token(token_file)?;
    let with = JoinString::parse(token.expose()).map_err(|error| error.to_string())?;
    let cluster = config.clusters.iter().find(|cluster| cluster.name == with.cluster).ok_or_else(|| {
        format!(
            "join token is for cluster `{}`, which the settings do not name; add a section `[[cluster]]`",
            with.cluster
        )
    })?;
    let state = NodeState::at(&cluster.state_dir);
    if state.is_joined() {
        return Err(crate::node::StateError::Joined(cluster.state_dir.clone()).to_string());
    }
    // Whether the folder can be written is known before the token is used up.
    crate::files::private_folder(state.folder())
        .and_then(|()| {
            let probe = state.folder().join(".probe");
            fs::write(&probe, b"")?;
            fs::remove_file(probe)
        })
        .map_err(|error| format!("`{}` cannot be written: {error}", state.folder().display()))?;
    let node = join(&with).await.map_err(|error| error.to_string())?;
    state.save(&node).map_err(|error| error.to_string())?;
    Ok(format!("joined cluster {} as node {} ({})", node.facts.cluster, node.name, node.id))
}

/// Prints a line.
pub fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}"); // a closed standard output is no reason to fail
}
