//! One batch: whole or not at all.

use std::time::Duration;

use bytes::Bytes;
use keyward::storage::{Batch, Expect, Revision, Storage};

use super::{Subject, support::*};

pub async fn a_commit_is_read_back<S: Subject>() {
    let subject = S::fresh().await;
    let store = subject.store();
    assert_eq!(store.revision().await.unwrap(), Revision(0));
    let revision = store.commit(put(&[("a", "1"), ("b", "2")])).await.unwrap();
    let entry = get(store, "a").await.unwrap();
    assert_eq!((entry.revision, entry.value.as_ref()), (revision, b"1".as_slice()));
    assert_eq!(get(store, "b").await.unwrap().revision, revision);
    assert_eq!(store.revision().await.unwrap(), revision);
    assert!(get(store, "c").await.is_none());
}

pub async fn a_failed_expectation_changes_nothing<S: Subject>() {
    let subject = S::fresh().await;
    let store = subject.store();
    let first = store.commit(put(&[("a", "1")])).await.unwrap();
    let mut batch = expecting(put(&[("b", "2"), ("c", "3")]), "b", Expect::Absent);
    batch.delete.push(path("a"));
    batch.expect.push((path("a"), Expect::At(Revision(first.0 + 1))));
    assert!(is_conflict(store.commit(batch).await, "a"));
    assert_eq!(paths(store, "", None, 10).await, ["a"]);
    assert_eq!(store.revision().await.unwrap(), first);
    assert!(is_conflict(store.commit(expecting(put(&[("z", "1")]), "a", Expect::Absent)).await, "a"));
    assert!(is_conflict(store.commit(expecting(put(&[("z", "1")]), "y", Expect::At(first))).await, "y"));
    assert!(is_conflict(store.commit(expecting(put(&[("z", "1")]), "y", Expect::At(Revision(0)))).await, "y"));
}

pub async fn expectations_see_the_state_before_the_batch<S: Subject>() {
    let subject = S::fresh().await;
    let store = subject.store();
    store.commit(expecting(put(&[("a", "1")]), "a", Expect::Absent)).await.unwrap();
    let at = get(store, "a").await.unwrap().revision;
    store.commit(expecting(put(&[("a", "2")]), "a", Expect::At(at))).await.unwrap();
    assert!(is_conflict(store.commit(expecting(put(&[("a", "3")]), "a", Expect::At(at))).await, "a"));
    assert_eq!(text(store, "a").await.unwrap(), "2");
}

pub async fn a_deletion_can_expect_a_revision<S: Subject>() {
    let subject = S::fresh().await;
    let store = subject.store();
    let at = store.commit(put(&[("a", "1")])).await.unwrap();
    let later = store.commit(put(&[("a", "2")])).await.unwrap();
    assert!(is_conflict(store.commit(expecting(delete(&["a"]), "a", Expect::At(at))).await, "a"));
    store.commit(expecting(delete(&["a"]), "a", Expect::At(later))).await.unwrap();
    assert!(get(store, "a").await.is_none());
    store.commit(expecting(put(&[("a", "3")]), "a", Expect::Absent)).await.unwrap();
}

pub async fn deleting_nothing_is_no_error<S: Subject>() {
    let subject = S::fresh().await;
    let store = subject.store();
    store.commit(delete(&["never"])).await.unwrap();
    let mut batch = put(&[("a", "1")]);
    batch.delete.push(path("never"));
    let revision = store.commit(batch).await.unwrap();
    assert_eq!(get(store, "a").await.unwrap().revision, revision);
}

pub async fn a_batch_that_changes_nothing_is_judged<S: Subject>() {
    let subject = S::fresh().await;
    let store = subject.store();
    let at = store.commit(put(&[("a", "1")])).await.unwrap();
    let check = |expect| expecting(Batch::default(), "a", expect);
    assert_eq!(store.commit(check(Expect::At(at))).await.unwrap(), at);
    assert!(is_conflict(store.commit(check(Expect::Absent)).await, "a"));
    assert_eq!(store.commit(Batch::default()).await.unwrap(), at);
}

pub async fn a_dropped_commit_is_whole_or_absent<S: Subject>() {
    let subject = S::fresh().await;
    let store = subject.store();
    for round in 0..200 {
        let (left, right) = (format!("r/{round}/left"), format!("r/{round}/right"));
        let commit = store.commit(put(&[(&left, "1"), (&right, "1")]));
        // Polled once or for some microseconds, then dropped.
        let _ = tokio::time::timeout(Duration::from_micros(round % 7 * 40), commit).await;
    }
    // The writer is through with all of them when it answers this one.
    store.commit(put(&[("end", "1")])).await.unwrap();
    for round in 0..200 {
        let found = paths(store, &format!("r/{round}/"), None, 10).await.len();
        assert!(found == 0 || found == 2, "round {round} is torn");
    }
}

pub async fn revisions_grow<S: Subject>() {
    let subject = S::fresh().await;
    let store = subject.store();
    let mut last = Revision(0);
    for n in 0..50 {
        let revision = store.commit(put(&[(&format!("k{}", n % 5), "v")])).await.unwrap();
        assert!(revision > last);
        last = revision;
    }
}

pub async fn values_are_kept_byte_for_byte<S: Subject>() {
    let subject = S::fresh().await;
    let store = subject.store();
    let all: Bytes = (0..=u8::MAX).collect();
    let odd =
        [("empty", Bytes::new()), ("all", all), ("zeros", Bytes::from_static(&[0; 17])), ("a/ü/ß b~'\"", "x".into())];
    let put = odd.iter().map(|(at, value)| (path(at), value.clone())).collect();
    store.commit(Batch { put, ..Batch::default() }).await.unwrap();
    for (at, value) in odd {
        assert_eq!(get(store, at).await.unwrap().value, value);
    }
}
