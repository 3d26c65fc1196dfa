//! What nodes keep of the broker's audit log.

use std::{
    fs,
    path::{Path, PathBuf},
};

use keyward_api::v1::{ClusterMode, GetStatusRequest};
use keyward_kube_kms::{
    broker::{Broker as _, GrpcBroker, SeenLogs},
    follow::{Refused, Witness},
};

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
    Some(witness.take(&checkpoint).await)
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
    let note = folder.join("audit.checkpoint");
    until("the node keeps a checkpoint", || async { note.is_file() }).await;
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
    let mut witness = Witness::load(&folder).await;
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
