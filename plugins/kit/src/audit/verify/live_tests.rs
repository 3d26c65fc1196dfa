//! Logs that grow: while they are checked, and between two who look.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use keyward_sdk::crypto::asymmetric::{KeyKind, generate};
use tempfile::TempDir;

use super::{
    Expected, read,
    tests::{SOON, add, begin, checkpoint, sample},
    verify,
};
use crate::audit::{Checkpoint, Signer, Tree};

#[tokio::test]
async fn a_log_that_is_being_written_is_not_blamed() {
    let dir = TempDir::new().unwrap();
    let log = begin(dir.path(), 64 << 10);
    let signer = Signer::new(log.origin(), &generate(KeyKind::Ed25519).unwrap()).unwrap();
    log.keep_verifier(signer.verifier().to_string(), SOON).await.unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let (folder, looked) = (dir.path().to_owned(), Arc::clone(&done));
    let looking = tokio::task::spawn_blocking(move || {
        let until = Instant::now() + Duration::from_secs(3);
        let mut findings = Vec::new();
        while findings.is_empty() && Instant::now() < until {
            findings = verify(&folder, &Expected::default()).unwrap().findings;
        }
        looked.store(true, Ordering::Release);
        findings
    });
    for n in 0.. {
        if done.load(Ordering::Acquire) {
            break;
        }
        add(&log, &format!("method-{n:06}-{}", "x".repeat(n % 300))).await.unwrap();
        if n % 500 == 499 {
            checkpoint(&log, &signer).await;
        }
    }
    assert_eq!(looking.await.unwrap(), []);
}

#[tokio::test]
async fn what_a_log_grew_by_leads_from_any_tree_of_it_to_any_later_one() {
    let sample = sample().await;
    let (dir, epoch) = (sample.dir.path(), sample.epoch);
    let checkpoint = Checkpoint::danger_unverified(&sample.last).unwrap();
    let at = |size: u64| {
        let edge = read::growth(dir, epoch, 0, size).unwrap().unwrap();
        Tree::from_edge(size, edge).unwrap()
    };
    for from in [0, 1, 37, 38, 120, 200, 201] {
        let growth = read::growth(dir, epoch, from, checkpoint.size).unwrap().unwrap();
        assert_eq!(at(from).grown(checkpoint.size, &growth).unwrap().root(), checkpoint.root, "{from}");
    }
    assert_eq!(read::growth(dir, epoch, 7, 202).unwrap(), None);
    assert_eq!(read::growth(dir, epoch, 0, 999).unwrap(), None);
}
