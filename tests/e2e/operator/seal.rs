//! Opening and closing.

use keyward_api::v1::{InitializeRequest, SealRequest, SealState};
use tonic::Code;

use super::{people, put_people, read, seal_status, unseal, write};
use crate::support::{broker, reason};

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
