use super::*;
use crate::{
    keyring::{RootKey, decode, encode},
    seal::{
        Change, Edit, Held, OpenError, PathKeys, PlanError, Progress, SealError, ShareError, Step, add_path, edit_path,
        open, remove_path, rotate_root,
    },
};

fn held<'a>(cloud: &'a Cloud, made: &'a Made) -> Held<'a> {
    Held { record: &made.record, root: &made.root, keys: &made.keys, connect: cloud, now: now(), member_timeout: SOON }
}

async fn root_of(cloud: &Cloud, record: &SealRecord) -> RootKey {
    let clock = ManualClock::at(now());
    open(&reread(record), &cloud.how(&clock)).await.unwrap().unsealed.into_root()
}

/// As after the commit.
fn committed(change: Change, root: RootKey) -> Made {
    let keys: PathKeys = decode(&encode(&change.keys).unwrap(), "path keys").unwrap();
    Made { record: change.record, root: change.root.unwrap_or(root), keys, shares: change.shares }
}

#[tokio::test]
async fn the_root_rotates_without_any_member_and_all_shares_stay_good() {
    let (cloud, made) = both().await;
    for key in ["aws", "gcp", "azure"] {
        cloud.set(key, Mood::Dead);
    }
    let change = rotate_root(held(&cloud, &made)).unwrap();
    let fresh = change.root.as_ref().unwrap();
    assert!(!fresh.same_as(&made.root) && !change.new_system_version && change.shares.is_empty());
    assert_eq!(change.record.epoch(), 2);
    assert_ne!(change.record.root(), made.record.root());
    let mut progress = Progress::new(change.record.clone(), ManualClock::at(now()), None).unwrap();
    progress.submit(&made.shares[0].text).unwrap();
    progress.submit(&made.shares[1].text).unwrap();
    let Step::Open(unsealed) = progress.submit(&made.shares[2].text).unwrap() else { panic!("three are enough") };
    assert!(unsealed.root().same_as(fresh));
    for key in ["aws", "gcp"] {
        cloud.set(key, Mood::Well);
    }
    assert!(root_of(&cloud, &change.record).await.same_as(fresh));
}

#[tokio::test]
async fn changes_follow_one_another_on_stored_path_keys() {
    let (cloud, made) = both().await;
    let change = rotate_root(held(&cloud, &made)).unwrap();
    let made = committed(change, made.root);
    let plan = NewPath { name: name("hsm"), k: 1, members: vec![key_member("hsm", "hsm")] };
    let change = add_path(held(&cloud, &made), &plan).await.unwrap();
    assert!(change.root.is_none() && !change.new_system_version);
    let made = committed(change, made.root);
    let change = remove_path(held(&cloud, &made), &name("clouds")).unwrap();
    assert!(change.root.is_some() && change.new_system_version);
    let made = committed(change, made.root);
    assert_eq!(made.record.paths().iter().map(|path| path.name.as_str()).collect::<Vec<_>>(), ["people", "hsm"]);
    assert!(root_of(&cloud, &made.record).await.same_as(&made.root));
    let made = committed(rotate_root(held(&cloud, &made)).unwrap(), made.root);
    assert!(root_of(&cloud, &made.record).await.same_as(&made.root));
    assert_eq!(made.record.epoch(), 5);
}

#[tokio::test]
async fn changing_one_path_leaves_the_others_shares_alone() {
    let (cloud, made) = both().await;
    let change = edit_path(held(&cloud, &made), &name("people"), &[Edit::Remove(name("eve"))]).await.unwrap();
    let (before, after) = (&made.record.paths()[0], &change.record.paths()[0]);
    assert_eq!((before.epoch, &before.members), (after.epoch, &after.members));
}

#[tokio::test]
async fn a_removed_person_opens_the_new_seal_no_more() {
    let (cloud, made) = both().await;
    let change = edit_path(held(&cloud, &made), &name("people"), &[Edit::Remove(name("eve"))]).await.unwrap();
    assert!(change.new_system_version && change.root.is_some());
    assert_eq!(change.shares.len(), 4);
    let mut progress = Progress::new(change.record.clone(), ManualClock::at(now()), None).unwrap();
    for share in &made.shares {
        assert!(matches!(progress.submit(&share.text), Err(ShareError::OldEpoch { .. })));
    }
    // The old record stays openable by the old people, and gives the old root only.
    let mut old = Progress::new(made.record.clone(), ManualClock::at(now()), None).unwrap();
    old.submit(&made.shares[4].text).unwrap();
    old.submit(&made.shares[0].text).unwrap();
    let Step::Open(unsealed) = old.submit(&made.shares[1].text).unwrap() else { panic!("three are enough") };
    assert!(unsealed.root().same_as(&made.root) && !unsealed.root().same_as(change.root.as_ref().unwrap()));
}

