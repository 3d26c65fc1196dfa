//! The command line.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, Parser};

/// Measures Keyward beside a bare server and beside OpenBao.
#[derive(Debug, Parser)]
pub(crate) enum Command {
    /// Starts everything, measures, and prints.
    Run(RunArgs),
    /// Lists the cases.
    Cases,
    /// Serves Encrypt and Decrypt with nothing but the AEAD.
    BareCrypto(BareCryptoArgs),
    /// Serves the Kubernetes KMS API on a unix socket with what it was sent.
    BareKms(BareKmsArgs),
}

/// What to measure, and for how long.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// An empty folder for stores, logs and sockets.
    #[arg(long)]
    pub(crate) folder: PathBuf,
    /// The folder with `keyward` and `keyward-kube-kms`, built with the profile `dist`.
    #[arg(long)]
    pub(crate) programs: PathBuf,
    /// How long a round lasts, e.g. 10s.
    #[arg(long, default_value = "3s", value_parser = seconds)]
    pub(crate) round: Duration,
    /// How many rounds each server gets, one after the other.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=50))]
    pub(crate) rounds: u64,
    /// Only these cases. May be repeated.
    #[arg(long = "case", value_name = "NAME")]
    pub(crate) cases: Vec<String>,
    /// Threads of the client; by default half the cores, at least one and at most one a connection.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=64))]
    pub(crate) client_threads: Option<u64>,
}

/// How the ceiling for Encrypt and Decrypt is served.
#[derive(Debug, Args)]
pub(crate) struct BareCryptoArgs {
    /// Where.
    #[arg(long)]
    pub(crate) listen: SocketAddr,
    /// Its certificate, PEM.
    #[arg(long)]
    pub(crate) certificate: PathBuf,
    /// The key of that.
    #[arg(long)]
    pub(crate) key: PathBuf,
}

/// How the ceiling for the KMS provider is served.
#[derive(Debug, Args)]
pub(crate) struct BareKmsArgs {
    /// Where.
    #[arg(long)]
    pub(crate) socket: PathBuf,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let number = text.strip_suffix('s').unwrap_or(text).parse::<f64>().map_err(|error| error.to_string())?;
    if (0.1..=60.0).contains(&number) {
        Ok(Duration::from_secs_f64(number))
    } else {
        Err("is not from 0.1s to 60s".to_owned())
    }
}
