//! Backups, made while the broker serves and restored where none runs.

use keyward::{config::OlderStore, storage::backup};
use keyward_api::v1::{
    BackupSummary, CreateBackupRequest, GetStatusRequest, RevokeSelfRequest, SealState,
    backup_service_client::BackupServiceClient, create_backup_response::Part,
};
use tonic::Code;

use super::{read, seal_status, write};
use crate::support::{Broker, Caller, Keyward, broker, reason};

async fn taken(caller: &Caller) -> Result<(Vec<u8>, BackupSummary), tonic::Status> {
    let mut parts = BackupServiceClient::new(caller.client()).create_backup(CreateBackupRequest {}).await?.into_inner();
    let mut bytes = Vec::new();
    while let Some(message) = parts.message().await? {
        match message.part.unwrap() {
            Part::Chunk(chunk) => bytes.extend_from_slice(&chunk),
            Part::Summary(summary) => return Ok((bytes, summary)),
        }
    }
    panic!("a backup ends with its summary");
}

async fn warned(broker: &Broker) -> bool {
    let status = broker.operator().await.seal().get_status(GetStatusRequest {}).await.unwrap().into_inner();
    status.warnings.iter().any(|warning| warning.contains("no backup is younger than 24 hours"))
}

#[tokio::test]
async fn a_backup_is_whole_sealed_and_remembered() {
    let broker = broker().start().await;
    let operator = broker.operator().await;
    write(&operator, "a/b", "a value nobody may see").await.unwrap();
    assert!(warned(&broker).await);
    let (bytes, summary) = taken(&operator).await.unwrap();
    assert!(!warned(&broker).await);
    let checked = backup::parse(&bytes).unwrap();
    assert_eq!(
        (checked.entries, checked.bytes, checked.revision.0),
        (summary.entries, summary.bytes, summary.revision)
    );
    assert!(!bytes.windows(22).any(|part| part == b"a value nobody may see"));
}

#[tokio::test]
async fn a_backup_needs_the_right_to_it() {
    let broker = broker().start().await;
    let refused = taken(&broker.caller().connect().await).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unauthenticated, "NO_TOKEN"));
}

#[tokio::test]
async fn a_backup_ends_when_its_caller_is_revoked() {
    let broker = broker().start().await;
    let operator = broker.operator().await;
    let value = "x".repeat(900_000);
    for at in 0..24 {
        write(&operator, &format!("large/{at}"), &value).await.unwrap();
    }
    let mut parts =
        BackupServiceClient::new(operator.client()).create_backup(CreateBackupRequest {}).await.unwrap().into_inner();
    parts.message().await.unwrap().unwrap();
    operator.auth().revoke_self(RevokeSelfRequest {}).await.unwrap();
    let ended = loop {
        match parts.message().await {
            Ok(Some(message)) => {
                assert!(!matches!(message.part, Some(Part::Summary(_))), "the backup went on to its end")
            }
            Ok(None) => panic!("the backup ended as if it were whole"),
            Err(status) => break status,
        }
    };
    assert_eq!(reason(&ended), "TOKEN_REVOKED");
}

#[tokio::test]
async fn a_backup_restored_from_the_command_line_opens() {
    let mut broker = broker().start().await;
    write(&broker.operator().await, "a/b", "kept").await.unwrap();
    let keyward = Keyward::operator(&broker);
    let file = keyward.home().join("backup");
    let file = file.to_str().unwrap();
    assert!(keyward.json(&["backup", "create", file])["entries"].as_u64().unwrap() > 0);
    assert_eq!(keyward.run(&["backup", "create", file]).code(), 2, "nothing is overwritten");
    assert_eq!(keyward.json(&["backup", "verify", file])["state"], "whole");
    write(&broker.operator().await, "a/b", "lost").await.unwrap();
    broker.stop().await;
    let store = broker.folder().join("keyward.store");
    let refused = Keyward::alone().run(&["backup", "restore", file, "--to", store.to_str().unwrap()]);
    assert!(refused.code() == 1 && refused.stderr.contains("exists already"), "{refused:?}");
    std::fs::remove_file(&store).unwrap();
    Keyward::alone().ok(&["backup", "restore", file, "--to", store.to_str().unwrap()]);
    broker.reconfigure(|config| config.older = OlderStore::Accept);
    broker.start_again().await;
    assert_eq!(seal_status(&broker).await.state(), SealState::Unsealed);
    assert_eq!(read(&broker.operator().await, "a/b").await.unwrap(), "kept");
    let mut damaged = std::fs::read(file).unwrap();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    std::fs::write(file, damaged).unwrap();
    let refused = Keyward::alone().run(&["backup", "verify", file]);
    assert!(refused.code() == 1 && refused.stderr.contains("damaged"), "{refused:?}");
}
