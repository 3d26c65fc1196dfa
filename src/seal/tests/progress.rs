use keyward_sdk::{
    secret::SecretString,
    shamir::{Share, code},
    time::Span,
};

use super::*;
use crate::seal::{
    Edit, Held, OpenError, PathProgress, Progress, ShareError, Step, add_path, edit_path, open, remove_path,
};

fn text(text: &str) -> SecretString {
    SecretString::new(text.to_owned()).unwrap()
}

fn begun(made: &Made) -> (Progress, Arc<ManualClock>) {
    let clock = ManualClock::at(now());
    (Progress::new(reread(&made.record), clock.clone(), None).unwrap(), clock)
}

fn people_have(progress: &mut Progress) -> u8 {
    progress.paths().into_iter().find(|path| path.path == name("people")).unwrap().have
}

#[tokio::test]
async fn any_three_of_five_people_open_as_they_type() {
    let (_, made) = both().await;
    let (mut progress, _) = begun(&made);
    let spoken = made.shares[4].text.expose().to_lowercase().replace('-', " ");
    let Step::More(have) = progress.submit(&text(&spoken)).unwrap() else { panic!("more are needed") };
    assert_eq!(have, PathProgress { path: name("people"), have: 1, need: 3 });
    assert!(matches!(progress.submit(&made.shares[1].text).unwrap(), Step::More(PathProgress { have: 2, .. })));
    let Step::Open(unsealed) = progress.submit(&made.shares[2].text).unwrap() else { panic!("three are enough") };
    assert!(unsealed.root().same_as(&made.root));
    assert_eq!(people_have(&mut progress), 0, "shares are forgotten once they have served");
}

#[tokio::test]
async fn the_same_share_twice_counts_once() {
    let (_, made) = both().await;
    let (mut progress, _) = begun(&made);
    for _ in 0..5 {
        progress.submit(&made.shares[0].text).unwrap();
    }
    assert!(matches!(progress.submit(&made.shares[0].text), Ok(Step::Again(PathProgress { have: 1, .. }))));
}

#[tokio::test]
async fn a_typo_names_the_group_and_keeps_what_was_given() {
    let (_, made) = both().await;
    let (mut progress, _) = begun(&made);
    progress.submit(&made.shares[0].text).unwrap();
    let mut groups: Vec<String> = made.shares[1].text.expose().split('-').map(str::to_owned).collect();
    let swapped = if groups[2].starts_with('7') { "8" } else { "7" };
    groups[2].replace_range(..1, swapped);
    let error = progress.submit(&text(&groups.join("-"))).unwrap_err();
    assert_eq!(error, ShareError::Code(code::CodeError::Group { group: 3 }));
    assert!(progress.submit(&text("")).is_err());
    assert!(progress.submit(&text(&"A".repeat(1 << 20))).is_err());
    assert_eq!(people_have(&mut progress), 1);
}

#[tokio::test]
async fn a_wrong_share_is_named_and_not_kept() {
    let (_, made) = both().await;
    let (mut progress, _) = begun(&made);
    let (share, label) = code::decode(made.shares[1].text.expose()).unwrap();
    let mut bytes = share.value().expose().to_vec();
    bytes[3] ^= 1;
    let wrong = Share::new(share.index(), Secret::new(bytes).unwrap()).unwrap();
    let refused = ShareError::Wrong { path: name("people"), member: name("ben") };
    assert_eq!(progress.submit(&code::encode(&wrong, &label)).unwrap_err(), refused);
    let other_k = code::Label { k: 2, ..label };
    assert_eq!(progress.submit(&code::encode(&share, &other_k)).unwrap_err(), refused);
    assert_eq!(people_have(&mut progress), 0);
}

#[tokio::test]
async fn a_share_of_another_installation_is_named() {
    let (_, made) = both().await;
    let (_, theirs) = both().await;
    let (mut progress, _) = begun(&made);
    let error = progress.submit(&theirs.shares[0].text).unwrap_err();
    // Two of the four bytes tell installations apart: once in 65,536 runs another name is given.
    assert!(matches!(error, ShareError::OtherInstallation | ShareError::OtherPath), "{error}");
}

#[tokio::test]
async fn shares_of_other_epochs_are_named() {
    let (cloud, made) = both().await;
    let held = Held {
        record: &made.record,
        root: &made.root,
        keys: &made.keys,
        connect: &cloud,
        now: now(),
        member_timeout: SOON,
    };
    let change = edit_path(held, &name("people"), &[Edit::Threshold(2)]).await.unwrap();
    let clock = ManualClock::at(now());
    let mut newer = Progress::new(change.record.clone(), clock.clone(), None).unwrap();
    let error = newer.submit(&made.shares[0].text).unwrap_err();
    assert_eq!(error, ShareError::OldEpoch { path: name("people"), found: 1, current: change.record.epoch() });
    let mut older = Progress::new(made.record.clone(), clock, None).unwrap();
    let error = older.submit(&change.shares[0].text).unwrap_err();
    assert_eq!(error, ShareError::LaterEpoch { path: name("people"), found: change.record.epoch(), current: 1 });
}

