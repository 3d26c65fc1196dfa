use std::{sync::Arc, time::Duration};

use keyward_sdk::{
    envelope::OVERHEAD,
    time::{Clock, SystemClock, Timestamp},
};
use serde::{Deserialize, Serialize};

use super::*;
use crate::{
    method::TenantId,
    storage::{Batch, Expect, Memory, Path, Storage},
};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Note(String);

impl ControlType for Note {
    const KIND: &'static str = "note";
}

const TENANT: TenantId = TenantId([7; 16]);
const INSTALLATION: Installation = Installation([1; 16]);

fn now() -> Timestamp {
    SystemClock.now()
}

fn root() -> RootKey {
    RootKey::new(keyward_sdk::secret::Key32::copy_of(&[9; 32]))
}

struct World {
    store: Arc<Memory>,
    vault: Arc<Vault>,
    notes: Arc<Table<Note>>,
    follow: tokio::task::JoinHandle<Result<(), VaultError>>,
}

impl Drop for World {
    fn drop(&mut self) {
        self.follow.abort();
    }
}

async fn fresh() -> Arc<Memory> {
    let store = Arc::new(Memory::new());
    let mut changes = Changes::new();
    changes.put_ring(TenantId::SYSTEM, KeyringRecord::generate(now()));
    changes.put_ring(TENANT, KeyringRecord::generate(now()));
    changes.put_control(TENANT, "first", &Note("one".into())).unwrap();
    Vault::create(&*store, INSTALLATION, &root(), changes).await.unwrap();
    store
}

async fn try_open(store: Arc<Memory>) -> Result<World, VaultError> {
    let notes: Arc<Table<Note>> = Arc::default();
    let opened = Vault::open(store.clone(), INSTALLATION, root(), vec![notes.clone()]).await?;
    #[expect(clippy::disallowed_methods, reason = "a test owns its one task")]
    let follow = tokio::spawn(opened.vault.clone().follow(opened.from));
    Ok(World { store, vault: opened.vault, notes, follow })
}

async fn world() -> World {
    try_open(fresh().await).await.unwrap()
}

async fn write(world: &World, name: &str, text: &str) {
    let mut changes = Changes::new();
    changes.put_control(TENANT, name, &Note(text.into())).unwrap();
    world.vault.commit(changes).await.unwrap();
}

/// Everything that lies in a store.
async fn copy(store: &Memory) -> Vec<(Path, bytes::Bytes)> {
    let entries = store.list("", None, 1_000).await.unwrap();
    entries.into_iter().map(|(path, entry)| (path, entry.value)).collect()
}

/// Writes over the store as whoever holds it could.
async fn put_back(store: &Memory, entries: Vec<(Path, bytes::Bytes)>) {
    store.commit(Batch { put: entries, ..Batch::default() }).await.unwrap();
}

