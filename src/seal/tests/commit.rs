use std::{
    pin::Pin,
    sync::atomic::{AtomicUsize, Ordering},
};

use super::*;
use crate::{
    keyring::{Changes, Installation, KeyringRecord, RootKey, Table, Vault, VaultError, View},
    method::TenantId,
    seal::{
        Change, Committed, Edit, Held, NotCommitted, PATH_KEYS, PathKeys, add_path, edit_path, open, remove_path,
        rotate_root,
    },
    storage::{Batch, Entry, Memory, Path, Revision, Storage, StorageError, Watch},
};

/// A store that dies after some more commits.
struct Dying {
    inner: Arc<Memory>,
    left: AtomicUsize,
}

#[async_trait]
impl Storage for Dying {
    async fn get(&self, path: &Path) -> Result<Option<Entry>, StorageError> {
        self.inner.get(path).await
    }

    async fn list(&self, prefix: &str, after: Option<&Path>, limit: usize) -> Result<Vec<(Path, Entry)>, StorageError> {
        self.inner.list(prefix, after, limit).await
    }

    async fn commit(&self, batch: Batch) -> Result<Revision, StorageError> {
        let left = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        left.map_err(|_| StorageError::Unavailable("the process was killed".to_owned()))?;
        self.inner.commit(batch).await
    }

    async fn watch(&self, prefix: &str, from: Revision) -> Result<Watch, StorageError> {
        self.inner.watch(prefix, from).await
    }

    async fn revision(&self) -> Result<Revision, StorageError> {
        self.inner.revision().await
    }
}

/// An open installation over a store in memory.
struct House {
    cloud: Cloud,
    storage: Arc<Memory>,
    dying: Arc<Dying>,
    vault: Arc<Vault>,
    keys: Arc<Table<PathKeys>>,
    follow: Pin<Box<dyn Future<Output = Result<(), VaultError>>>>,
}

async fn built(tenants: usize) -> House {
    let (cloud, made) = both().await;
    let storage = Arc::new(Memory::new());
    let mut changes = made.changes(now()).unwrap();
    for _ in 0..tenants.min(60) {
        changes.put_ring(TenantId(keyward_sdk::crypto::random::array()), KeyringRecord::generate(now()));
    }
    let installation = Installation(*made.record.installation().as_bytes());
    Vault::create(&*storage, installation, &made.root, changes).await.unwrap();
    let mut house = entered(cloud, storage).await;
    let mut more = Changes::new();
    for _ in 60..tenants {
        more.put_ring(TenantId(keyward_sdk::crypto::random::array()), KeyringRecord::generate(now()));
    }
    if !more.is_empty() {
        let vault = house.vault.clone();
        house.run(vault.commit(more)).await.unwrap();
    }
    house
}

/// As a start does it: read the record, open the seal, open the store.
async fn entered(cloud: Cloud, storage: Arc<Memory>) -> House {
    let record = record_in(&storage).await;
    let clock = ManualClock::at(now());
    let unsealed = open(&record, &cloud.how(&clock)).await.unwrap().unsealed;
    let keys = Arc::new(Table::default());
    let views: Vec<Arc<dyn View>> = vec![keys.clone()];
    let installation = Installation(*unsealed.installation().as_bytes());
    let dying = Arc::new(Dying { inner: storage.clone(), left: AtomicUsize::new(usize::MAX) });
    let opened = Vault::open(dying.clone(), installation, unsealed.into_root(), views).await.unwrap();
    let follow = Box::pin(opened.vault.clone().follow(opened.from));
    House { cloud, storage, dying, vault: opened.vault, keys, follow }
}

async fn record_in(storage: &Memory) -> SealRecord {
    SealRecord::parse(&Vault::seal_record(storage).await.unwrap().unwrap()).unwrap()
}

impl House {
    /// Runs something while the vault follows its store.
    async fn run<T>(&mut self, work: impl Future<Output = T>) -> T {
        tokio::select! {
            done = work => done,
            ended = &mut self.follow => panic!("the vault stopped following: {ended:?}"),
        }
    }

