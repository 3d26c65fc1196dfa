use super::*;
use crate::seal::{BuiltIns, PlanError, SealError, catalog, open};

fn refused(path: NewPath) -> SealError {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(create(&[path], &Cloud::default(), now(), SOON)).unwrap_err()
}

#[test]
fn paths_that_cannot_be_are_refused_with_the_reason() {
    let path = NewPath { k: 4, ..clouds() };
    assert_eq!(refused(path), PlanError::Threshold { path: name("clouds"), k: 4, n: 3 }.into());
    let path = NewPath { k: 0, ..clouds() };
    assert_eq!(refused(path), PlanError::Threshold { path: name("clouds"), k: 0, n: 3 }.into());
    let path = NewPath { members: Vec::new(), ..clouds() };
    assert_eq!(refused(path), PlanError::Members { path: name("clouds"), n: 0 }.into());
    let path = NewPath { members: vec![person("ann"), person("ann"), person("ben")], ..people() };
    assert_eq!(refused(path), PlanError::MemberTwice(name("ann")).into());
    let path = NewPath { members: vec![key_member("a", "one"), key_member("b", "one")], ..clouds() };
    assert_eq!(refused(path), PlanError::SameKey(name("a"), name("b")).into());
    let ann = NewMember { who: Who::Person { label: "Ann\n".to_owned() }, ..person("ann") };
    assert_eq!(refused(NewPath { k: 1, members: vec![ann], ..people() }), PlanError::Label(name("ann")).into());
}

#[tokio::test]
async fn two_paths_of_one_name_are_refused() {
    let made = create(&[clouds(), clouds()], &Cloud::default(), now(), SOON).await;
    assert_eq!(made.unwrap_err(), SealError::PathExists(name("clouds")));
    assert!(create(&[], &Cloud::default(), now(), SOON).await.is_err());
}

#[tokio::test]
async fn one_key_under_two_settings_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("seal.key");
    keyward_kms_soft::KeyFile::create(&file).unwrap();
    let link = folder.path().join("also.key");
    std::fs::hard_link(&file, &link).unwrap();
    let member = |called: &str, path: &std::path::Path| {
        let settings = BTreeMap::from([("path".to_owned(), path.display().to_string())]);
        NewMember { name: name(called), who: Who::Wrapper { kind: "key-file".to_owned(), settings } }
    };
    let path = NewPath { name: name("files"), k: 2, members: vec![member("a", &file), member("b", &link)] };
    let made = create(&[path], &BuiltIns, now(), SOON).await;
    assert_eq!(made.unwrap_err(), PlanError::SameKey(name("a"), name("b")).into());
}

#[tokio::test]
async fn a_member_that_keeps_something_else_is_given_no_share() {
    let cloud = Cloud::default();
    cloud.set("gcp", Mood::Lying);
    let made = create(&[clouds()], &cloud, now(), SOON).await;
    assert_eq!(made.unwrap_err(), SealError::NotGivenBack { path: name("clouds"), member: name("gcp") });
}

#[tokio::test]
async fn a_dead_or_silent_member_stops_init_and_is_named() {
    for mood in [Mood::Dead, Mood::Silent] {
        let cloud = Cloud::default();
        cloud.set("azure", mood);
        let error = create(&[clouds()], &cloud, now(), SOON).await.unwrap_err();
        assert!(matches!(&error, SealError::Member { member, .. } if *member == name("azure")), "{error}");
    }
}

#[tokio::test]
async fn a_path_of_one_member_works_in_the_same_format() {
    let cloud = Cloud::default();
    let made = cloud.made(&[NewPath { name: name("alone"), k: 1, members: vec![key_member("file", "file")] }]).await;
    let clock = ManualClock::at(now());
    let opened = open(&reread(&made.record), &cloud.how(&clock)).await.unwrap();
    assert!(opened.unsealed.root().same_as(&made.root));
    assert_eq!(opened.unsealed.path(), &name("alone"));
}

#[tokio::test]
async fn a_key_file_and_a_passphrase_make_a_path() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("seal.key");
    keyward_kms_soft::KeyFile::create(&key).unwrap();
    let words = folder.path().join("words");
    std::fs::write(&words, "correct horse battery staple\n").unwrap();
    std::fs::set_permissions(&words, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let member = |called: &str, kind: &str, setting: &str, value: String| NewMember {
        name: name(called),
        who: Who::Wrapper { kind: kind.to_owned(), settings: BTreeMap::from([(setting.to_owned(), value)]) },
    };
    let members = vec![
        member("disk", "key-file", "path", key.display().to_string()),
        member("words", "passphrase", "passphrase", format!("file:{}", words.display())),
    ];
    let long = Duration::from_secs(60);
    let path = NewPath { name: name("soft"), k: 2, members };
    let made = create(&[path], &BuiltIns, now(), long).await.unwrap();
    let stored = made.record.encode().unwrap();
    assert!(!stored.windows(7).any(|bytes| bytes == b"battery"));
    let clock = ManualClock::at(now());
    let how = How { connect: &BuiltIns, clock: &*clock, member_timeout: long, pin: None };
    let opened = open(&SealRecord::parse(&stored).unwrap(), &how).await.unwrap();
    assert!(opened.unsealed.into_root().same_as(&made.root));
}

#[test]
fn an_unknown_kind_lists_the_known_ones() {
    let error = catalog::find("key-flie").err().unwrap().to_string();
    assert_eq!(error, "unknown kind of seal member `key-flie`; known are `key-file`, `passphrase`");
    assert_eq!(catalog::find("key-file").ok().unwrap().kind, "key-file");
}

#[tokio::test]
async fn settings_are_checked_and_inline_secrets_refused_unseen() {
    let said = async |kind: &str, settings: &[(&str, &str)]| {
        let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        BuiltIns.connect(&name("m"), kind, &settings).await.err().unwrap().to_string()
    };
    assert!(said("tape", &[]).await.contains("unknown kind of seal member `tape`"));
    assert!(said("key-file", &[("pth", "/k")]).await.contains("unknown setting `pth`; known are `path`"));
    assert!(said("key-file", &[]).await.contains("setting `path` is missing"));
    let error = said("passphrase", &[("passphrase", "hunter2hunter2hunter2")]).await;
    assert!(error.contains("never the secret itself") && !error.contains("hunter2"), "{error}");
    assert!(said("passphrase", &[("passphrase", "file:/nonexistent/words")]).await.contains("cannot be read"));
}

#[tokio::test]
async fn people_are_shown_a_share_each_and_the_record_has_none() {
    let (_, made) = both().await;
    assert_eq!(made.shares.len(), 5);
    let stored = made.record.encode().unwrap();
    for share in &made.shares {
        let (value, _) = keyward_sdk::shamir::code::decode(share.text.expose()).unwrap();
        assert!(!stored.windows(32).any(|bytes| bytes == value.value().expose()));
        assert!(!format!("{share:?}").contains(share.text.expose()));
    }
    assert!(!stored.windows(32).any(|bytes| bytes == made.root.expose()));
}
