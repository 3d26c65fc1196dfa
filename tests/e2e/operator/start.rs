//! What cannot start says what is wrong and what to do, in one sentence.

use std::{net::TcpListener, os::unix::fs::PermissionsExt};

use keyward::{
    app::App,
    config::{Config, Purpose, StorageConfig},
};
use keyward_api::v1::{InitializeRequest, SealMember, SealPath, SealState, WhoAmIRequest};
use keyward_sdk::time::SystemClock;
use keyward_testbed::TestCa;
use tonic::Code;

use super::{seal_status, unseal};
use crate::support::{Keyward, Setup, broker, reason};

fn config(setup: Setup) -> (Setup, Config) {
    let mut taken = None;
    let setup = setup.config(|config| taken = Some(config.clone()));
    (setup, taken.unwrap())
}

async fn refusal(config: Config) -> String {
    let told = App::build(config, SystemClock::shared()).await.err().expect("it does not start").to_string();
    assert!(!told.contains('\n'), "one sentence: {told}");
    told
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let (_setup, mut config) = config(broker());
    config.api = taken.local_addr().unwrap();
    let told = refusal(config).await;
    assert!(told.contains(&taken.local_addr().unwrap().to_string()) && told.contains("listen.api"), "{told}");
}

#[tokio::test]
async fn a_store_in_use_is_named() {
    let broker = broker().start().await;
    let (_other, mut config) = config(crate::support::broker());
    let store = broker.folder().join("keyward.store");
    config.storage = StorageConfig::Embedded(store.clone());
    let told = refusal(config).await;
    assert!(told.contains("in use by another process") && told.contains(store.to_str().unwrap()), "{told}");
}

#[tokio::test]
async fn a_dev_store_is_not_opened_by_the_server() {
    let (setup, config) = config(broker());
    drop(App::build(Config { purpose: Purpose::Dev, ..config.clone() }, SystemClock::shared()).await.unwrap());
    let told = refusal(config).await;
    assert!(told.contains("dev store"), "{told}");
    drop(setup);
}

#[tokio::test]
async fn something_else_at_the_place_of_the_store_is_not_touched() {
    let (setup, config) = config(broker());
    let file = setup.folder().join("keyward.store");
    std::fs::write(&file, "a letter").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let told = refusal(config.clone()).await;
    assert!(told.contains("not a store of keyward"), "{told}");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let told = refusal(config).await;
    assert!(told.contains("chmod 600"), "{told}");
    assert_eq!(std::fs::read_to_string(file).unwrap(), "a letter");
}

#[tokio::test]
async fn a_key_file_that_others_may_read_opens_nothing_and_is_named() {
    let mut broker = broker().start().await;
    broker.stop().await;
    let key = broker.folder().join("seal.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    broker.start_again().await;
    assert_eq!(seal_status(&broker).await.state(), SealState::Sealed);
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(unseal(&broker, "").await.unwrap().state(), SealState::Unsealed);
}

fn file(path: &str) -> SealMember {
    SealMember {
        name: "key-file".to_owned(),
        kind: "key-file".to_owned(),
        settings: [("path".to_owned(), path.to_owned())].into(),
    }
}

#[tokio::test]
async fn a_key_file_lies_where_whoever_makes_the_installation_stands_and_not_where_the_daemon_does() {
    let broker = broker().start_empty().await;
    let paths = vec![SealPath { name: "auto".to_owned(), threshold: 1, members: vec![file("seal.key")] }];
    let refused = broker.socket().await.seal().initialize(InitializeRequest { paths }).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(refused.message().contains("`seal.key` is no whole path of a key file"), "{refused}");
    let local = Keyward::alone().with("KEYWARD_ADDR", &format!("unix://{}/keyward.sock", broker.folder().display()));
    local.ok(&["operator", "init", "--member", "key-file:seal.key"]);
    assert!(local.home().join("seal.key").is_file());
    assert_eq!(seal_status(&broker).await.state(), SealState::Unsealed);
}

#[tokio::test]
async fn nobody_makes_an_installation_over_the_network() {
    let broker = broker().served_by(&TestCa::new("broker")).start_empty().await;
    let stranger = broker.caller().connect().await;
    let mut answers = Vec::new();
    for path in ["/etc/shadow", "/nonexistent", "/dev/null"] {
        let paths = vec![SealPath { name: "auto".to_owned(), threshold: 1, members: vec![file(path)] }];
        let refused = stranger.seal().initialize(InitializeRequest { paths }).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "LOCAL_ONLY"));
        answers.push(refused.message().to_owned());
    }
    let early = stranger.auth().who_am_i(WhoAmIRequest {}).await.unwrap_err();
    assert_eq!(reason(&early), "UNINITIALIZED", "not sealed: there is nothing to unseal");
    answers.dedup();
    assert_eq!(answers.len(), 1, "nothing is learned of files: {answers:?}");
    assert_eq!(seal_status(&broker).await.state(), SealState::Uninitialized);
}
