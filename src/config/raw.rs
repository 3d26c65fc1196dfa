//! What stands in the file, and what of it is usable.

use std::{net::SocketAddr, path::PathBuf, thread, time::Duration};

use keyward_kit::{
    settings::{HumanDuration, HumanSize, Parsed, Problems},
    telemetry::LogSettings,
    tls::CertificateFiles,
};
use serde::Deserialize;

use super::{AuditConfig, Config, OlderStore, Purpose, StorageConfig, SyncReads};

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Raw {
    listen: Listen,
    tls: Tls,
    storage: Storage,
    audit: Audit,
    seal: Seal,
    identity: Identity,
    limits: Limits,
    log: LogSettings,
}

#[derive(Debug, Deserialize)]
#[serde(default)]
struct Listen {
    api: String,
    ops: String,
    socket: Option<PathBuf>,
    names: Vec<String>,
    workers: Option<usize>,
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            api: "127.0.0.1:7443".to_owned(),
            ops: "127.0.0.1:7444".to_owned(),
            socket: None,
            names: Vec::new(),
            workers: None,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Tls {
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    client_authorities: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(default)]
struct Storage {
    path: PathBuf,
}

impl Default for Storage {
    fn default() -> Self {
        Self { path: PathBuf::from("/var/lib/keyward/keyward.store") }
    }
}

#[derive(Debug, Deserialize)]
#[serde(default)]
struct Audit {
    folder: PathBuf,
    rotate_at: Option<HumanSize>,
    reserve: Option<HumanSize>,
    sync_reads: bool,
}

impl Default for Audit {
    fn default() -> Self {
        Self { folder: PathBuf::from("/var/lib/keyward/audit"), rotate_at: None, reserve: None, sync_reads: false }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Seal {
    root_fingerprint: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Identity {
    allowed_hosts: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Limits {
    connections: Option<usize>,
    in_flight: Option<usize>,
    grace: Option<HumanDuration>,
}

/// Every problem is found before the first is told.
pub(super) fn check(parsed: Parsed<Raw>) -> Result<Config, Problems> {
    let Parsed { value: raw, lines } = parsed;
    let mut problems = lines.problems();
    let mut address = |key: &str, text: &str| -> Option<SocketAddr> {
        let parsed = text.parse().ok();
        if parsed.is_none() {
            problems.push(lines.problem(key, "is not an address with a port, such as `127.0.0.1:7443` or `[::]:7443`"));
        }
        parsed
    };
    let api = address("listen.api", &raw.listen.api);
    let ops = address("listen.ops", &raw.listen.ops);
    let mut at_least = |key: &str, value: Option<usize>, default: usize, least: usize| {
        let value = value.unwrap_or(default);
        if value < least {
            problems.push(lines.problem(key, format!("must be at least {least}")));
        }
        value
    };
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let workers = at_least("listen.workers", raw.listen.workers, cores.saturating_sub(1).max(1), 1);
    let connections = at_least("limits.connections", raw.limits.connections, 20_000, 1);
    let in_flight = at_least("limits.in_flight", raw.limits.in_flight, 4_096, 1);
    let certificate = match (raw.tls.certificate, raw.tls.key) {
        (Some(certificate), Some(key)) => Some(CertificateFiles { certificate, key }),
        (None, None) => None,
        (Some(_), None) => {
            problems.push(lines.problem("tls.key", "is missing: a certificate needs its key"));
            None
        }
        (None, Some(_)) => {
            problems.push(lines.problem("tls.certificate", "is missing: a key needs its certificate"));
            None
        }
    };
    let rotate_bytes = raw.audit.rotate_at.map_or(32 << 20, |size| size.0);
    if !(1 << 16..=16 << 30).contains(&rotate_bytes) {
        problems.push(lines.problem("audit.rotate_at", "must be from 64 KiB to 16 GiB"));
    }
    let root_fingerprint = raw.seal.root_fingerprint.map(|text| text.to_lowercase());
    if root_fingerprint.as_ref().is_some_and(|text| text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit())) {
        problems.push(lines.problem("seal.root_fingerprint", "must be the 64 hex digits that `keyward status` shows"));
    }
    if let Err(error) = raw.log.filter() {
        problems.push(lines.problem("log.level", error.to_string()));
    }
    let names = if raw.listen.names.is_empty() {
        vec!["localhost".to_owned(), "127.0.0.1".to_owned()]
    } else {
        raw.listen.names
    };
    let config = api.zip(ops).map(|(api, ops)| Config {
        api,
        ops,
        socket: raw.listen.socket,
        workers,
        connections,
        in_flight,
        grace: raw.limits.grace.map_or(Duration::from_secs(15), |grace| grace.0),
        names,
        certificate,
        client_authorities: raw.tls.client_authorities,
        storage: StorageConfig::Embedded(raw.storage.path),
        audit: AuditConfig {
            folder: raw.audit.folder,
            rotate_bytes,
            reserve_bytes: raw.audit.reserve.map_or(1 << 20, |size| size.0),
            sync_reads: if raw.audit.sync_reads { SyncReads::Fsync } else { SyncReads::Os },
        },
        root_fingerprint,
        issuer_hosts: raw.identity.allowed_hosts,
        log: raw.log,
        purpose: Purpose::Production,
        older: OlderStore::Refuse,
    });
    problems.or(config)
}
