//! Opening and closing.

use keyward_api::v1::{
    DeleteSealPathRequest, InitializeRequest, PutSealPathRequest, SealMember, SealPath, SealRequest, SealState,
};
use tonic::Code;

use super::{people, put_people, read, seal_status, unseal, write};
use crate::support::{Broker, broker, reason};

fn make_key_file(broker: &Broker) {
    keyward_kms_soft::KeyFile::create(broker.folder().join("mixed.key")).unwrap();
}

#[tokio::test]
async fn people_alone_initialise_and_unseal_with_progress() {
    let mut broker = broker().start_empty().await;
    assert_eq!(seal_status(&broker).await.state(), SealState::Uninitialized);
    let mut seal = broker.socket().await.seal();
    let request = || InitializeRequest { paths: vec![people("people", 2, 3)] };
    let made = seal.initialize(request()).await.unwrap().into_inner();
    assert_eq!(made.shares.len(), 3);
    let again = seal.initialize(request()).await.unwrap_err();
    assert_eq!(reason(&again), "INITIALIZED");
    let first = unseal(&broker, &made.shares[0].share).await.unwrap();
    assert_eq!((first.state(), first.progress[0].received, first.progress[0].threshold), (SealState::Sealed, 1, 2));
    let twice = unseal(&broker, &made.shares[0].share).await.unwrap();
    assert_eq!(twice.progress[0].received, 1, "a share given twice counts once");
    let second = unseal(&broker, &made.shares[2].share).await.unwrap();
    assert_eq!(second.state(), SealState::Unsealed);
    broker.log_in(made).await;
    let operator = broker.operator().await;
    write(&operator, "a/b", "kept").await.unwrap();
    assert_eq!(read(&operator, "a/b").await.unwrap(), "kept");
}

#[tokio::test]
async fn sealed_everything_is_refused_until_it_is_unsealed() {
    let broker = broker().start().await;
    let operator = broker.operator().await;
    write(&operator, "a/b", "kept").await.unwrap();
    operator.seal().seal(SealRequest {}).await.unwrap();
    let refused = read(&operator, "a/b").await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unavailable, "SEALED"));
    let refused = operator.seal().seal(SealRequest {}).await.unwrap_err();
    assert_eq!(reason(&refused), "SEALED");
    let opened = unseal(&broker, "").await.unwrap();
    assert_eq!(opened.state(), SealState::Unsealed);
    assert_eq!(read(&operator, "a/b").await.unwrap(), "kept");
}

#[tokio::test]
async fn shares_that_do_not_belong_are_named_and_nothing_is_written() {
    let broker = broker().start().await;
    let operator = broker.operator().await;
    let old = put_people(&operator, "people").await;
    let new = put_people(&operator, "people").await;
    let elsewhere = {
        let other = crate::support::broker().start().await;
        put_people(&other.operator().await, "people").await
    };
    operator.seal().seal(SealRequest {}).await.unwrap();
    let store = || std::fs::read(broker.folder().join("keyward.store")).unwrap();
    let before = store();
    for (share, what) in
        [(&old[0], "earlier epoch"), (&elsewhere[0], "another installation"), (&"no share".to_owned(), "share")]
    {
        let refused = unseal(&broker, share).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unauthenticated, "SHARE_REFUSED"));
        assert!(refused.message().contains(what), "{refused:?}");
        assert!(!refused.message().contains(share.as_str()) || *what == *"share", "a share is not repeated");
    }
    assert!(before == store(), "nothing was written");
    unseal(&broker, &new[1]).await.unwrap();
    let refused = unseal(&broker, &old[1]).await.unwrap_err();
    assert_eq!(reason(&refused), "SHARE_REFUSED");
    let opened = unseal(&broker, &new[0]).await.unwrap();
    assert_eq!(opened.state(), SealState::Unsealed, "what was given before the wrong one still counts");
}

#[tokio::test]
async fn a_path_of_people_and_keys_opens_by_both_together() {
    let mut broker = broker().start().await;
    let operator = broker.operator().await;
    write(&operator, "a/b", "kept").await.unwrap();
    let file = broker.folder().join("mixed.key").display().to_string();
    let key = SealMember {
        name: "disk".to_owned(),
        kind: "key-file".to_owned(),
        settings: [("path".to_owned(), file)].into(),
    };
    let person = |name: &str| SealMember { name: name.to_owned(), ..SealMember::default() };
    let members = vec![key, person("ann"), person("ben")];
    let path = SealPath { name: "mixed".to_owned(), threshold: 2, members };
    make_key_file(&broker);
    let put = PutSealPathRequest { path: Some(path) };
    let shares = operator.seal().put_seal_path(put).await.unwrap().into_inner().shares;
    operator.seal().delete_seal_path(DeleteSealPathRequest { name: "auto".to_owned() }).await.unwrap();
    broker.restart().await;
    assert_eq!(seal_status(&broker).await.state(), SealState::Sealed);
    let opened = unseal(&broker, &shares[0].share).await.unwrap();
    assert_eq!(opened.state(), SealState::Unsealed, "one person, and the key file beside");
    let operator = broker.operator().await;
    assert_eq!(read(&operator, "a/b").await.unwrap(), "kept");
    // Without its key two people are needed, and their progress is shown.
    operator.seal().seal(SealRequest {}).await.unwrap();
    std::fs::remove_file(broker.folder().join("mixed.key")).unwrap();
    let first = unseal(&broker, &shares[0].share).await.unwrap();
    assert_eq!((first.state(), first.progress[0].received, first.progress[0].threshold), (SealState::Sealed, 1, 2));
    assert_eq!(unseal(&broker, &shares[1].share).await.unwrap().state(), SealState::Unsealed);
}

#[tokio::test]
async fn a_path_is_not_removed_when_nothing_else_is_known_to_open() {
    let broker = broker().start().await;
    let operator = broker.operator().await;
    make_key_file(&broker);
    let file = broker.folder().join("mixed.key").display().to_string();
    let key = SealMember {
        name: "disk".to_owned(),
        kind: "key-file".to_owned(),
        settings: [("path".to_owned(), file)].into(),
    };
    let path = SealPath { name: "other".to_owned(), threshold: 1, members: vec![key] };
    operator.seal().put_seal_path(PutSealPathRequest { path: Some(path) }).await.unwrap();
    std::fs::remove_file(broker.folder().join("mixed.key")).unwrap();
    let delete = |name: &str| DeleteSealPathRequest { name: name.to_owned() };
    let refused = operator.seal().delete_seal_path(delete("auto")).await.unwrap_err();
    assert_eq!(reason(&refused), "LAST_PATH");
    operator.seal().delete_seal_path(delete("other")).await.unwrap();
}

#[tokio::test]
async fn many_who_open_at_once_open_once_and_sealing_holds() {
    let broker = broker().start().await;
    let operator = broker.operator().await;
    write(&operator, "a/b", "kept").await.unwrap();
    // Each opening that was not ended when the broker was sealed would keep two of its 64 tasks.
    for _ in 0..12 {
        operator.seal().seal(SealRequest {}).await.unwrap();
        let all = (0..8).map(|_| unseal(&broker, ""));
        for opened in futures_util::future::join_all(all).await {
            assert_eq!(opened.unwrap().state(), SealState::Unsealed);
        }
    }
    assert_eq!(read(&operator, "a/b").await.unwrap(), "kept");
    let world = std::sync::Arc::downgrade(&broker.pipeline().lifecycle().world().unwrap());
    operator.seal().seal(SealRequest {}).await.unwrap();
    keyward_testbed::wait_until("nothing holds the keys", async || world.strong_count() == 0).await;
}
