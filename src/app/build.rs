//! From settings and bound sockets to an [`App`].

use std::{io, path::PathBuf, sync::Arc};

use keyward_kit::tls::TlsError;
use keyward_sdk::time::SharedClock;
use tokio_util::sync::CancellationToken;

use super::{
    App,
    tls::{AuthoritiesFile, Served},
};
use crate::{
    audit::{Audit, AuditError},
    config::{Config, Purpose, StorageConfig, SyncReads},
    engine::{Lifecycle, Parts},
    grpc::{
        door::Door,
        listener::{ListenError, ListenSettings, Listener},
    },
    identity::{
        ClientAuthorities,
        oidc::{FetchSettings, HttpFetch},
    },
    pipeline::Pipeline,
    seal::BuiltIns,
    storage::{Embedded, Memory, OpenError, OpenMode, Storage, StoreKind},
};

/// Why the daemon cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A socket.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The port for metrics and health.
    #[error("cannot listen on {0}: {1}; is another process using the port? set `listen.ops` to a free one")]
    Ops(std::net::SocketAddr, io::Error),
    /// The method table.
    #[error(transparent)]
    Table(#[from] crate::grpc::TableError),
    /// The store.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// The audit log.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// A certificate.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A folder.
    #[error("cannot make the folder `{}`: {why}", .folder.display())]
    Folder {
        /// Which.
        folder: PathBuf,
        /// Why not.
        why: io::Error,
    },
    /// Anything that the settings could not know.
    #[error("{0}")]
    Other(String),
}

impl App {
    /// Puts everything together. Spawns nothing.
    ///
    /// # Errors
    /// [`BuildError`], one sentence that says what and what to do.
    pub async fn build(config: Config, clock: SharedClock) -> Result<Self, BuildError> {
        crate::grpc::check_rows()?;
        let stop = CancellationToken::new();
        let listener = Listener::bind(ListenSettings {
            api: config.api,
            socket: config.socket.clone(),
            workers: config.workers,
            connections: config.connections,
            in_flight: config.in_flight,
        })
        .await?;
        let ops = super::Ops::bind(config.ops).await.map_err(|error| BuildError::Ops(config.ops, error))?;
        let storage = open_store(&config)?;
        let settings = crate::audit::Settings {
            rotate_bytes: config.audit.rotate_bytes,
            reserve_bytes: config.audit.reserve_bytes,
            sync_reads: config.audit.sync_reads == SyncReads::Fsync,
            ..crate::audit::Settings::new(config.audit.folder.clone())
        };
        make_folder(&config.audit.folder)?;
        let audit = Arc::new(Audit::open(settings, Vec::new(), clock.clone()).await?);
        let fetch = HttpFetch::new(FetchSettings {
            private_hosts: config.issuer_hosts.clone(),
            danger_plain_http: config.purpose == Purpose::Dev,
            ..FetchSettings::default()
        });
        let authorities = Arc::new(ClientAuthorities::default());
        let authorities_file =
            config.client_authorities.clone().map(|file| AuthoritiesFile::load(file, &authorities)).transpose()?;
        let served = Served::load(&config, &clock)?;
        let pin = config.root_fingerprint.as_deref().map(str::parse).transpose();
        let endpoints = endpoints(&config.names, listener.api_addr().map_or(config.api.port(), |at| at.port()));
        let lifecycle = Lifecycle::new(
            Parts {
                storage,
                clock: clock.clone(),
                connect: Arc::new(BuiltIns),
                pin: pin.map_err(|_| BuildError::Other("seal.root_fingerprint is not a fingerprint".to_owned()))?,
                fetch: Arc::new(fetch),
                names: config.names.clone(),
                endpoints,
                certificate: served.own(),
                authorities: authorities.clone(),
                audit: audit.clone(),
                older: config.older,
                operator_bearer: config.purpose == Purpose::Dev,
            },
            &stop,
        );
        let pipeline = Arc::new(Pipeline::new(lifecycle.clone(), audit.clone()));
        let door = Door::new(pipeline);
        let authorities = authorities_file.map(|file| (file, authorities));
        Ok(Self { config, listener, ops, served, authorities, lifecycle, audit, door, clock })
    }
}

/// The names with the port, an IPv6 address in brackets.
fn endpoints(names: &[String], port: u16) -> Vec<String> {
    let at = |name: &String| if name.contains(':') { format!("[{name}]:{port}") } else { format!("{name}:{port}") };
    names.iter().map(at).collect()
}

fn open_store(config: &Config) -> Result<Arc<dyn Storage>, BuildError> {
    let kind = match config.purpose {
        Purpose::Dev => StoreKind::Dev,
        Purpose::Production => StoreKind::Production,
    };
    match &config.storage {
        StorageConfig::Memory => Ok(Arc::new(Memory::new())),
        StorageConfig::Embedded(path) => {
            if let Some(folder) = path.parent() {
                make_folder(folder)?;
            }
            Ok(Arc::new(Embedded::open(path, OpenMode { kind })?))
        }
    }
}

fn make_folder(folder: &std::path::Path) -> Result<(), BuildError> {
    use std::os::unix::fs::DirBuilderExt;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|why| BuildError::Folder { folder: folder.to_owned(), why })
}
