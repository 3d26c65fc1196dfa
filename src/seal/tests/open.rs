use super::*;
use crate::seal::{Heard, Holder, MemberReport, NotOpened, OpenError, Opened, RootFingerprint, open};

async fn opened(cloud: &Cloud, record: &SealRecord) -> Result<Opened, Box<NotOpened>> {
    let clock = ManualClock::at(now());
    open(&reread(record), &cloud.how(&clock)).await
}

fn heard(report: &[MemberReport], member: &str) -> Heard {
    report.iter().find(|one| one.member == name(member)).unwrap().heard.clone()
}

#[tokio::test]
async fn any_two_of_three_members_open() {
    let (cloud, made) = both().await;
    for dead in ["aws", "gcp", "azure"] {
        cloud.set(dead, Mood::Dead);
        let Opened { unsealed, report } = opened(&cloud, &made.record).await.unwrap();
        assert!(unsealed.root().same_as(&made.root));
        assert_eq!(unsealed.installation(), made.record.installation());
        let of_the_dead = heard(&report, dead);
        assert!(matches!(of_the_dead, Heard::Failed(_) | Heard::Waiting), "{of_the_dead:?}");
        cloud.set(dead, Mood::Well);
    }
}

#[tokio::test]
async fn a_silent_member_is_not_waited_for() {
    let (cloud, made) = both().await;
    cloud.set("gcp", Mood::Silent);
    let clock = ManualClock::at(now());
    let patient = How { member_timeout: Duration::from_secs(3600), ..cloud.how(&clock) };
    let Opened { report, .. } = open(&made.record, &patient).await.unwrap();
    assert_eq!(heard(&report, "gcp"), Heard::Waiting);
    assert_eq!(report.len(), 3);
}

#[tokio::test]
async fn a_member_with_wrong_bytes_is_named_and_the_others_open() {
    let (cloud, made) = both().await;
    cloud.set("aws", Mood::Lying);
    let Opened { unsealed, report } = opened(&cloud, &made.record).await.unwrap();
    assert!(unsealed.root().same_as(&made.root));
    assert_eq!(heard(&report, "aws"), Heard::Wrong);
}

#[tokio::test]
async fn too_few_members_leave_it_shut_and_say_what_is_missing() {
    let (cloud, made) = both().await;
    cloud.set("aws", Mood::Dead);
    cloud.set("gcp", Mood::Silent);
    let shut = opened(&cloud, &made.record).await.unwrap_err();
    let Heard::Failed(silent) = heard(&shut.report, "gcp") else { panic!("{:?}", shut.report) };
    assert_eq!(silent.fault, Fault::Timeout);
    assert_eq!(heard(&shut.report, "azure"), Heard::Good);
    let said = shut.error.to_string();
    assert!(said.contains("`clouds` has 1 of the 2 it takes, `people` has 0 of the 3 it takes"), "{said}");
}

#[tokio::test]
async fn one_wrong_and_one_dead_member_do_not_blame_the_record() {
    let (cloud, made) = both().await;
    cloud.set("aws", Mood::Dead);
    cloud.set("gcp", Mood::Lying);
    let shut = opened(&cloud, &made.record).await.unwrap_err();
    assert!(matches!(shut.error, OpenError::NotEnough(_)), "{}", shut.error);
    assert_eq!(heard(&shut.report, "gcp"), Heard::Wrong);
}

#[tokio::test]
async fn a_wholly_replaced_record_is_refused_by_the_pin_before_anyone_is_asked() {
    let (cloud, made) = both().await;
    let (_, theirs) = both().await;
    let clock = ManualClock::at(now());
    let pin: RootFingerprint = made.record.root().fingerprint.to_string().parse().unwrap();
    let how = How { pin: Some(pin), ..cloud.how(&clock) };
    assert!(open(&made.record, &how).await.is_ok());
    let shut = open(&theirs.record, &how).await.unwrap_err();
    assert_eq!(shut.error, OpenError::Replaced { pinned: pin, found: theirs.record.root().fingerprint });
    assert!(shut.report.is_empty());
    let without = open(&theirs.record, &cloud.how(&clock)).await;
    assert!(without.is_ok(), "without a pin it cannot be told");
}

