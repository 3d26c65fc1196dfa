use keyward_sdk::time::Span;

use super::*;
use crate::seal::{ProofBook, ProofError, Reach, prove, status};

#[tokio::test]
async fn a_dead_member_is_known_before_it_is_needed() {
    let (cloud, made) = both().await;
    let clock = ManualClock::at(now());
    let mut book = ProofBook::default();
    let before = status(&made.record, &book);
    assert!(before.paths[0].members.iter().all(|member| member.reach == Reach::Unknown));

    book.note(&made.record, prove(&made.record, &cloud.how(&clock)).await);
    assert!(status(&made.record, &book).paths[0].opens_by_itself);

    clock.advance(Span::from_hours(1));
    cloud.set("aws", Mood::Dead);
    cloud.set("gcp", Mood::Lying);
    cloud.set("azure", Mood::Silent);
    let proofs = prove(&made.record, &cloud.how(&clock)).await;
    assert_eq!(proofs.len(), 3);
    assert_eq!(proofs[1].outcome, Err(ProofError::Wrong));
    book.note(&made.record, proofs);
    let after = status(&made.record, &book);
    let [aws, gcp, azure] = &after.paths[0].members[..] else { panic!("three members") };
    for member in [aws, gcp, azure] {
        assert_eq!(member.last_proof, Some(now()), "the last good one is kept");
        assert!(matches!(member.reach, Reach::Failed { at, .. } if at > now()));
    }
    assert!(!after.paths[0].opens_by_itself);
    let Reach::Failed { error: ProofError::Member(error), .. } = &azure.reach else { panic!("{azure:?}") };
    assert_eq!(error.fault, Fault::Timeout);
}

#[tokio::test]
async fn status_shows_people_without_asking_them_and_the_fingerprint_to_pin() {
    let (_, made) = both().await;
    let shown = status(&made.record, &ProofBook::default());
    let ann = &shown.paths[1].members[0];
    assert_eq!((ann.kind.as_deref(), &ann.reach), (None, &Reach::Person));
    assert_eq!(ann.holder, "ann of the night shift");
    assert_eq!(shown.fingerprint.to_string().len(), 64);
    assert_eq!((shown.installation, shown.epoch), (made.record.installation(), 1));
}

#[tokio::test]
async fn members_that_left_leave_the_book() {
    let (cloud, made) = both().await;
    let clock = ManualClock::at(now());
    let mut book = ProofBook::default();
    book.note(&made.record, prove(&made.record, &cloud.how(&clock)).await);
    let alone = cloud.made(&[NewPath { k: 1, members: vec![key_member("gcp", "gcp")], ..clouds() }]).await;
    book.note(&alone.record, Vec::new());
    assert!(book.of(&name("clouds"), &name("gcp")).is_some());
    assert!(book.of(&name("clouds"), &name("aws")).is_none());
}
