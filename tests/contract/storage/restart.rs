//! What a store that outlives its process still knows.

use futures_util::StreamExt;
use keyward::storage::{Expect, Revision, Storage, WatchEvent};

use super::{Durable, support::*};

pub async fn everything_is_there_after_a_restart<S: Durable>() {
    let mut subject = S::fresh().await;
    for round in 0..5 {
        let at = format!("k/{round}");
        let revision = subject.store().commit(put(&[(&at, "x"), ("shared", &at)])).await.unwrap();
        subject = subject.reopen().await;
        assert_eq!(get(subject.store(), &at).await.unwrap().revision, revision);
        assert_eq!(text(subject.store(), "shared").await.unwrap(), at);
    }
    subject.store().commit(delete(&["k/0"])).await.unwrap();
    subject = subject.reopen().await;
    assert_eq!(paths(subject.store(), "", None, 10).await, ["k/1", "k/2", "k/3", "k/4", "shared"]);
}

pub async fn revisions_go_on_after_a_restart<S: Durable>() {
    let subject = S::fresh().await;
    let before = subject.store().commit(put(&[("a", "1")])).await.unwrap();
    let subject = subject.reopen().await;
    assert_eq!(subject.store().revision().await.unwrap(), before);
    let after = subject.store().commit(expecting(put(&[("a", "2")]), "a", Expect::At(before))).await.unwrap();
    assert!(after > before);
}

pub async fn a_watch_across_a_restart_is_told_to_resync<S: Durable>() {
    let subject = S::fresh().await;
    subject.store().commit(put(&[("a", "1")])).await.unwrap();
    let last = subject.store().commit(put(&[("a", "2")])).await.unwrap();
    let subject = subject.reopen().await;
    // Either it shows what came in between or it says that it cannot; here it cannot.
    let mut watch = subject.store().watch("", Revision(0)).await.unwrap();
    assert_eq!(watch.next().await, Some(WatchEvent::Resync));
    let mut watch = subject.store().watch("", last).await.unwrap();
    let next = subject.store().commit(put(&[("a", "3")])).await.unwrap();
    assert_eq!(next_change(&mut watch).await.unwrap().0, next);
}
