//! Lists: order, prefixes, pages.

use keyward::storage::{Batch, MAX_BATCH_OPERATIONS, MAX_LIST, Path, Storage};

use super::{Subject, support::*};

pub async fn a_hundred_thousand_keys_are_paged<S: Subject>() {
    const KEYS: usize = 100_000;
    let subject = S::fresh().await;
    let store = subject.store();
    // Written in an order that is not the order of the paths, with neighbours on both sides.
    let name = |n: usize| format!("kv/{:06}", n * 7_919 % KEYS);
    store.commit(put(&[("kv", "before"), ("kv.", "before"), ("kv0", "after")])).await.unwrap();
    let batches = (0..KEYS).step_by(MAX_BATCH_OPERATIONS).map(|from| {
        let put = (from..from + MAX_BATCH_OPERATIONS).map(|n| (path(&name(n)), name(n).into())).collect();
        store.commit(Batch { put, ..Batch::default() })
    });
    let commits: Vec<_> = futures_util::future::join_all(batches).await;
    assert!(commits.iter().all(Result::is_ok));

    let mut seen = 0;
    let mut after: Option<Path> = None;
    loop {
        let page = store.list("kv/", after.as_ref(), 777).await.unwrap();
        for (path, entry) in &page {
            assert_eq!(path.as_str(), format!("kv/{seen:06}"));
            assert_eq!(entry.value, path.as_str());
            seen += 1;
        }
        let full = page.len() == 777;
        after = page.into_iter().last().map(|(path, _)| path);
        if !full {
            break;
        }
    }
    assert_eq!(seen, KEYS);
}

pub async fn prefixes_are_compared_byte_for_byte<S: Subject>() {
    let subject = S::fresh().await;
    let store = subject.store();
    let all = ["a", "a!", "a/", "a/b", "a/b/c", "a/bc", "aé", "a\u{65}\u{301}", "b", "A", "ü", "~"];
    for at in all {
        store.commit(put(&[(at, "1")])).await.unwrap();
    }
    let mut sorted = all;
    sorted.sort_unstable();
    assert_eq!(paths(store, "", None, 100).await, sorted);
    assert_eq!(paths(store, "a/b", None, 100).await, ["a/b", "a/b/c", "a/bc"]);
    assert_eq!(paths(store, "a/b/", None, 100).await, ["a/b/c"]);
    assert_eq!(paths(store, "A", None, 100).await, ["A"]);
    assert_eq!(paths(store, "aé", None, 100).await, ["aé"]);
    assert!(paths(store, "a/b/c/d", None, 100).await.is_empty());
}

pub async fn a_page_begins_after_its_mark<S: Subject>() {
    let subject = S::fresh().await;
    let store = subject.store();
    store.commit(put(&[("p/1", ""), ("p/2", ""), ("p/3", ""), ("q/1", "")])).await.unwrap();
    assert_eq!(paths(store, "p/", Some("p/1"), 100).await, ["p/2", "p/3"]);
    // A mark that is no longer there, before all, after all, in another prefix.
    assert_eq!(paths(store, "p/", Some("p/15"), 100).await, ["p/2", "p/3"]);
    assert_eq!(paths(store, "p/", Some("a"), 100).await, ["p/1", "p/2", "p/3"]);
    assert_eq!(paths(store, "p/", Some("p/"), 100).await, ["p/1", "p/2", "p/3"]);
    assert!(paths(store, "p/", Some("p/3"), 100).await.is_empty());
    assert!(paths(store, "p/", Some("q/1"), 100).await.is_empty());
}

pub async fn limits_of_a_list_hold<S: Subject>() {
    let subject = S::fresh().await;
    let store = subject.store();
    for group in 0..11 {
        let put = (0..100).map(|n| (path(&format!("k/{group:02}/{n:02}")), "v".into())).collect();
        store.commit(Batch { put, ..Batch::default() }).await.unwrap();
    }
    assert!(paths(store, "k/", None, 0).await.is_empty());
    assert_eq!(paths(store, "k/", None, 1).await, ["k/00/00"]);
    assert_eq!(paths(store, "k/", None, usize::MAX).await.len(), MAX_LIST);
}