    async fn change(&mut self, how: impl AsyncFnOnce(Held<'_>) -> Change) -> Result<Committed, Box<NotCommitted>> {
        let counter = self.vault.counter(TenantId::SYSTEM);
        self.change_at(counter, how).await
    }

    async fn change_at(
        &mut self,
        counter: u64,
        how: impl AsyncFnOnce(Held<'_>) -> Change,
    ) -> Result<Committed, Box<NotCommitted>> {
        let (vault, cloud) = (self.vault.clone(), self.cloud.clone());
        let record = record_in(&self.storage).await;
        let (root, keys) = (vault.root(), self.keys.get(TenantId::SYSTEM, PATH_KEYS).unwrap());
        let held =
            Held { record: &record, root: &root, keys: &keys, connect: &cloud, now: now(), member_timeout: SOON };
        let change = how(held).await;
        self.run(change.commit(&vault, counter, now())).await
    }

    /// Stops and starts again from what is stored.
    async fn restarted(self) -> Self {
        entered(self.cloud, self.storage).await
    }
}

#[tokio::test]
async fn every_change_is_committed_whole_and_opens_after_a_restart() {
    let mut house = built(2).await;
    let first: RootKey = RootKey::from_secret(&house.vault.root().key().to_secret()).unwrap();
    drop(house.change(async |held| rotate_root(held).unwrap()).await.unwrap());
    assert!(!house.vault.root().same_as(&first));
    let mut house = house.restarted().await;
    let plan = NewPath { name: name("hsm"), k: 1, members: vec![key_member("hsm", "hsm")] };
    drop(house.change(async |held| add_path(held, &plan).await.unwrap()).await.unwrap());
    let mut house = house.restarted().await;
    let edits = [Edit::Remove(name("eve"))];
    let shown = house.change(async |held| edit_path(held, &name("people"), &edits).await.unwrap()).await.unwrap();
    assert_eq!(shown.shares.len(), 4);
    let mut house = house.restarted().await;
    drop(house.change(async |held| remove_path(held, &name("clouds")).unwrap()).await.unwrap());
    for key in ["aws", "gcp", "azure"] {
        house.cloud.set(key, Mood::Dead);
    }
    let house = house.restarted().await;
    let paths: Vec<_> = record_in(&house.storage).await.paths().iter().map(|path| path.name.to_string()).collect();
    assert_eq!(paths, ["people", "hsm"]);
    assert_eq!(house.vault.rings().of(TenantId::SYSTEM).unwrap().primary(), 3, "two changes took someone's right away");
    assert_eq!(house.vault.rings().tenants().count(), 3);
}

/// How many tenants' keyrings lie sealed under a version of the system keyring, and how many under another.
async fn rings_under(storage: &Memory, version: u32) -> (usize, usize) {
    let (mut under, mut other) = (0, 0);
    let mut after = None;
    loop {
        let page = storage.list("c/", after.as_ref(), 1000).await.unwrap();
        let Some((last, _)) = page.last() else { return (under, other) };
        after = Some(last.clone());
        let system = TenantId::SYSTEM.to_string();
        for (_, entry) in
            page.iter().filter(|(path, _)| path.as_str().contains("/e/keyring/") && !path.as_str().ends_with(&system))
        {
            // 8 bytes of counter, then the envelope: format, version.
            if entry.value[9..13] == version.to_be_bytes() { under += 1 } else { other += 1 }
        }
    }
}

#[tokio::test]
async fn killed_at_every_write_the_seal_is_the_old_or_the_new_one_and_the_next_change_catches_up() {
    for commits in 0..=3 {
        let mut house = built(130).await;
        house.dying.left.store(commits, Ordering::SeqCst);
        let done = house.change(async |held| remove_path(held, &name("people")).unwrap()).await;
        match done {
            Ok(done) => assert_eq!(done.behind.is_none(), commits == 3, "one commit and two to catch up"),
            Err(failed) => assert_eq!((commits, failed.to_string().contains("was killed")), (0, true)),
        }
        let mut house = house.restarted().await;
        let paths = record_in(&house.storage).await.paths().len();
        assert_eq!(paths, if commits == 0 { 2 } else { 1 });
        assert_eq!(house.vault.rings().tenants().count(), 131, "every keyring opens");
        let edit = [Edit::Threshold(1)];
        let done = house.change(async |held| edit_path(held, &name("clouds"), &edit).await.unwrap()).await.unwrap();
        assert!(done.behind.is_none());
        let version = house.vault.rings().of(TenantId::SYSTEM).unwrap().primary();
        assert_eq!(rings_under(&house.storage, version).await, (130, 0));
        house.restarted().await;
    }
}

#[tokio::test]
async fn more_keyrings_than_fit_in_one_commit_are_all_sealed_under_the_new_version() {
    let mut house = built(130).await;
    drop(house.change(async |held| remove_path(held, &name("people")).unwrap()).await.unwrap());
    let house = house.restarted().await;
    assert_eq!(rings_under(&house.storage, 2).await, (130, 0));
}

#[tokio::test]
async fn a_change_that_came_in_between_is_a_conflict_and_nothing_is_written() {
    let mut house = built(1).await;
    let counter = house.vault.counter(TenantId::SYSTEM);
    drop(house.change(async |held| rotate_root(held).unwrap()).await.unwrap());
    let before = record_in(&house.storage).await;
    let late = house.change_at(counter, async |held| rotate_root(held).unwrap()).await;
    assert!(matches!(&late, Err(failed) if matches!(failed.error, VaultError::Conflict)), "{late:?}");
    assert_eq!(record_in(&house.storage).await, before);
    house.restarted().await;
}

#[tokio::test]
async fn an_older_seal_record_put_back_does_not_open_the_newer_store() {
    let mut house = built(1).await;
    let older = Vault::seal_record(&*house.storage).await.unwrap().unwrap();
    drop(house.change(async |held| remove_path(held, &name("people")).unwrap()).await.unwrap());
    let path = crate::storage::Path::new("seal".to_owned()).unwrap();
    let batch = crate::storage::Batch { put: vec![(path, older)], ..Default::default() };
    house.storage.commit(batch).await.unwrap();
    let record = record_in(&house.storage).await;
    let clock = ManualClock::at(now());
    let unsealed = open(&record, &house.cloud.how(&clock)).await.unwrap().unsealed;
    let installation = Installation(*unsealed.installation().as_bytes());
    assert!(Vault::open(house.storage.clone(), installation, unsealed.into_root(), Vec::new()).await.is_err());
}
