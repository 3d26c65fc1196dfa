//! Watches: every commit once, in order, without a gap, or a word that there is one.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use futures_util::StreamExt;
use keyward::storage::{Batch, Change, Expect, MAX_VALUE_BYTES, Path, Revision, Storage, WatchEvent};
use tokio::task::JoinSet;

use super::{Subject, support::*};

const TASKS: usize = 16;
const EACH: usize = 40;

pub async fn a_watch_shows_each_commit_once_in_order<S: Subject>() {
    let subject = Arc::new(S::fresh().await);
    let mut watch = subject.store().watch("w/", Revision(0)).await.unwrap();
    let writers = write_much(&subject);
    let mut shown = BTreeMap::new();
    let mut last = Revision(0);
    for _ in 0..TASKS * EACH {
        let (revision, changes) = next_change(&mut watch).await.unwrap();
        assert!(revision > last);
        last = revision;
        for change in changes {
            let Change::Put(path, entry) = change else { panic!("nothing was deleted") };
            assert_eq!(entry.revision, revision);
            shown.insert(path, entry);
        }
    }
    let mut written: Vec<_> = writers.join_all().await.into_iter().flatten().collect();
    written.sort_unstable();
    assert_eq!(last, *written.last().unwrap());
    // What was shown, put together, is what is there.
    let found: BTreeMap<_, _> = subject.store().list("w/", None, 1_000).await.unwrap().into_iter().collect();
    assert_eq!(found, shown);
}

pub async fn a_watch_from_an_old_revision_catches_up<S: Subject>() {
    let subject = Arc::new(S::fresh().await);
    let mut written: Vec<_> = write_much(&subject).join_all().await.into_iter().flatten().collect();
    written.sort_unstable();
    for start in [0, 1, written.len() / 2, written.len() - 1] {
        let mut watch = subject.store().watch("w/", written[start]).await.unwrap();
        for expected in &written[start + 1..] {
            assert_eq!(next_change(&mut watch).await.unwrap().0, *expected);
        }
    }
    // Caught up, it goes on live.
    let mut watch = subject.store().watch("w/", *written.last().unwrap()).await.unwrap();
    let live = subject.store().commit(put(&[("w/live", "1")])).await.unwrap();
    assert_eq!(next_change(&mut watch).await.unwrap().0, live);
}

pub async fn a_watch_shows_only_its_prefix<S: Subject>() {
    let subject = S::fresh().await;
    let store = subject.store();
    let mut watch = store.watch("mine/", Revision(0)).await.unwrap();
    store.commit(put(&[("theirs/1", "x"), ("mine", "x"), ("mine0", "x")])).await.unwrap();
    let both = store.commit(put(&[("mine/1", "x"), ("theirs/2", "x")])).await.unwrap();
    let (revision, changes) = next_change(&mut watch).await.unwrap();
    assert_eq!(revision, both);
    assert_eq!(changes.iter().map(|change| change.path().as_str()).collect::<Vec<_>>(), ["mine/1"]);
    // A commit elsewhere still moves the watch on.
    let elsewhere = store.commit(put(&[("theirs/3", "x")])).await.unwrap();
    assert_eq!(watch.next().await.unwrap(), WatchEvent::Commit(elsewhere, Vec::new()));
}

pub async fn a_slow_watcher_is_told_to_resync<S: Subject>() {
    let subject = S::fresh().await;
    let store = subject.store();
    let mut slow = store.watch("", Revision(0)).await.unwrap();
    let large = Bytes::from(vec![1; MAX_VALUE_BYTES]);
    for n in 0..80 {
        let put = vec![(path(&format!("large/{}", n % 2)), large.clone())];
        store.commit(Batch { put, ..Batch::default() }).await.unwrap();
    }
    let mut events = Vec::new();
    while let Some(event) = slow.next().await {
        events.push(event);
    }
    assert_eq!(events, [WatchEvent::Resync]);
    // As it is told, it lists and watches from there.
    let mut watch = store.watch("", store.revision().await.unwrap()).await.unwrap();
    let next = store.commit(put(&[("small", "1")])).await.unwrap();
    assert_eq!(next_change(&mut watch).await.unwrap().0, next);
}