#[tokio::test]
async fn members_are_added_replaced_and_the_threshold_changed_in_one_go() {
    let (cloud, made) = both().await;
    let edits =
        [Edit::Add(key_member("hsm", "hsm")), Edit::Replace(name("gcp"), key_member("tpm", "tpm")), Edit::Threshold(3)];
    let change = edit_path(held(&cloud, &made), &name("clouds"), &edits).await.unwrap();
    let path = change.record.path(&name("clouds")).unwrap();
    assert_eq!((path.k, path.n()), (3, 4));
    let names: Vec<_> = path.members.iter().map(|member| member.name.as_str()).collect();
    assert_eq!(names, ["aws", "tpm", "azure", "hsm"]);
    cloud.set("aws", Mood::Dead);
    assert!(root_of(&cloud, &change.record).await.same_as(change.root.as_ref().unwrap()));
    let people = change.record.path(&name("people")).unwrap();
    assert_eq!(people.epoch, 1);
}

#[tokio::test]
async fn a_change_with_a_dead_member_is_refused_and_names_it() {
    let (cloud, made) = both().await;
    cloud.set("azure", Mood::Silent);
    let error = edit_path(held(&cloud, &made), &name("clouds"), &[Edit::Threshold(1)]).await.unwrap_err();
    assert!(matches!(&error, SealError::Member { member, .. } if *member == name("azure")), "{error}");
    // Replacing it works, since it is not asked.
    let edits = [Edit::Replace(name("azure"), key_member("hsm", "hsm"))];
    assert!(edit_path(held(&cloud, &made), &name("clouds"), &edits).await.is_ok());
}

#[tokio::test]
async fn impossible_changes_are_refused() {
    let (cloud, made) = both().await;
    let edited = async |path: &str, edit: Edit| edit_path(held(&cloud, &made), &name(path), &[edit]).await.unwrap_err();
    assert_eq!(edited("tapes", Edit::Threshold(1)).await, SealError::NoPath(name("tapes")));
    let nobody = SealError::NoMember { path: name("people"), member: name("zoe") };
    assert_eq!(edited("people", Edit::Remove(name("zoe"))).await, nobody);
    assert_eq!(edited("people", Edit::Add(person("ann"))).await, PlanError::MemberTwice(name("ann")).into());
    let too_many = PlanError::Threshold { path: name("people"), k: 6, n: 5 };
    assert_eq!(edited("people", Edit::Threshold(6)).await, too_many.into());
    let again = add_path(held(&cloud, &made), &people()).await.unwrap_err();
    assert_eq!(again, SealError::PathExists(name("people")));
    assert_eq!(remove_path(held(&cloud, &made), &name("tapes")).unwrap_err(), SealError::NoPath(name("tapes")));
}

#[tokio::test]
async fn the_last_path_is_not_removed() {
    let cloud = Cloud::default();
    let made = cloud.made(&[clouds()]).await;
    let error = remove_path(held(&cloud, &made), &name("clouds")).unwrap_err();
    assert_eq!(error, SealError::LastPath(name("clouds")));
}

#[tokio::test]
async fn nothing_is_built_on_a_record_that_the_root_did_not_write() {
    let (cloud, made) = both().await;
    let forged = made.record.tampered(|body| body.paths[0].k = 1);
    let held = Held { record: &forged, ..held(&cloud, &made) };
    let changed = SealError::Open(OpenError::Changed { odd: Vec::new() });
    assert_eq!(rotate_root(held).unwrap_err(), changed);
    assert_eq!(add_path(held, &NewPath { name: name("x"), ..people() }).await.unwrap_err(), changed);
}

#[tokio::test]
async fn a_missing_copy_of_a_path_key_is_named() {
    let (cloud, made) = both().await;
    let held = Held { keys: &PathKeys::default(), ..held(&cloud, &made) };
    assert_eq!(rotate_root(held).unwrap_err(), SealError::NoPathKey(name("clouds")));
}
