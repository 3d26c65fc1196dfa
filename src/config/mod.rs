//! Settings of the daemon: TOML, every problem at once, secrets by reference only.
//!
//! Defaults suit a broker on one machine. What is raw is read by [`raw`]; [`Config`] is what was checked.

mod raw;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

pub use keyward_kit::settings::Problems;
use keyward_kit::{settings, telemetry::LogSettings, tls::CertificateFiles};

/// Where settings are looked for when none are named.
pub const DEFAULT_FILE: &str = "/etc/keyward/keyward.toml";

/// Checked settings.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the API is served.
    pub api: SocketAddr,
    /// Where `/metrics`, `/healthz` and `/readyz` are served.
    pub ops: SocketAddr,
    /// The unix socket for the daemon's own user.
    pub socket: Option<PathBuf>,
    /// Threads that serve connections.
    pub workers: usize,
    /// Connections that may be open.
    pub connections: usize,
    /// Requests that may be under way.
    pub in_flight: usize,
    /// How long requests in flight may take after SIGTERM.
    pub grace: Duration,
    /// Names and addresses that the broker's own certificate is for, and that join strings carry.
    pub names: Vec<String>,
    /// A certificate and key of one's own; none: one of the broker's own authority.
    pub certificate: Option<CertificateFiles>,
    /// Authorities whose client certificates identify callers.
    pub client_authorities: Option<PathBuf>,
    /// Where the store lies.
    pub storage: StorageConfig,
    /// Where the audit log lies, and how it is kept.
    pub audit: AuditConfig,
    /// The root's public fingerprint must be this.
    pub root_fingerprint: Option<String>,
    /// Hosts on private or loopback addresses that issuers' keys may be fetched from.
    pub issuer_hosts: Vec<String>,
    /// The log.
    pub log: LogSettings,
    /// What the store is for.
    pub purpose: Purpose,
    /// What is done with a store that is older than the audit log says.
    pub older: OlderStore,
}

/// Where the store lies.
#[derive(Clone, Debug)]
pub enum StorageConfig {
    /// One file of the embedded store.
    Embedded(PathBuf),
    /// Nothing is kept; for tests.
    Memory,
}

/// How the audit log is kept.
#[derive(Clone, Debug)]
pub struct AuditConfig {
    /// The folder.
    pub folder: PathBuf,
    /// A file is closed and a new one begun at this size.
    pub rotate_bytes: u64,
    /// Kept free for the records of seal, revoke and disable when the disk is full.
    pub reserve_bytes: u64,
    /// Whether reads are synced to disk as well.
    pub sync_reads: SyncReads,
}

/// Whether the record of a read survives a power loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncReads {
    /// It is with the operating system when the reply leaves.
    Os,
    /// It is on the disk when the reply leaves.
    Fsync,
}

/// What is done with a store whose control state is older than the audit log says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OlderStore {
    /// It is taken, and that is recorded: an operator said so after restoring a backup.
    Accept,
    /// The broker stays sealed.
    Refuse,
}

/// What a store is for. A `dev` store is never opened by `keyward server`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// `keyward dev`.
    Dev,
    /// `keyward server`.
    Production,
}

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// Every problem, with file, line and key.
    pub fn load(file: &Path) -> Result<Self, Problems> {
        raw::check(settings::load(file)?)
    }

    /// Checks a text; `file` is what problems name.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn parse(text: &str, file: &Path) -> Result<Self, Problems> {
        raw::check(settings::parse(text, file)?)
    }
}

#[cfg(test)]
mod tests;
