use std::pin::Pin;

use super::*;
use crate::{
    keyring::{Changes, Installation, KeyringRecord, RootKey, Table, Vault, VaultError, View},
    method::TenantId,
    seal::{Change, Edit, Held, PATH_KEYS, PathKeys, add_path, edit_path, open, remove_path, rotate_root},
    storage::{Memory, Storage},
};

/// An open installation over a store in memory.
struct House {
    cloud: Cloud,
    storage: Arc<Memory>,
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
    let opened = Vault::open(storage.clone(), installation, unsealed.into_root(), views).await.unwrap();
    let follow = Box::pin(opened.vault.clone().follow(opened.from));
    House { cloud, storage, vault: opened.vault, keys, follow }
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

    async fn change(&mut self, how: impl AsyncFnOnce(Held<'_>) -> Change) -> Result<usize, VaultError> {
        let counter = self.vault.counter(TenantId::SYSTEM);
        self.change_at(counter, how).await
    }

    async fn change_at(
        &mut self,
        counter: u64,
        how: impl AsyncFnOnce(Held<'_>) -> Change,
    ) -> Result<usize, VaultError> {
        let (vault, cloud) = (self.vault.clone(), self.cloud.clone());
        let record = record_in(&self.storage).await;
        let (root, keys) = (vault.root(), self.keys.get(TenantId::SYSTEM, PATH_KEYS).unwrap());
        let held =
            Held { record: &record, root: &root, keys: &keys, connect: &cloud, now: now(), member_timeout: SOON };
        let change = how(held).await;
        self.run(change.commit(&vault, counter, now())).await.map(|shares| shares.len())
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
    house.change(async |held| rotate_root(held).unwrap()).await.unwrap();
    assert!(!house.vault.root().same_as(&first));
    let mut house = house.restarted().await;
    let plan = NewPath { name: name("hsm"), k: 1, members: vec![key_member("hsm", "hsm")] };
    house.change(async |held| add_path(held, &plan).await.unwrap()).await.unwrap();
    let mut house = house.restarted().await;
    let edits = [Edit::Remove(name("eve"))];
    let shown = house.change(async |held| edit_path(held, &name("people"), &edits).await.unwrap()).await.unwrap();
    assert_eq!(shown, 4);
    let mut house = house.restarted().await;
    house.change(async |held| remove_path(held, &name("clouds")).unwrap()).await.unwrap();
    for key in ["aws", "gcp", "azure"] {
        house.cloud.set(key, Mood::Dead);
    }
    let house = house.restarted().await;
    let paths: Vec<_> = record_in(&house.storage).await.paths().iter().map(|path| path.name.to_string()).collect();
    assert_eq!(paths, ["people", "hsm"]);
    assert_eq!(house.vault.rings().of(TenantId::SYSTEM).unwrap().primary(), 3, "two changes took someone's right away");
    assert_eq!(house.vault.rings().tenants().count(), 3);
}

#[tokio::test]
async fn more_keyrings_than_fit_in_one_commit_are_all_sealed_under_the_new_version() {
    let mut house = built(130).await;
    house.change(async |held| remove_path(held, &name("people")).unwrap()).await.unwrap();
    let house = house.restarted().await;
    let mut seen = 0;
    let mut after = None;
    loop {
        let page = house.storage.list("c/", after.as_ref(), 1000).await.unwrap();
        let Some((last, _)) = page.last() else { break };
        after = Some(last.clone());
        for (path, entry) in &page {
            let is_ring = path.as_str().contains("/e/keyring/");
            if is_ring && !path.as_str().ends_with(&TenantId::SYSTEM.to_string()) {
                // 8 bytes of counter, then the envelope: format, version.
                assert_eq!(entry.value[9..13], 2u32.to_be_bytes(), "{path}");
                seen += 1;
            }
        }
    }
    assert_eq!(seen, 130);
}

#[tokio::test]
async fn a_change_that_came_in_between_is_a_conflict_and_nothing_is_written() {
    let mut house = built(1).await;
    let counter = house.vault.counter(TenantId::SYSTEM);
    house.change(async |held| rotate_root(held).unwrap()).await.unwrap();
    let before = record_in(&house.storage).await;
    let late = house.change_at(counter, async |held| rotate_root(held).unwrap()).await;
    assert!(matches!(late, Err(VaultError::Conflict)), "{late:?}");
    assert_eq!(record_in(&house.storage).await, before);
    house.restarted().await;
}

#[tokio::test]
async fn an_older_seal_record_put_back_does_not_open_the_newer_store() {
    let mut house = built(1).await;
    let older = Vault::seal_record(&*house.storage).await.unwrap().unwrap();
    house.change(async |held| remove_path(held, &name("people")).unwrap()).await.unwrap();
    let path = crate::storage::Path::new("seal".to_owned()).unwrap();
    let batch = crate::storage::Batch { put: vec![(path, older)], ..Default::default() };
    house.storage.commit(batch).await.unwrap();
    let record = record_in(&house.storage).await;
    let clock = ManualClock::at(now());
    let unsealed = open(&record, &house.cloud.how(&clock)).await.unwrap().unsealed;
    let installation = Installation(*unsealed.installation().as_bytes());
    assert!(Vault::open(house.storage.clone(), installation, unsealed.into_root(), Vec::new()).await.is_err());
}
