//! Secrets: versions, compare-and-set, lists, retention, expiry, and values up to 1 MiB.

use std::collections::{BTreeSet, HashMap};

use keyward_api::v1::{
    DeleteSecretRequest, DestroySecretRequest, GetSecretMetadataRequest, GetSecretRequest, ListSecretsRequest,
    PutSecretRequest, SecretMetadata, SecretVersionState as State, UndeleteSecretRequest, UpdateSecretMetadataRequest,
};
use keyward_sdk::time::{Clock, ManualClock, Span, SystemClock};
use tonic::{Code, Status};

use crate::support::{Caller, Keyward, broker, canary::WORD, reason};

async fn put(caller: &Caller, path: &str, value: &[u8], expected: Option<u32>) -> Result<u32, Status> {
    let fields = HashMap::from([("value".to_owned(), [WORD.as_bytes(), value].concat().into())]);
    let put = PutSecretRequest { path: path.to_owned(), fields, expected_version: expected, expires_in: None };
    Ok(caller.secrets().put_secret(put).await?.into_inner().version.unwrap().version)
}

async fn get(caller: &Caller, path: &str, version: u32) -> Result<Vec<u8>, Status> {
    let found = caller.secrets().get_secret(GetSecretRequest { path: path.to_owned(), version }).await?;
    Ok(found.into_inner().fields["value"].strip_prefix(WORD.as_bytes()).unwrap().to_vec())
}

async fn metadata(caller: &Caller, path: &str) -> SecretMetadata {
    let get = GetSecretMetadataRequest { path: path.to_owned() };
    caller.secrets().get_secret_metadata(get).await.unwrap().into_inner().metadata.unwrap()
}

fn states(metadata: &SecretMetadata) -> Vec<(u32, State)> {
    metadata.versions.iter().map(|version| (version.version, version.state())).collect()
}

fn why(status: &Status) -> (Code, String) {
    (status.code(), reason(status))
}

#[tokio::test]
async fn compare_and_set_lets_one_writer_through() {
    let broker = broker().start().await;
    let operator = broker.operator().await;
    assert_eq!(put(&operator, "a", b"1", Some(0)).await.unwrap(), 1);
    let late = put(&operator, "a", b"2", Some(0)).await.unwrap_err();
    assert_eq!(why(&late), (Code::Aborted, "VERSION_MISMATCH".to_owned()));
    let writers = (0..8).map(|n| {
        let caller = operator.clone();
        tokio::spawn(async move { put(&caller, "a", &[n], Some(1)).await })
    });
    let written = futures_util::future::join_all(writers).await;
    assert_eq!(written.into_iter().filter(|outcome| outcome.as_ref().unwrap().is_ok()).count(), 1);
    assert_eq!(metadata(&operator, "a").await.current_version, 2);
}

#[tokio::test]
async fn versions_are_hidden_brought_back_and_destroyed() {
    let broker = broker().start().await;
    let operator = broker.operator().await;
    for value in [b"1", b"2", b"3"] {
        put(&operator, "a", value, None).await.unwrap();
    }
    assert_eq!(get(&operator, "a", 0).await.unwrap(), b"3");
    assert_eq!(get(&operator, "a", 1).await.unwrap(), b"1");
    let mut secrets = operator.secrets();
    let path = || "a".to_owned();
    secrets.delete_secret(DeleteSecretRequest { path: path(), versions: vec![] }).await.unwrap();
    assert_eq!(
        why(&get(&operator, "a", 0).await.unwrap_err()),
        (Code::FailedPrecondition, "SECRET_DELETED".to_owned())
    );
    assert_eq!(get(&operator, "a", 2).await.unwrap(), b"2");
    secrets.undelete_secret(UndeleteSecretRequest { path: path(), versions: vec![3] }).await.unwrap();
    assert_eq!(get(&operator, "a", 0).await.unwrap(), b"3");
    secrets.destroy_secret(DestroySecretRequest { path: path(), versions: vec![1], all: false }).await.unwrap();
    assert_eq!(
        why(&get(&operator, "a", 1).await.unwrap_err()),
        (Code::FailedPrecondition, "SECRET_DESTROYED".to_owned())
    );
    let back = secrets.undelete_secret(UndeleteSecretRequest { path: path(), versions: vec![1] }).await.unwrap_err();
    assert_eq!(why(&back), (Code::FailedPrecondition, "SECRET_DESTROYED".to_owned()));
    assert_eq!(states(&metadata(&operator, "a").await), [(1, State::Destroyed), (2, State::Live), (3, State::Live)]);
    assert_eq!(why(&get(&operator, "a", 9).await.unwrap_err()), (Code::NotFound, "NOT_FOUND".to_owned()));
    secrets.destroy_secret(DestroySecretRequest { path: path(), versions: vec![], all: true }).await.unwrap();
    assert_eq!(why(&get(&operator, "a", 0).await.unwrap_err()), (Code::NotFound, "NOT_FOUND".to_owned()));
    // A new secret of the name has nothing of the old one.
    assert_eq!(put(&operator, "a", b"new", Some(0)).await.unwrap(), 1);
}

