//! Hands out everything the store holds at one moment.

use std::{io, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use keyward_sdk::crypto::digest::Hasher;
use tokio::{runtime::Handle, sync::mpsc};

use super::LastBackup;
use crate::{
    engine::{Done, EngineError, Operation, Reply, World},
    keyring::Vault,
    method::{Action, Method, ResourceKind, Tenantwide, rows},
    policy::Permit,
    storage::{Snapshot, backup},
};

/// How many bytes go at once.
const CHUNK: usize = 256 << 10;
/// How many chunks wait for a slow reader.
const WAITING: usize = 4;
/// How long a reader may take nothing. A snapshot keeps the store from using space again, so it does not wait for ever.
const PATIENCE: Duration = Duration::from_secs(60);

/// See the module.
pub struct CreateBackup;

/// A backup on its way out.
pub struct Backup {
    /// Its parts, in order; ends after the summary, or without one when it failed.
    pub items: mpsc::Receiver<BackupItem>,
}

/// A part of it.
pub enum BackupItem {
    /// The next bytes.
    Chunk(Bytes),
    /// All were handed out.
    Summary {
        /// What it was.
        made: LastBackup,
        /// Over all chunks.
        sha256: [u8; 32],
    },
    /// It cannot be read on.
    Failed(String),
}

impl Reply for Backup {}

impl Action for CreateBackup {
    const METHOD: &'static Method = &rows::backup::CREATE;
    type Resource = Tenantwide;
    fn resource(&self) -> Tenantwide {
        Tenantwide(ResourceKind::System)
    }
}

impl Operation for CreateBackup {
    type Reply = Backup;

    async fn execute(&self, _permit: &Permit<Self>, world: &World) -> Result<Done<Backup>, EngineError> {
        if world.vault.storage().snapshots().is_none() {
            return Err(EngineError::state("NO_BACKUP", "this kind of store is backed up by its own tools"));
        }
        let (send, items) = mpsc::channel(WAITING);
        let (vault, now) = (Arc::clone(&world.vault), world.clock.now());
        let taken = tokio::task::spawn_blocking(move || take(&vault)).await;
        let snapshot = taken.map_err(|_| EngineError::Internal("taking a snapshot was cut off".to_owned()))??;
        let handle = Handle::current();
        // Ends by itself: with the snapshot, when nobody reads any longer, or when the reader loses patience with us.
        drop(tokio::task::spawn_blocking(move || {
            let mut out = Out { send, handle, gathered: BytesMut::with_capacity(CHUNK), hash: Hasher::new() };
            let item = match backup::create(&snapshot, now, &mut out) {
                Ok(made) => BackupItem::Summary {
                    made: LastBackup { at: now, revision: made.revision.0, entries: made.entries, bytes: made.bytes },
                    sha256: out.hash.clone().finish(),
                },
                Err(error) => BackupItem::Failed(error.to_string()),
            };
            // A reader that is gone has cancelled it.
            let _gone = out.hand(item);
        }));
        Ok(Done::Answer(Backup { items }))
    }
}

fn take(vault: &Vault) -> Result<Snapshot, EngineError> {
    let snapshots =
        vault.storage().snapshots().ok_or_else(|| EngineError::Internal("the store has changed".to_owned()))?;
    snapshots.snapshot().map_err(|error| EngineError::Unavailable(error.to_string()))
}

/// Gathers what is written into chunks.
struct Out {
    send: mpsc::Sender<BackupItem>,
    handle: Handle,
    gathered: BytesMut,
    hash: Hasher,
}

impl Out {
    fn hand(&self, item: BackupItem) -> io::Result<()> {
        let sent = self.handle.block_on(self.send.send_timeout(item, PATIENCE));
        sent.map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "nobody reads it"))
    }

    fn flush_chunk(&mut self) -> io::Result<()> {
        let chunk = self.gathered.split().freeze();
        if chunk.is_empty() { Ok(()) } else { self.hand(BackupItem::Chunk(chunk)) }
    }
}

impl io::Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.hash.update(bytes);
        self.gathered.extend_from_slice(bytes);
        if self.gathered.len() >= CHUNK {
            self.flush_chunk()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.flush_chunk()
    }
}