#[tokio::test]
async fn a_pin_that_is_copied_onto_another_record_is_refused() {
    let (cloud, made) = both().await;
    let (_, theirs) = both().await;
    let forged = theirs.record.tampered(|body| body.root.fingerprint = made.record.root().fingerprint);
    let clock = ManualClock::at(now());
    let how = How { pin: Some(made.record.root().fingerprint), ..cloud.how(&clock) };
    let shut = open(&forged, &how).await.unwrap_err();
    assert_eq!(shut.error, OpenError::NoChoice(name("clouds")));
}

#[tokio::test]
async fn a_changed_record_is_refused_though_its_members_open_the_root() {
    let (cloud, made) = both().await;
    let changes: [fn(&mut crate::seal::record::Body); 4] = [
        |body| body.epoch += 1,
        |body| body.changed = Timestamp::from_millis(1),
        |body| body.paths[1].members[0].holder = Holder::Person { label: "mallory".to_owned() },
        |body| drop(body.paths.remove(1)),
    ];
    for change in changes {
        let shut = opened(&cloud, &made.record.tampered(change)).await.unwrap_err();
        assert_eq!(shut.error, OpenError::Changed { odd: Vec::new() });
    }
}

#[tokio::test]
async fn shares_of_one_member_do_not_serve_in_the_place_of_another() {
    let (cloud, made) = both().await;
    let swapped = made.record.tampered(|body| {
        let members = &mut body.paths[0].members;
        let (one, other) = (members[0].holder.clone(), members[1].holder.clone());
        (members[0].holder, members[1].holder) = (other, one);
    });
    let shut = opened(&cloud, &swapped).await.unwrap_err();
    let Heard::Failed(error) = heard(&shut.report, "aws") else { panic!("{:?}", shut.report) };
    assert_eq!(error.fault, Fault::Integrity);
}

#[tokio::test]
async fn a_planted_share_with_a_planted_hash_is_found_by_other_choices_and_named() {
    let (cloud, made) = both().await;
    // Mallory may write the store and use one member's key.
    let planted = Secret::random(32);
    let path = &made.record.paths()[0];
    let labels = path.labels(made.record.installation(), &path.members[0]);
    let share = cloud.backend("aws").wrap(&planted, &labels.aad()).await.unwrap();
    let check = labels.check(&planted);
    let forged = made.record.tampered(|body| {
        let Holder::Wrapper { share: kept, .. } = &mut body.paths[0].members[0].holder else { panic!("a key") };
        *kept = share;
        body.paths[0].members[0].check = check;
    });
    let shut = opened(&cloud, &forged).await.unwrap_err();
    assert_eq!(shut.error, OpenError::Changed { odd: vec!["clouds/aws".to_owned()] });
}

#[tokio::test]
async fn a_changed_hash_is_found_by_other_choices_and_named() {
    let (cloud, made) = both().await;
    cloud.set("azure", Mood::Dead);
    let forged = made.record.tampered(|body| body.paths[0].members[1].check = [7; 32]);
    let shut = opened(&cloud, &forged).await.unwrap_err();
    assert_eq!(shut.error, OpenError::Changed { odd: vec!["clouds/gcp".to_owned()] });
    assert!(shut.error.to_string().contains("(odd: clouds/gcp)"));
}

#[tokio::test]
async fn a_root_wrapped_for_another_path_does_not_open() {
    let (cloud, made) = both().await;
    let forged = made.record.tampered(|body| body.paths[0].root = body.paths[1].root.clone());
    let shut = opened(&cloud, &forged).await.unwrap_err();
    assert_eq!(shut.error, OpenError::NoChoice(name("clouds")));
}
