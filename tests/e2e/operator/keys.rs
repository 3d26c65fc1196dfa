//! Root, system and tenant keys rotate, and paths change, while others read.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use keyward_api::v1::{
    DeleteSealPathRequest, DrillSealRequest, GetStatusRequest, ListSealPathsRequest, RotateKeyringRequest,
    RotateRootKeyRequest, SealRequest, SealState,
};

use super::{put_people, read, seal_status, unseal, write};
use crate::support::{broker, reason};

#[tokio::test]
async fn root_system_and_tenant_keys_rotate_while_others_read() {
    let mut broker = broker().start().await;
    let operator = broker.operator().await;
    write(&operator, "a/b", "kept").await.unwrap();
    let before = operator.seal().get_status(GetStatusRequest {}).await.unwrap().into_inner();
    let (done, reads) = (AtomicBool::new(false), AtomicUsize::new(0));
    let reading = async {
        while !done.load(Ordering::Relaxed) {
            assert_eq!(read(&operator, "a/b").await.unwrap(), "kept");
            reads.fetch_add(1, Ordering::Relaxed);
        }
    };
    let rotating = async {
        for round in 1..=3 {
            let made = operator.seal().rotate_root_key(RotateRootKeyRequest {}).await.unwrap().into_inner();
            assert_ne!(made.root_fingerprint, before.root_fingerprint);
            for tenant in ["", "main"] {
                let request = RotateKeyringRequest { tenant: tenant.to_owned() };
                let rotated = operator.seal().rotate_keyring(request).await.unwrap().into_inner();
                assert_eq!(rotated.version, round + 1);
            }
            write(&operator, &format!("after/{round}"), "new").await.unwrap();
        }
        done.store(true, Ordering::Relaxed);
    };
    tokio::join!(reading, rotating);
    assert!(reads.load(Ordering::Relaxed) > 0);
    broker.restart().await;
    assert_eq!(seal_status(&broker).await.state(), SealState::Unsealed);
    let operator = broker.operator().await;
    assert_eq!(read(&operator, "a/b").await.unwrap(), "kept");
    assert_eq!(read(&operator, "after/3").await.unwrap(), "new");
    let status = operator.seal().get_status(GetStatusRequest {}).await.unwrap().into_inner();
    assert_ne!(status.root_fingerprint, before.root_fingerprint);
    assert_eq!(status.keyrings.iter().map(|ring| ring.primary).collect::<Vec<_>>(), [4, 4]);
}

#[tokio::test]
async fn paths_are_added_replaced_and_removed_while_open() {
    let mut broker = broker().start().await;
    let operator = broker.operator().await;
    write(&operator, "a/b", "kept").await.unwrap();
    let shares = put_people(&operator, "people").await;
    let listed =
        operator.seal().list_seal_paths(ListSealPathsRequest { probe: true }).await.unwrap().into_inner().paths;
    assert_eq!(listed.iter().map(|path| path.name.as_str()).collect::<Vec<_>>(), ["auto", "people"]);
    assert!(listed[0].opens_by_itself && listed[0].members[0].reachable && listed[0].members[0].proven_at.is_some());
    assert!(!listed[1].opens_by_itself && listed[1].threshold == 2 && listed[1].members.len() == 3);
    let drill = operator.seal().drill_seal(DrillSealRequest {}).await.unwrap().into_inner();
    assert_eq!((drill.coalitions.len(), drill.survives_any), (2, 2));
    let gone =
        operator.seal().delete_seal_path(DeleteSealPathRequest { name: "auto".to_owned() }).await.unwrap().into_inner();
    assert!(gone.notes[0].contains("backups"), "{gone:?}");
    let last = operator.seal().delete_seal_path(DeleteSealPathRequest { name: "people".to_owned() }).await.unwrap_err();
    assert_eq!(reason(&last), "LAST_PATH");
    broker.restart().await;
    assert_eq!(seal_status(&broker).await.state(), SealState::Sealed, "the key file opens nothing any more");
    unseal(&broker, &shares[0]).await.unwrap();
    assert_eq!(unseal(&broker, &shares[1]).await.unwrap().state(), SealState::Unsealed);
    assert_eq!(read(&broker.operator().await, "a/b").await.unwrap(), "kept");
}

#[tokio::test]
async fn a_dead_member_is_named_in_the_status() {
    let broker = broker().start().await;
    let operator = broker.operator().await;
    put_people(&operator, "people").await;
    std::fs::remove_file(broker.folder().join("seal.key")).unwrap();
    let listed =
        operator.seal().list_seal_paths(ListSealPathsRequest { probe: true }).await.unwrap().into_inner().paths;
    assert!(!listed[0].members[0].reachable && !listed[0].members[0].problem.is_empty(), "{listed:?}");
    let status = operator.seal().get_status(GetStatusRequest {}).await.unwrap().into_inner();
    assert!(status.warnings[0].contains("key-file"), "{:?}", status.warnings);
    assert!(status.warnings.iter().any(|warning| warning.contains("keyward backup create")), "{:?}", status.warnings);
}

#[tokio::test]
async fn a_pinned_root_does_not_rotate() {
    let mut broker = broker().start().await;
    let pin = broker.made().root_fingerprint.clone();
    broker.stop().await;
    broker.reconfigure(|config| config.root_fingerprint = Some(pin));
    broker.start_again().await;
    let operator = broker.operator().await;
    let refused = operator.seal().rotate_root_key(RotateRootKeyRequest {}).await.unwrap_err();
    assert_eq!(reason(&refused), "ROOT_PINNED");
    operator.seal().seal(SealRequest {}).await.unwrap();
    assert_eq!(unseal(&broker, "").await.unwrap().state(), SealState::Unsealed);
}
