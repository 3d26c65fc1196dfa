use std::{
    pin::Pin,
    sync::atomic::{AtomicUsize, Ordering},
};

use super::*;
use crate::{
    keyring::{Changes, Installation, KeyringRecord, RootKey, Table, Vault, VaultError, View},
    method::TenantId,
    seal::{
        Change, Edit, Held, PATH_KEYS, PathKeys, PersonShare, RENEWAL, Renewal, add_path, edit_path, open, remove_path,
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
    renewal: Arc<Table<Renewal>>,
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
    let (keys, renewal) = (Arc::new(Table::default()), Arc::new(Table::default()));
    let views: Vec<Arc<dyn View>> = vec![keys.clone(), renewal.clone()];
    let installation = Installation(*unsealed.installation().as_bytes());
    let dying = Arc::new(Dying { inner: storage.clone(), left: AtomicUsize::new(usize::MAX) });
    let opened = Vault::open(dying.clone(), installation, unsealed.into_root(), views).await.unwrap();
    let follow = Box::pin(opened.vault.clone().follow(opened.from));
    House { cloud, storage, dying, vault: opened.vault, keys, renewal, follow }
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

    async fn change(&mut self, how: impl AsyncFnOnce(Held<'_>) -> Change) -> Result<Vec<PersonShare>, VaultError> {
        let counter = self.vault.counter(TenantId::SYSTEM);
        self.change_at(counter, how).await
    }

    async fn change_at(
        &mut self,
        counter: u64,
        how: impl AsyncFnOnce(Held<'_>) -> Change,
    ) -> Result<Vec<PersonShare>, VaultError> {
        let (vault, cloud) = (self.vault.clone(), self.cloud.clone());
        let record = record_in(&self.storage).await;
        let (root, keys) = (vault.root(), self.keys.get(TenantId::SYSTEM, PATH_KEYS).unwrap());
        let held =
            Held { record: &record, root: &root, keys: &keys, connect: &cloud, now: now(), member_timeout: SOON };
        let change = how(held).await;
        let written = change.into_changes(&vault.rings(), counter, now(), &self.pending())?;
        self.run(vault.commit(written.changes)).await?;
        Ok(written.shares)
    }

    fn pending(&self) -> Renewal {
        self.renewal.get(TenantId::SYSTEM, RENEWAL).map(|left| (*left).clone()).unwrap_or_default()
    }

    /// As the job does it. False when the store died.
    async fn renew(&mut self) -> bool {
        while self.pending() != Renewal::default() {
            let vault = self.vault.clone();
            let (changes, _left) = self.pending().next_rings(&vault, now()).unwrap();
            if self.run(vault.commit(changes)).await.is_err() {
                return false;
            }
        }
        true
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
    assert_eq!(shown.len(), 4);
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

/// How many keyrings of tenants have a second version.
fn renewed(house: &House) -> usize {
    let rings = house.vault.rings();
    rings.tenants().filter(|tenant| *tenant != TenantId::SYSTEM && rings.of(*tenant).unwrap().primary() > 1).count()
}

#[tokio::test]
async fn killed_at_every_write_the_seal_is_the_old_or_the_new_one_and_every_keyring_gets_its_new_version() {
    for commits in 0..=3 {
        let mut house = built(130).await;
        house.dying.left.store(commits, Ordering::SeqCst);
        let done = house.change(async |held| remove_path(held, &name("people")).unwrap()).await;
        match done {
            Ok(_none) => assert_eq!(house.renew().await, commits == 3, "one commit, and two for the rest"),
            Err(failed) => assert_eq!((commits, failed.to_string().contains("was killed")), (0, true)),
        }
        let mut house = house.restarted().await;
        let paths = record_in(&house.storage).await.paths().len();
        assert_eq!(paths, if commits == 0 { 2 } else { 1 });
        assert_eq!(house.vault.rings().tenants().count(), 131, "every keyring opens");
        assert_eq!(renewed(&house), [0, 48, 96, 130][commits]);
        assert!(house.renew().await);
        assert_eq!(renewed(&house), if commits == 0 { 0 } else { 130 });
        house.restarted().await;
    }
}

#[tokio::test]
async fn what_was_left_of_an_earlier_change_is_done_with_the_next() {
    let mut house = built(130).await;
    drop(house.change(async |held| remove_path(held, &name("people")).unwrap()).await.unwrap());
    let edit = [Edit::Threshold(1)];
    drop(house.change(async |held| edit_path(held, &name("clouds"), &edit).await.unwrap()).await.unwrap());
    let mut house = house.restarted().await;
    assert!(house.renew().await);
    assert_eq!(renewed(&house), 130);
}

#[tokio::test]
async fn a_change_that_came_in_between_is_a_conflict_and_nothing_is_written() {
    let mut house = built(1).await;
    let counter = house.vault.counter(TenantId::SYSTEM);
    drop(house.change(async |held| rotate_root(held).unwrap()).await.unwrap());
    let before = record_in(&house.storage).await;
    let late = house.change_at(counter, async |held| rotate_root(held).unwrap()).await;
    assert!(matches!(&late, Err(VaultError::Conflict)));
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
