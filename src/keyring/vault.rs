//! The open whole: storage, keyrings and control state. Exists only while unsealed.

use std::{
    sync::{Arc, OnceLock, PoisonError, RwLock},
    time::Duration,
};

use bytes::Bytes;
use futures_util::StreamExt;
use tokio::sync::{Semaphore, watch};

use super::{
    Changes, Rings, RootKey, VaultError,
    control::{self, Head, Hot, View, apply_commit},
    place,
    root::Roots,
};
use crate::{
    method::TenantId,
    storage::{Batch, CALL_DEADLINE, Expect, Revision, Storage, StorageError, WatchEvent},
};

/// How often a reading is tried again that does not fit together.
const CATCH_UP_TRIES: u64 = 20;

/// The id of an installation: 16 random bytes made by `init`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Installation(pub [u8; 16]);

/// What opening gives: the vault, and from where its watch must go on.
pub struct Opened {
    /// The vault.
    pub vault: Arc<Vault>,
    /// Given to [`Vault::follow`].
    pub from: Revision,
}

struct Inner {
    hot: Hot,
    rings: Arc<Rings>,
}

/// See the module.
pub struct Vault {
    storage: Arc<dyn Storage>,
    installation: Installation,
    roots: Roots,
    inner: RwLock<Inner>,
    views: Vec<Arc<dyn View>>,
    applied: watch::Sender<Revision>,
    broken: OnceLock<String>,
    turn: Semaphore,
}

impl Vault {
    /// Reads the seal record, which needs no key.
    ///
    /// # Errors
    /// [`VaultError`] when the store does not answer.
    pub async fn seal_record(storage: &dyn Storage) -> Result<Option<Bytes>, VaultError> {
        Ok(storage.get(&place::seal()?).await?.map(|entry| entry.value))
    }

    /// Writes the first state of an installation. `changes` has the seal record, the system keyring, and the first
    /// tenants.
    ///
    /// # Errors
    /// [`VaultError::Conflict`] when the store is initialised already.
    pub async fn create(
        storage: &dyn Storage,
        installation: Installation,
        root: &RootKey,
        changes: Changes,
    ) -> Result<(), VaultError> {
        let mut batch = Batch { expect: vec![(place::seal()?, Expect::Absent)], ..Batch::default() };
        control::seal_control(&changes, &Hot::default(), &Rings::new(installation.0), root, &mut batch)?;
        storage.commit(batch).await.map_err(conflict)?;
        Ok(())
    }

    /// Opens the store with the root key, checks the control state and fills the views.
    ///
    /// # Errors
    /// [`VaultError::Rollback`] when the control state is not the last one that was written.
    pub async fn open(
        storage: Arc<dyn Storage>,
        installation: Installation,
        root: RootKey,
        views: Vec<Arc<dyn View>>,
    ) -> Result<Opened, VaultError> {
        let roots = Roots::new(root);
        let loaded = control::load(&*storage, installation.0, &roots, &Hot::default(), &views).await?;
        let vault = Self {
            storage,
            installation,
            roots,
            inner: RwLock::new(Inner { hot: loaded.hot, rings: Arc::new(loaded.rings) }),
            views,
            applied: watch::Sender::new(loaded.revision),
            broken: OnceLock::new(),
            turn: Semaphore::new(1),
        };
        Ok(Opened { vault: Arc::new(vault), from: loaded.revision })
    }

    /// Follows the store and keeps the control state hot. Runs as a task; ends only when the vault can no longer be
    /// trusted or the store is closed.
    ///
    /// # Errors
    /// Why it ended.
    pub async fn follow(self: Arc<Self>, from: Revision) -> Result<(), VaultError> {
        let ended = self.follow_until_broken(from).await;
        if let Err(error) = &ended {
            // The first reason stays; setting it twice is no error.
            let _first = self.broken.set(error.to_string());
        }
        ended
    }

    async fn follow_until_broken(&self, mut from: Revision) -> Result<(), VaultError> {
        loop {
            self.follow_a_watch(from).await?;
            from = self.catch_up().await?;
        }
    }