pub async fn a_future_revision_is_told_to_resync<S: Subject>() {
    let subject = S::fresh().await;
    let store = subject.store();
    let at = store.commit(put(&[("a", "1")])).await.unwrap();
    let mut watch = store.watch("", Revision(at.0 + 1_000)).await.unwrap();
    assert_eq!(watch.next().await, Some(WatchEvent::Resync));
    assert_eq!(watch.next().await, None);
}

pub async fn a_quiet_watch_gives_signs_of_life<S: Subject>() {
    let subject = S::fresh().await;
    let store = subject.store();
    let at = store.commit(put(&[("a", "1")])).await.unwrap();
    let mut watch = store.watch("", at).await.unwrap();
    for _ in 0..3 {
        assert_eq!(watch.next().await.unwrap(), WatchEvent::Commit(at, Vec::new()));
    }
}

pub async fn refused_batches_are_not_shown<S: Subject>() {
    let subject = S::fresh().await;
    let store = subject.store();
    let first = store.commit(put(&[("a", "1")])).await.unwrap();
    let mut watch = store.watch("", first).await.unwrap();
    assert!(is_conflict(store.commit(expecting(put(&[("a", "2")]), "a", Expect::Absent)).await, "a"));
    store.commit(delete(&["never"])).await.unwrap();
    let second = store.commit(delete(&["a", "never"])).await.unwrap();
    assert_eq!(next_change(&mut watch).await.unwrap(), (second, vec![Change::Delete(path("a"))]));
}

pub async fn a_commit_is_shown_whole<S: Subject>() {
    let subject = S::fresh().await;
    let store = subject.store();
    store.commit(put(&[("old", "1")])).await.unwrap();
    let mut watch = store.watch("", store.revision().await.unwrap()).await.unwrap();
    let mut batch = put(&[("a", "1"), ("b", "2")]);
    batch.delete.push(path("old"));
    let at = store.commit(batch).await.unwrap();
    let (revision, changes) = next_change(&mut watch).await.unwrap();
    assert_eq!(revision, at);
    let mut shown: Vec<_> = changes.iter().map(|change| change.path().as_str()).collect();
    shown.sort_unstable();
    assert_eq!(shown, ["a", "b", "old"]);
}

pub async fn a_watch_ends_with_its_store<S: Subject>() {
    let subject = S::fresh().await;
    let mut watch = subject.store().watch("", Revision(0)).await.unwrap();
    drop(subject);
    while watch.next().await.is_some() {}
}

pub async fn many_watchers_see_the_same<S: Subject>() {
    let subject = Arc::new(S::fresh().await);
    let mut watchers = JoinSet::new();
    for _ in 0..8 {
        let mut watch = subject.store().watch("w/", Revision(0)).await.unwrap();
        watchers.spawn(async move {
            let mut shown: Vec<(Revision, Vec<Path>)> = Vec::new();
            while shown.len() < TASKS * EACH {
                let (revision, changes) = next_change(&mut watch).await.unwrap();
                shown.push((revision, changes.iter().map(|change| change.path().clone()).collect()));
            }
            shown
        });
    }
    write_much(&subject).join_all().await;
    let shown = watchers.join_all().await;
    assert!(shown.iter().all(|one| *one == shown[0]));
}

/// Many tasks that write below `w/` at once. Each gives back the revisions of its commits.
fn write_much<S: Subject>(subject: &Arc<S>) -> JoinSet<Vec<Revision>> {
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let subject = Arc::clone(subject);
        tasks.spawn(async move {
            let mut revisions = Vec::new();
            for n in 0..EACH {
                let (own, shared) = (format!("w/{task}/{}", n % 8), format!("w/shared/{}", n % 3));
                let batch = put(&[(&own, &n.to_string()), (&shared, &format!("{task}.{n}"))]);
                revisions.push(subject.store().commit(batch).await.unwrap());
            }
            revisions
        });
    }
    tasks
}