#[tokio::test]
async fn a_share_of_a_removed_path_is_named() {
    let (cloud, made) = both().await;
    let held = Held {
        record: &made.record,
        root: &made.root,
        keys: &made.keys,
        connect: &cloud,
        now: now(),
        member_timeout: SOON,
    };
    let change = remove_path(held, &name("people")).unwrap();
    let mut progress = Progress::new(change.record, ManualClock::at(now()), None).unwrap();
    let error = progress.submit(&made.shares[0].text).unwrap_err();
    // Two of the four bytes tell paths and epochs apart: once in a thousand runs it looks like one of another epoch.
    assert!(matches!(error, ShareError::OtherPath | ShareError::LaterEpoch { .. }), "{error}");
}

#[tokio::test]
async fn a_share_that_a_machine_holds_is_not_taken_from_people() {
    let (cloud, made) = both().await;
    let path = &made.record.paths()[0];
    let member = &path.members[0];
    let crate::seal::Holder::Wrapper { share, .. } = &member.holder else { panic!("a key") };
    let labels = path.labels(made.record.installation(), member);
    let bytes = cloud.backend("aws").unwrap(share, &labels.aad()).await.unwrap();
    let split = crate::seal::record::split_tag(made.record.installation(), &path.name, path.epoch);
    let typed = code::encode(&Share::new(1, bytes).unwrap(), &code::Label { split, k: 2, n: 3 });
    let error = begun(&made).0.submit(&typed).unwrap_err();
    assert_eq!(error, ShareError::NotAPerson { path: name("clouds"), member: name("aws") });
}

#[tokio::test]
async fn shares_are_forgotten_after_fifteen_idle_minutes() {
    let (_, made) = both().await;
    let (mut progress, clock) = begun(&made);
    progress.submit(&made.shares[0].text).unwrap();
    clock.advance(Span::from_minutes(14));
    progress.submit(&made.shares[1].text).unwrap();
    clock.advance(Span::from_minutes(14));
    assert_eq!(people_have(&mut progress), 2);
    clock.advance(Span::from_minutes(1));
    assert_eq!(people_have(&mut progress), 0);
    assert!(matches!(progress.submit(&made.shares[2].text), Ok(Step::More(PathProgress { have: 1, .. }))));
}

#[tokio::test]
async fn people_add_to_what_reachable_members_gave() {
    let cloud = Cloud::default();
    let members = vec![key_member("hsm", "hsm"), key_member("aws", "aws"), person("ann")];
    let made = cloud.made(&[NewPath { name: name("mixed"), k: 2, members }]).await;
    cloud.set("aws", Mood::Dead);
    let clock = ManualClock::at(now());
    let shut = open(&made.record, &cloud.how(&clock)).await.unwrap_err();
    let mut progress = Progress::new(made.record.clone(), clock, None).unwrap();
    assert!(matches!(progress.submit(&made.shares[0].text), Ok(Step::More(PathProgress { have: 1, .. }))));
    let unsealed = progress.add_members(*shut).expect("two are enough");
    assert!(unsealed.root().same_as(&made.root));
}

#[tokio::test]
async fn a_replaced_record_is_refused_to_people_too() {
    let (_, made) = both().await;
    let (_, theirs) = both().await;
    let pin = Some(made.record.root().fingerprint);
    let refused = Progress::new(theirs.record, ManualClock::at(now()), pin).unwrap_err();
    assert!(matches!(refused, OpenError::Replaced { .. }));

    let changed = made.record.tampered(|body| body.changed = Timestamp::from_millis(1));
    let mut progress = Progress::new(changed, ManualClock::at(now()), pin).unwrap();
    progress.submit(&made.shares[0].text).unwrap();
    progress.submit(&made.shares[1].text).unwrap();
    let error = progress.submit(&made.shares[2].text).unwrap_err();
    assert_eq!(error, ShareError::Open(OpenError::Changed { odd: Vec::new() }));
}

#[tokio::test]
async fn adding_a_path_leaves_other_shares_good() {
    let (cloud, made) = both().await;
    let held = Held {
        record: &made.record,
        root: &made.root,
        keys: &made.keys,
        connect: &cloud,
        now: now(),
        member_timeout: SOON,
    };
    let plan = NewPath { name: name("board"), k: 1, members: vec![person("zoe")] };
    let change = add_path(held, &plan).await.unwrap();
    let mut progress = Progress::new(change.record, ManualClock::at(now()), None).unwrap();
    for share in &made.shares[..2] {
        progress.submit(&share.text).unwrap();
    }
    assert!(matches!(progress.submit(&made.shares[3].text), Ok(Step::Open(_))));
    assert!(matches!(progress.submit(&change.shares[0].text), Ok(Step::Open(_))));
}