    /// Reads everything anew after the watch fell behind, and shows the views what they missed. While others commit, the
    /// pages of one reading need not fit together, so it is tried again before anything is believed to be older.
    async fn catch_up(&self) -> Result<Revision, VaultError> {
        let mut tries = 0;
        loop {
            let before = self.inner.read().unwrap_or_else(PoisonError::into_inner).hot.clone();
            let loaded = control::load(&*self.storage, self.installation.0, &self.roots, &before, &self.views).await;
            match loaded {
                Ok(loaded) => {
                    let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
                    inner.hot = loaded.hot;
                    inner.rings = Arc::new(loaded.rings);
                    self.applied.send_replace(loaded.revision);
                    return Ok(loaded.revision);
                }
                Err(VaultError::Rollback { .. } | VaultError::Sealed { .. }) if tries < CATCH_UP_TRIES => {
                    tries += 1;
                    tokio::time::sleep(Duration::from_millis(20 * tries)).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Applies commits until the watch falls behind.
    async fn follow_a_watch(&self, from: Revision) -> Result<(), VaultError> {
        let mut watch = self.storage.watch(place::CONTROL_PREFIX, from).await?;
        while let Some(event) = watch.next().await {
            let WatchEvent::Commit(revision, changes) = event else { return Ok(()) };
            if !changes.is_empty() {
                let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
                let mut rings = (*inner.rings).clone();
                apply_commit(changes, &mut inner.hot, &mut rings, &self.roots, &self.views)?;
                inner.rings = Arc::new(rings);
            }
            self.applied.send_replace(revision);
        }
        Err(VaultError::Broken("the watch over the store ended".to_owned()))
    }

    /// Seals and commits. Returns once the hot state has it too, so that a caller reads what it wrote. A new root key
    /// is in force once the commit is seen, also when it is not known at first whether it was made.
    ///
    /// # Errors
    /// [`VaultError::Conflict`] when something that the changes rest on is no longer so.
    pub async fn commit(&self, mut changes: Changes) -> Result<Revision, VaultError> {
        let root = changes.root.take().map(Arc::new);
        self.trusted()?;
        let touches_control = !changes.control.is_empty() || !changes.rings.is_empty() || changes.seal.is_some();
        // Control writes go one after the other in this process, so that they do not make each other try again.
        let turn = if touches_control { self.turn.acquire().await.ok() } else { None };
        let mut batch = Batch::default();
        {
            let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
            let root = root.clone().unwrap_or_else(|| self.roots.current());
            if touches_control || !changes.basis.is_empty() {
                control::seal_control(&changes, &inner.hot, &inner.rings, &root, &mut batch)?;
            }
            for (place, value) in &changes.data {
                match value {
                    Some(plain) => {
                        let sealed = inner.rings.seal(place.tenant(), place.path().as_str(), 0, plain)?;
                        batch.put.push((place.path().clone(), sealed.into()));
                    }
                    None => batch.delete.push(place.path().clone()),
                }
            }
        }
        batch.expect.extend(changes.expect.iter().map(|(place, expect)| (place.path().clone(), *expect)));
        if let Some(new) = root {
            self.roots.announce(new);
        }
        let committed = self.storage.commit(batch).await.map_err(conflict);
        if matches!(committed, Err(VaultError::Conflict)) {
            self.roots.withdraw();
        }
        let revision = committed?;
        if touches_control {
            let mut applied = self.applied.subscribe();
            let caught_up = tokio::time::timeout(CALL_DEADLINE, applied.wait_for(|at| *at >= revision)).await;
            if !matches!(caught_up, Ok(Ok(_))) {
                return Err(StorageError::OutcomeUnknown("the change stands, and is not yet in use".to_owned()).into());
            }
        }
        drop(turn);
        Ok(revision)
    }

    /// The keyrings as they are now.
    #[must_use]
    pub fn rings(&self) -> Arc<Rings> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner).rings.clone()
    }

    /// The counter of a tenant's control state, for [`Changes::based_on`].
    #[must_use]
    pub fn counter(&self, tenant: TenantId) -> u64 {
        self.inner.read().unwrap_or_else(PoisonError::into_inner).hot.counter(tenant)
    }

    /// The heads of every tenant's control state.
    ///
    /// # Errors
    /// [`VaultError`] when they cannot be computed.
    pub fn heads(&self) -> Result<Vec<Head>, VaultError> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner).hot.heads()
    }

    /// Whether the control state can still be trusted.
    ///
    /// # Errors
    /// [`VaultError::Broken`] when not.
    pub fn trusted(&self) -> Result<(), VaultError> {
        self.broken.get().map_or(Ok(()), |why| Err(VaultError::Broken(why.clone())))
    }

    /// The installation.
    #[must_use]
    pub fn installation(&self) -> Installation {
        self.installation
    }

    /// The root key, for the seal's own changes.
    #[must_use]
    pub fn root(&self) -> Arc<RootKey> {
        self.roots.current()
    }

    /// The store, for backup and status.
    #[must_use]
    pub fn storage(&self) -> &dyn Storage {
        &*self.storage
    }
}

fn conflict(error: StorageError) -> VaultError {
    match error {
        StorageError::Conflict(_) => VaultError::Conflict,
        other => VaultError::Storage(other),
    }
}