#[tokio::test]
async fn a_secret_lists_its_folders_page_by_page() {
    let broker = broker().start().await;
    let operator = broker.operator().await;
    let mut all = BTreeSet::new();
    for folder in ["a", "b/c", "b/d"] {
        for number in 0..7 {
            let path = format!("{folder}/{number}");
            put(&operator, &path, b"x", None).await.unwrap();
            all.insert(path);
        }
    }
    put(&operator, "b", b"x", None).await.unwrap();
    all.insert("b".to_owned());
    let list = async |folder: &str, recursive: bool, page_size: u32| {
        let (mut names, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = ListSecretsRequest { folder: folder.to_owned(), page_size, page_token, recursive };
            let page = operator.secrets().list_secrets(request).await.unwrap().into_inner();
            assert!(page.names.len() <= page_size as usize);
            names.extend(page.names);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return names;
            }
        }
    };
    for size in [1, 2, 3, 7, 100] {
        assert_eq!(list("", true, size).await.into_iter().collect::<BTreeSet<_>>(), all, "pages of {size}");
        assert_eq!(list("", true, size).await.len(), all.len(), "nothing twice in pages of {size}");
        assert_eq!(list("", false, size).await, ["a/", "b", "b/"]);
        assert_eq!(list("b", false, size).await, ["c/", "d/"]);
        assert_eq!(list("b/c", false, size).await, ["0", "1", "2", "3", "4", "5", "6"]);
        assert_eq!(list("nowhere", true, size).await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn old_versions_go_by_count_and_by_age() {
    let clock = ManualClock::at(SystemClock.now());
    let broker = broker().clock(clock.clone()).start().await;
    let operator = broker.operator().await;
    for number in 1..=12_u8 {
        put(&operator, "count", &[number], None).await.unwrap();
    }
    let kept = |metadata: &SecretMetadata| metadata.versions.iter().map(|v| v.version).collect::<Vec<_>>();
    assert_eq!(kept(&metadata(&operator, "count").await), (3..=12).collect::<Vec<_>>(), "10 are kept when nobody says");
    let update =
        |path: &str| UpdateSecretMetadataRequest { path: path.to_owned(), ..UpdateSecretMetadataRequest::default() };
    let fewer = UpdateSecretMetadataRequest { max_versions: Some(2), ..update("count") };
    operator.secrets().update_secret_metadata(fewer).await.unwrap();
    put(&operator, "count", b"x", None).await.unwrap();
    assert_eq!(kept(&metadata(&operator, "count").await), [12, 13]);
    assert_eq!(get(&operator, "count", 3).await.unwrap_err().code(), Code::NotFound);

    put(&operator, "age", b"1", None).await.unwrap();
    let age = prost_types::Duration { seconds: 600, nanos: 0 };
    let younger = UpdateSecretMetadataRequest { max_age: Some(age), ..update("age") };
    operator.secrets().update_secret_metadata(younger).await.unwrap();
    clock.advance(Span::from_minutes(9));
    put(&operator, "age", b"2", None).await.unwrap();
    assert_eq!(kept(&metadata(&operator, "age").await), [1, 2]);
    clock.advance(Span::from_minutes(2));
    put(&operator, "age", b"3", None).await.unwrap();
    assert_eq!(kept(&metadata(&operator, "age").await), [2, 3]);
}

#[tokio::test]
async fn what_has_expired_is_not_read() {
    let clock = ManualClock::at(SystemClock.now());
    let broker = broker().clock(clock.clone()).start().await;
    let operator = broker.operator().await;
    let minutes = |minutes: i64| prost_types::Duration { seconds: minutes * 60, nanos: 0 };
    let fields = HashMap::from([("value".to_owned(), marked!("x").as_bytes().into())]);
    let put_for =
        PutSecretRequest { path: "a".to_owned(), fields, expected_version: None, expires_in: Some(minutes(5)) };
    operator.secrets().put_secret(put_for).await.unwrap();
    get(&operator, "a", 0).await.unwrap();
    clock.advance(Span::from_minutes(5));
    let expired = (Code::FailedPrecondition, "SECRET_EXPIRED".to_owned());
    assert_eq!(why(&get(&operator, "a", 0).await.unwrap_err()), expired);
    put(&operator, "a", b"y", None).await.unwrap();
    assert_eq!(get(&operator, "a", 0).await.unwrap(), b"y");
    let update = UpdateSecretMetadataRequest {
        path: "a".to_owned(),
        expires_in: Some(minutes(1)),
        ..UpdateSecretMetadataRequest::default()
    };
    operator.secrets().update_secret_metadata(update).await.unwrap();
    clock.advance(Span::from_minutes(1));
    assert_eq!(why(&get(&operator, "a", 0).await.unwrap_err()), expired);
}

#[tokio::test]
async fn values_of_a_mebibyte_come_back_whole_and_through_a_restart() {
    let mut broker = broker().start().await;
    let operator = broker.operator().await;
    let large: Vec<u8> = (0..(1_usize << 20) - WORD.len()).map(|at| (at * 31 % 251) as u8).collect();
    put(&operator, "large", &large, None).await.unwrap();
    put(&operator, "large", &large[1..], None).await.unwrap();
    assert!(get(&operator, "large", 1).await.unwrap() == large);
    let more = put(&operator, "large", &[&large[..], &[0]].concat(), None).await.unwrap_err();
    assert_eq!((more.code(), reason(&more).as_str()), (Code::ResourceExhausted, "LIMIT"));
    broker.restart().await;
    let operator = broker.operator().await;
    assert!(get(&operator, "large", 0).await.unwrap() == large[1..]);
}

#[tokio::test]
async fn the_command_line_writes_reads_and_shows_history() {
    let broker = broker().start().await;
    let keyward = Keyward::operator(&broker);
    keyward.run_with(&["secret", "put", "prod/db", "user=app", "password=@-"], concat!(marked!("hunter2"), "\n")).ok();
    assert_eq!(keyward.ok(&["secret", "get", "prod/db", "--field", "password"]).trim_end(), marked!("hunter2"));
    let file = keyward.home().join("binary");
    std::fs::write(&file, [0, 255, 10, 13]).unwrap();
    keyward.ok(&["secret", "put", "prod/db", &format!("blob=@{}", file.display()), "--expect", "1"]);
    assert_eq!(keyward.run(&["secret", "put", "prod/db", "user=x", "--expect", "1"]).code(), 6);
    // Bytes that are no text come back as such, from a file and from a pipe, and no text looks like them.
    let blob = keyward.json(&["secret", "get", "prod/db"])["blob"].clone();
    assert_eq!(blob, serde_json::json!({ "base64": "AP8KDQ==" }));
    let piped = keyward.shell(&format!("{} secret put prod/pipe blob=@- <binary", Keyward::program().display()));
    piped.ok();
    assert_eq!(keyward.json(&["secret", "get", "prod/pipe"])["blob"], blob);
    keyward.ok(&["secret", "put", "prod/text", "blob=base64:AP8KDQ=="]);
    assert_eq!(keyward.json(&["secret", "get", "prod/text"])["blob"], "base64:AP8KDQ==");
    let history = keyward.json(&["secret", "history", "prod/db"]);
    assert!(history.to_string().contains("live"), "{history}");
    assert_eq!(keyward.json(&["secret", "list", "prod"])[0]["name"], "db");
    assert_eq!(keyward.run(&["secret", "get", "prod/nothing"]).code(), 4);
    assert_eq!(keyward.run(&["secret", "get", "prod/../db"]).code(), 2);
}
