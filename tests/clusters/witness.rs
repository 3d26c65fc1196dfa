//! What nodes keep of the broker's audit log.

use std::{
    fs,
    path::{Path, PathBuf},
};

use keyward::config::OlderStore;
use keyward_api::v1::{ClusterMode, GetStatusRequest};
use keyward_kube_kms::{
    broker::{Broker as _, GrpcBroker, SeenLogs},
    follow::{Refused, Taken, Witness},
};
use keyward_sdk::time::{SystemClock, Timestamp};

use super::{Machine, nodes, register, until};
use crate::support::{self, Broker, Keyward};

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// One report of a node that holds nothing yet; what it made of the checkpoint, where there was one.
async fn report(machine: &Machine, witness: &mut Witness) -> Option<Result<(), Refused>> {
    let broker = GrpcBroker::new(&machine.state().load().unwrap()).unwrap();
    let seen = SeenLogs { sizes: witness.sizes(), refused: witness.refused().map(ToString::to_string) };
    let checkpoint = broker.report(&super::held(), &seen).await.unwrap().checkpoint?;
    Some(witness.take(&checkpoint, now()).await.map(drop))
}

fn now() -> Timestamp {
    SystemClock::shared().now()
}

async fn warned(broker: &Broker) -> bool {
    let status = broker.operator().await.seal().get_status(GetStatusRequest {}).await.unwrap().into_inner();
    status.warnings.iter().any(|warning| warning.contains("node `cp-1` of cluster `prod` keeps a checkpoint"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_keeps_checkpoints_of_the_brokers_log_and_notices_an_older_copy_put_back_together_with_its_store() {
    let mut broker = support::broker().start().await;
    register(&broker, "prod", ClusterMode::Local).await;
    let machine = Machine::join(&broker, "prod", "cp-1").await;
    let running = machine.start().await;
    let folder = machine.state().folder().to_owned();
    let kept = || async { Some(Witness::load(&folder, now()).await.sizes().first()?.0.clone()) };
    until("the node keeps a checkpoint", || async { kept().await.is_some() }).await;
    let note = Witness::load(&folder, now()).await.note_path(&kept().await.unwrap());
    running.stop().await;

    // Whoever holds the broker's disk keeps a copy of all of it.
    broker.stop().await;
    let (audit, store) = (broker.folder().join("audit"), broker.folder().join("keyward.store"));
    let aside = tempfile::tempdir().unwrap();
    copy(&audit, &aside.path().join("audit"));
    fs::copy(&store, aside.path().join("store")).unwrap();

    broker.start_again().await;
    for _ in 0..40 {
        nodes(&broker, "prod").await;
    }
    let mut witness = Witness::load(&folder, now()).await;
    let before = witness.sizes()[0].1;
    broker.restart().await;
    report(&machine, &mut witness).await.expect("a newer one").unwrap();
    assert!(witness.sizes()[0].1 > before + 40);
    let verify = || {
        let (folder, note): (PathBuf, PathBuf) = (audit.clone(), note.clone());
        Keyward::alone().run(&["audit", "verify", folder.to_str().unwrap(), "--checkpoint", note.to_str().unwrap()])
    };
    assert!(!warned(&broker).await);
    broker.stop().await;
    assert_eq!(verify().code(), 0, "the node's checkpoint fits: {:?}", verify());

    // And puts it back: store and log fit together, so the broker itself cannot tell.
    fs::remove_dir_all(&audit).unwrap();
    copy(&aside.path().join("audit"), &audit);
    fs::copy(aside.path().join("store"), &store).unwrap();
    broker.start_again().await;
    let cut = report(&machine, &mut witness).await.expect("a checkpoint").unwrap_err();
    assert!(matches!(cut, Refused::Cut { .. }), "{cut}");
    report(&machine, &mut witness).await;
    assert!(warned(&broker).await, "the operator is told");
    broker.stop().await;
    assert_eq!(verify().code(), 7, "the node's checkpoint shows what is missing");

    // The log grows past what was there: it is another one all the same.
    broker.start_again().await;
    for _ in 0..120 {
        nodes(&broker, "prod").await;
    }
    broker.restart().await;
    let anew = report(&machine, &mut witness).await.expect("a checkpoint").unwrap_err();
    assert!(matches!(anew, Refused::Rewritten { .. }), "{anew}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_honest_broker_is_believed_after_a_restore_and_a_log_begun_anew_is_told_and_not_refused() {
    let mut broker = support::broker().start().await;
    register(&broker, "prod", ClusterMode::Local).await;
    let machine = Machine::join(&broker, "prod", "cp-1").await;
    let (audit, store) = (broker.folder().join("audit"), broker.folder().join("keyward.store"));
    broker.stop().await;
    let aside = tempfile::tempdir().unwrap();
    fs::copy(&store, aside.path().join("store")).unwrap();
    broker.start_again().await;
    for _ in 0..40 {
        nodes(&broker, "prod").await;
    }
    broker.restart().await;
    let folder = tempfile::tempdir().unwrap();
    let mut witness = Witness::load(folder.path(), now()).await;
    report(&machine, &mut witness).await.expect("the first").unwrap();
    let before = witness.sizes()[0].1;

    // The store of a backup beside the log as it is: what the store knows of the log is older than what the node knows.
    broker.stop().await;
    fs::copy(aside.path().join("store"), &store).unwrap();
    broker.reconfigure(|config| config.older = OlderStore::Accept);
    broker.start_again().await;
    for _ in 0..5 {
        if let Some(taken) = report(&machine, &mut witness).await {
            taken.expect("the log continues what the node has seen");
        }
    }
    assert!(witness.sizes()[0].1 > before);

    // The folder of the log is lost.
    broker.stop().await;
    fs::remove_dir_all(&audit).unwrap();
    broker.start_again().await;
    let asked = GrpcBroker::new(&machine.state().load().unwrap()).unwrap();
    let seen = SeenLogs { sizes: witness.sizes(), refused: None };
    let checkpoint = asked.report(&super::held(), &seen).await.unwrap().checkpoint.expect("of the new log");
    let taken = witness.take(&checkpoint, now()).await.unwrap();
    assert!(matches!(taken, Taken::Begun(_)), "{taken:?}");
    assert_eq!(witness.sizes().len(), 2);
    assert!(witness.sizes().iter().all(|(log, _)| witness.note_path(log).is_file()), "both checkpoints are kept");
}
