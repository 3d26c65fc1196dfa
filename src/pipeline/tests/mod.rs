//! The stations together, over a disk and a store with faults.

mod audit_faults;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use keyward_kit::audit::{
    Record,
    file::Disk,
    read::{self, Records},
};
use keyward_sdk::{
    secret::{Secret, SecretString},
    time::{SystemClock, Timestamp},
};
use tempfile::TempDir;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Facts, Pipeline};
use crate::{
    audit::{Audit, Faults, FaultyDisk},
    config::OlderStore,
    engine::{
        Lifecycle, Parts,
        certificate::ServeCertificate,
        dev_token,
        secret::{GetSecret, PutSecret},
    },
    identity::{
        self,
        ca::IssuedServer,
        oidc::{FetchSettings, HttpFetch},
    },
    seal::BuiltIns,
    storage::{self, Batch, Entry, Memory, Revision, Storage, StorageError, Watch},
};

/// A store at whose commits the audit log's disk breaks, when told to.
struct Store {
    inner: Memory,
    breaks: AtomicBool,
    faults: Arc<Faults>,
}

#[async_trait]
impl Storage for Store {
    async fn get(&self, path: &storage::Path) -> Result<Option<Entry>, StorageError> {
        self.inner.get(path).await
    }
    async fn list(
        &self,
        prefix: &str,
        after: Option<&storage::Path>,
        limit: usize,
    ) -> Result<Vec<(storage::Path, Entry)>, StorageError> {
        self.inner.list(prefix, after, limit).await
    }
    async fn commit(&self, batch: Batch) -> Result<Revision, StorageError> {
        let committed = self.inner.commit(batch).await;
        if self.breaks.swap(false, Ordering::SeqCst) {
            self.faults.broken.store(true, Ordering::SeqCst);
        }
        committed
    }
    async fn watch(&self, prefix: &str, from: Revision) -> Result<Watch, StorageError> {
        self.inner.watch(prefix, from).await
    }
    async fn revision(&self) -> Result<Revision, StorageError> {
        self.inner.revision().await
    }
}

/// Nobody is served here.
struct NotServed;

impl ServeCertificate for NotServed {
    fn serve(&self, _issued: &IssuedServer) {}
    fn renew_at(&self) -> Timestamp {
        Timestamp::from_secs(u64::from(u32::MAX))
    }
}

/// A broker without its sockets.
struct Bench {
    folder: Arc<TempDir>,
    store: Arc<Store>,
    faults: Arc<Faults>,
    audit: Arc<Audit>,
    pipeline: Arc<Pipeline>,
    token: SecretString,
    stop: CancellationToken,
}

impl Bench {
    async fn start() -> Self {
        keyward_kit::tls::install_provider();
        let faults = Arc::new(Faults::default());
        let store = Store { inner: Memory::new(), breaks: AtomicBool::new(false), faults: faults.clone() };
        Self::over(Arc::new(TempDir::new().unwrap()), Arc::new(store), faults).await
    }

    async fn over(folder: Arc<TempDir>, store: Arc<Store>, faults: Arc<Faults>) -> Self {
        let clock = SystemClock::shared();
        let at = folder.path().join("audit");
        let disk = loop {
            // The writer's thread of a log that was dropped holds the folder a moment longer.
            match Disk::open(&at) {
                Ok(disk) => break disk,
                Err(_) => tokio::task::yield_now().await,
            }
        };
        let audit = Audit::for_tests(FaultyDisk { disk, faults: faults.clone() }, &at, clock.clone());
        let audit = Arc::new(audit);
        let stop = CancellationToken::new();
        let parts = Parts {
            storage: store.clone(),
            clock,
            connect: Arc::new(BuiltIns),
            pin: None,
            fetch: Arc::new(HttpFetch::new(FetchSettings::default())),
            names: vec!["localhost".to_owned()],
            endpoints: vec!["localhost:7443".to_owned()],
            certificate: Arc::new(NotServed),
            authorities: Arc::default(),
            audit: audit.clone(),
            older: OlderStore::Refuse,
            operator_bearer: true,
        };
        let lifecycle = Lifecycle::new(parts, &stop);
        let token = dev_token(&lifecycle, &folder.path().join("seal.key")).await.unwrap().token;
        let pipeline = Arc::new(Pipeline::new(lifecycle, audit.clone()));
        Self { folder, store, faults, audit, pipeline, token, stop }
    }

    /// As after SIGKILL: nothing is closed in order.
    async fn crash(self) -> Self {
        let Self { folder, store, faults, audit, pipeline, stop, .. } = self;
        stop.cancel();
        pipeline.lifecycle().stop();
        drop((audit, pipeline));
        faults.broken.store(false, Ordering::SeqCst);
        Self::over(folder, store, faults).await
    }

    /// A request of the operator's that gives up after `within`.
    fn facts(&self, within: Duration, request_id: Option<&str>) -> Facts {
        Facts {
            peer: identity::Peer::Network(([127, 0, 0, 1], 1).into()),
            certificate: None,
            authorization: Some(format!("Bearer {}", self.token.expose()).into_bytes()),
            tenant: None,
            deadline: Instant::now() + within,
            request_id: request_id.map(|id| id.parse().unwrap()),
            request_digest: [7; 32],
            trace_id: [0; 16],
            peer_text: "127.0.0.1".to_owned(),
        }
    }

    fn soon(&self) -> Facts {
        self.facts(Duration::from_secs(20), None)
    }

    fn records(&self) -> Vec<serde_json::Value> {
        records(self.audit.folder())
    }

    fn told(&self, method: &str) -> Vec<serde_json::Value> {
        self.records().into_iter().filter(|record| record["method"] == method).collect()
    }
}

fn records(folder: &Path) -> Vec<serde_json::Value> {
    let mut out = Vec::new();
    for epoch in read::epochs(folder).unwrap() {
        let mut records = Records::open(folder, epoch, 0).unwrap();
        while let Some(found) = records.next().unwrap() {
            out.push(Record::parse(&found.body).unwrap().to_json());
        }
    }
    out
}

fn put(path: &str) -> PutSecret {
    let fields = [("password".to_owned(), Secret::copy_of(b"marked-4711").unwrap())].into();
    PutSecret { path: path.parse().unwrap(), fields, expected_version: None, expires_in: None }
}

fn get(path: &str) -> GetSecret {
    GetSecret { path: path.parse().unwrap(), version: None }
}