fn refused(result: Result<World, VaultError>) -> String {
    match result {
        Ok(_) => panic!("an older state was accepted"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn what_is_committed_is_hot_when_commit_returns() {
    let world = world().await;
    write(&world, "second", "two").await;
    assert_eq!(*world.notes.get(TENANT, "second").unwrap(), Note("two".into()));
    assert_eq!(world.vault.counter(TENANT), 2);
}

#[tokio::test]
async fn a_reopened_vault_has_all_that_was_committed() {
    let first = world().await;
    write(&first, "first", "changed").await;
    let mut changes = Changes::new();
    changes.delete_control::<Note>(TENANT, "first");
    changes.put_control(TENANT, "other", &Note("x".into())).unwrap();
    first.vault.commit(changes).await.unwrap();
    let second = try_open(first.store.clone()).await.unwrap();
    assert!(second.notes.get(TENANT, "first").is_none());
    assert_eq!(*second.notes.get(TENANT, "other").unwrap(), Note("x".into()));
}

#[tokio::test]
async fn one_older_entry_put_back_is_refused_by_name() {
    let world = world().await;
    let before = copy(&world.store).await;
    write(&world, "first", "changed").await;
    let old = before.into_iter().filter(|(path, _)| path.as_str().ends_with("/e/note/first")).collect();
    put_back(&world.store, old).await;
    let why = refused(try_open(world.store.clone()).await);
    assert!(why.contains("note/first") && why.contains("written at 1") && why.contains("at 2"), "{why}");
}

#[tokio::test]
async fn a_removed_entry_put_back_and_a_missing_one_are_refused_by_name() {
    let world = world().await;
    let before = copy(&world.store).await;
    let mut changes = Changes::new();
    changes.delete_control::<Note>(TENANT, "first");
    world.vault.commit(changes).await.unwrap();
    let old: Vec<_> = before.into_iter().filter(|(path, _)| path.as_str().ends_with("/e/note/first")).collect();
    put_back(&world.store, old).await;
    assert!(refused(try_open(world.store.clone()).await).contains("note/first"));

    let world = self::world().await;
    let path = Path::new(format!("c/{TENANT}/e/note/first")).unwrap();
    world.store.commit(Batch { delete: vec![path], ..Batch::default() }).await.unwrap();
    assert!(refused(try_open(world.store.clone()).await).contains("note/first"));
}

#[tokio::test]
async fn an_older_index_under_a_newer_head_is_refused() {
    let world = world().await;
    let before = copy(&world.store).await;
    write(&world, "first", "changed").await;
    let old = before.into_iter().filter(|(path, _)| path.as_str().starts_with(&format!("c/{TENANT}/i/"))).collect();
    put_back(&world.store, old).await;
    assert!(refused(try_open(world.store.clone()).await).contains("index"));
}

#[tokio::test]
async fn a_running_broker_refuses_a_head_below_one_that_it_has_seen() {
    let world = world().await;
    let before = copy(&world.store).await;
    write(&world, "first", "changed").await;
    put_back(&world.store, before.into_iter().filter(|(path, _)| path.as_str().starts_with("c/")).collect()).await;
    tokio::time::timeout(Duration::from_secs(5), async {
        while world.vault.trusted().is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    let mut changes = Changes::new();
    changes.put_control(TENANT, "x", &Note("y".into())).unwrap();
    assert!(matches!(world.vault.commit(changes).await, Err(VaultError::Broken(_))));
}

#[tokio::test]
async fn heads_show_a_whole_older_store() {
    let world = world().await;
    let before = copy(&world.store).await;
    write(&world, "first", "changed").await;
    let seen = world.vault.heads().unwrap();
    let older = Arc::new(Memory::new());
    put_back(&older, before).await;
    let reopened = try_open(older).await.unwrap();
    let now = reopened.vault.heads().unwrap();
    let counter = |heads: &[control::Head]| heads.iter().find(|head| head.tenant == TENANT).unwrap().counter;
    assert!(counter(&now) < counter(&seen));
}

#[tokio::test]
async fn a_value_moved_to_another_place_or_tenant_does_not_open() {
    let world = world().await;
    let (here, there) = (DataPath::new(TENANT, "a").unwrap(), DataPath::new(TENANT, "b").unwrap());
    let mut changes = Changes::new();
    changes.put_data(here.clone(), &Note("secret".into())).unwrap();
    world.vault.commit(changes).await.unwrap();
    let value = world.store.get(here.path()).await.unwrap().unwrap().value;
    assert!(value.len() > OVERHEAD && !value.windows(6).any(|w| w == b"secret"));
    put_back(&world.store, vec![(there.path().clone(), value.clone())]).await;
    assert!(matches!(world.vault.read::<Note>(&there).await, Err(VaultError::Sealed { .. })));
    let foreign = DataPath::new(TenantId::SYSTEM, "a").unwrap();
    put_back(&world.store, vec![(foreign.path().clone(), value)]).await;
    assert!(world.vault.read::<Note>(&foreign).await.is_err());
}

#[tokio::test]
async fn a_change_that_rests_on_a_state_that_is_gone_is_a_conflict() {
    let world = world().await;
    let basis = world.vault.counter(TENANT);
    write(&world, "first", "changed").await;
    let mut changes = Changes::new();
    changes.based_on(TENANT, basis);
    changes.put_control(TENANT, "second", &Note("two".into())).unwrap();
    assert!(matches!(world.vault.commit(changes).await, Err(VaultError::Conflict)));
    let mut changes = Changes::new();
    let place = DataPath::new(TENANT, "a").unwrap();
    changes.put_data(place.clone(), &Note("x".into())).unwrap();
    changes.expect(place, Expect::At(crate::storage::Revision(99_999)));
    assert!(matches!(world.vault.commit(changes).await, Err(VaultError::Conflict)));
}

#[tokio::test]
async fn rotated_keyrings_open_what_is_old_and_seal_what_is_new() {
    let world = world().await;
    for owner in [TENANT, TenantId::SYSTEM] {
        let place = DataPath::new(owner, "before").unwrap();
        let mut changes = Changes::new();
        changes.put_data(place.clone(), &Note("old".into())).unwrap();
        world.vault.commit(changes).await.unwrap();
        let mut changes = Changes::new();
        changes.put_ring(owner, world.vault.rings().of(owner).unwrap().record().rotated(now()));
        world.vault.commit(changes).await.unwrap();
        assert_eq!(world.vault.rings().of(owner).unwrap().primary(), 2);
        assert_eq!(world.vault.read::<Note>(&place).await.unwrap().unwrap().0, Note("old".into()));
    }
    write(&world, "second", "two").await;
    let reopened = try_open(world.store.clone()).await.unwrap();
    assert_eq!(*reopened.notes.get(TENANT, "second").unwrap(), Note("two".into()));
}

#[tokio::test]
async fn nothing_of_a_destroyed_tenant_opens() {
    let world = world().await;
    let place = DataPath::new(TENANT, "a").unwrap();
    let mut changes = Changes::new();
    changes.put_data(place.clone(), &Note("x".into())).unwrap();
    world.vault.commit(changes).await.unwrap();
    let mut changes = Changes::new();
    changes.delete_ring(TENANT);
    world.vault.commit(changes).await.unwrap();
    assert!(matches!(world.vault.read::<Note>(&place).await, Err(VaultError::NoTenant(_))));
    assert!(world.notes.get(TENANT, "first").is_none());
    let reopened = try_open(world.store.clone()).await.unwrap();
    assert!(reopened.notes.all(TENANT).is_empty());
}

#[tokio::test]
async fn another_root_key_opens_nothing() {
    let store = fresh().await;
    let other = RootKey::random();
    let opened = Vault::open(store, INSTALLATION, other, Vec::new()).await;
    assert!(matches!(opened, Err(VaultError::Sealed { .. })));
}

/// A store whose watches can be told to fall behind.
struct Lagging {
    inner: Memory,
    behind: tokio::sync::watch::Sender<u32>,
}

#[async_trait::async_trait]
impl Storage for Lagging {
    async fn get(&self, path: &Path) -> Result<Option<crate::storage::Entry>, crate::storage::StorageError> {
        self.inner.get(path).await
    }
    async fn list(
        &self,
        prefix: &str,
        after: Option<&Path>,
        limit: usize,
    ) -> Result<Vec<(Path, crate::storage::Entry)>, crate::storage::StorageError> {
        self.inner.list(prefix, after, limit).await
    }
    async fn commit(&self, batch: Batch) -> Result<crate::storage::Revision, crate::storage::StorageError> {
        self.inner.commit(batch).await
    }
    async fn watch(
        &self,
        prefix: &str,
        from: crate::storage::Revision,
    ) -> Result<crate::storage::Watch, crate::storage::StorageError> {
        use futures_util::StreamExt;
        let mut behind = self.behind.subscribe();
        let resync = async move { behind.changed().await.map(|()| crate::storage::WatchEvent::Resync).ok() };
        let resync = futures_util::stream::once(resync).filter_map(|event| async { event });
        let commits = self.inner.watch(prefix, from).await?;
        Ok(Box::pin(futures_util::stream::select(Box::pin(resync), commits)))
    }
    async fn revision(&self) -> Result<crate::storage::Revision, crate::storage::StorageError> {
        self.inner.revision().await
    }
}

#[tokio::test]
async fn a_watch_that_falls_behind_is_caught_up_and_nothing_is_missed() {
    let seeded = fresh().await;
    let inner = Memory::new();
    put_back(&inner, copy(&seeded).await).await;
    let store = Arc::new(Lagging { inner, behind: tokio::sync::watch::Sender::new(0) });
    let notes: Arc<Table<Note>> = Arc::default();
    let opened = Vault::open(store.clone(), INSTALLATION, root(), vec![notes.clone()]).await.unwrap();
    #[expect(clippy::disallowed_methods, reason = "a test owns its one task")]
    let follow = tokio::spawn(opened.vault.clone().follow(opened.from));
    for round in 0..20 {
        store.behind.send_replace(round);
        let mut changes = Changes::new();
        changes.put_control(TENANT, &format!("n{round}"), &Note("x".into())).unwrap();
        changes.delete_control::<Note>(TENANT, &format!("n{}", round.wrapping_sub(2)));
        opened.vault.commit(changes).await.unwrap();
        assert!(notes.get(TENANT, &format!("n{round}")).is_some());
    }
    assert_eq!(notes.all(TENANT).len(), 3);
    assert!(opened.vault.trusted().is_ok());
    follow.abort();
}
