use bytes::Bytes;
use keyward_kit::audit::{Signer, Tree, tree::Growth};
use keyward_sdk::crypto::asymmetric::{KeyKind, generate};

use super::*;

const NOW: Timestamp = Timestamp::from_secs(1_795_382_203);

struct Log {
    signer: Signer,
    leaves: Vec<Hash>,
}

impl Log {
    fn new(origin: &str) -> Self {
        Self { signer: Signer::new(origin, &generate(KeyKind::Ed25519).unwrap()).unwrap(), leaves: Vec::new() }
    }

    fn grow(&mut self, by: u8, to: usize) {
        while self.leaves.len() < to {
            self.leaves.push([by ^ self.leaves.len() as u8; 32]);
        }
    }

    fn given(&self, from: u64) -> LogCheckpoint {
        let mut tree = Tree::new();
        self.leaves.iter().for_each(|leaf| tree.push(*leaf));
        let origin = self.signer.verifier().name().to_owned();
        let (size, root) = (tree.size(), tree.root());
        let note = Checkpoint { origin, size, root, time: None, heads: vec![] }.sign(&self.signer).unwrap();
        let mut growth = Growth::new(from);
        self.leaves.iter().skip(from as usize).for_each(|leaf| growth.push(*leaf));
        let (verifier, growth) = (
            self.signer.verifier().to_string(),
            growth.hashes().iter().map(|hash| Bytes::copy_from_slice(hash)).collect(),
        );
        LogCheckpoint { note, verifier, from, growth }
    }
}

#[tokio::test]
async fn what_continues_is_kept_through_a_restart_and_what_does_not_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = Log::new("inst/1/5");
    log.grow(1, 40);
    let mut witness = Witness::load(folder.path(), NOW).await;
    assert_eq!(witness.take(&log.given(0), NOW).await.unwrap(), Taken::First);
    log.grow(1, 97);
    let next = log.given(40);
    let later = NOW.saturating_add(Span::from_secs(60));
    assert_eq!(witness.take(&next, later).await.unwrap(), Taken::Continued);
    let restarted = later.saturating_add(Span::from_secs(60));
    let mut witness = Witness::load(folder.path(), restarted).await;
    assert_eq!(witness.sizes(), [("inst/1/5".to_owned(), 97)]);
    assert_eq!(std::fs::read_to_string(witness.note_path("inst/1/5")).unwrap(), next.note);
    let same = LogCheckpoint { from: 97, growth: vec![], ..next.clone() };
    assert_eq!(witness.take(&same, restarted).await.unwrap(), Taken::Continued);
    assert_eq!(witness.newest(), Some(later), "the same one again is no news");
    let day = restarted.saturating_add(Span::from_secs(86_400));
    assert_eq!(witness.silent_for(day), Span::from_secs(86_400));

    // The holder of the key cuts the log, and writes it anew.
    let origin = "inst/1/5".to_owned();
    let mut anew = Log { signer: log.signer, leaves: Vec::new() };
    anew.grow(1, 96);
    let cut = witness.take(&anew.given(96), day).await.unwrap_err();
    assert_eq!(cut, Refused::Cut { origin: origin.clone(), size: 96, seen: 97 });
    anew.leaves[50] = [7; 32];
    anew.grow(1, 120);
    let rewritten = Refused::Rewritten { origin: origin.clone(), size: 120, seen: 97 };
    assert_eq!(witness.take(&anew.given(97), day).await.unwrap_err(), rewritten);
    assert_eq!(witness.take(&anew.given(0), day).await.unwrap_err(), rewritten);
    assert_eq!(witness.refused(), Some(&rewritten));
    let halved = LogCheckpoint { growth: vec![Bytes::from_static(&[7; 31])], ..anew.given(97) };
    assert_eq!(witness.take(&halved, day).await.unwrap_err(), Refused::Growth(origin));
    assert_eq!(witness.sizes()[0].1, 97, "what was known stays");
    anew.leaves[50] = [1 ^ 50; 32];
    witness.take(&anew.given(97), day).await.unwrap();
    assert_eq!((witness.refused(), witness.newest()), (None, Some(day)));
}

fn log(origin: &str) -> Log {
    let mut log = Log::new(origin);
    log.grow(3, 9);
    log
}

#[tokio::test]
async fn another_key_is_refused_another_log_is_told_and_none_that_is_known_is_forgotten_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut witness = Witness::load(folder.path(), NOW).await;
    let first = log("inst/1/5").given(0);
    witness.take(&first, NOW).await.unwrap();
    let other_key = LogCheckpoint { from: 9, growth: vec![], ..log("inst/1/5").given(0) };
    assert!(matches!(witness.take(&other_key, NOW).await.unwrap_err(), Refused::Key(_)));
    let unsigned = LogCheckpoint { note: first.note.replace("\n9\n", "\n8\n"), ..first.clone() };
    assert!(matches!(witness.take(&unsigned, NOW).await.unwrap_err(), Refused::Note(_)));
    for name in ["inst/1", "inst/1/5/6", "a//b", "a/b/", "a/\u{e4}/1", &format!("inst/1/{}", "5".repeat(300))] {
        assert_eq!(witness.take(&log(name).given(0), NOW).await, Err(Refused::Name), "{name}");
    }
    for n in 1..MAX_LOGS {
        let name = format!("other/1/{n:02}");
        assert_eq!(witness.take(&log(&name).given(0), NOW).await.unwrap(), Taken::Begun(name));
    }
    let full = witness.take(&log("a/1/1").given(0), NOW).await.unwrap_err();
    assert_eq!(full, Refused::Full("a/1/1".to_owned()));
    let witness = Witness::load(folder.path(), NOW).await;
    assert!(witness.sizes().contains(&("inst/1/5".to_owned(), 9)));
    assert_eq!(std::fs::read_to_string(witness.note_path("inst/1/5")).unwrap(), first.note);
}

#[tokio::test]
async fn a_damaged_file_holds_nothing_up_and_takes_no_other_along() {
    let folder = tempfile::tempdir().unwrap();
    let mut witness = Witness::load(folder.path(), NOW).await;
    witness.take(&log("inst/1/5").given(0), NOW).await.unwrap();
    witness.take(&log("inst/2/6").given(0), NOW).await.unwrap();
    let file = witness.note_path("inst/1/5").with_extension("json");
    let kept = std::fs::read_to_string(&file).unwrap();
    let edge = kept.split_once("\"edge\":[\"").unwrap().1.split_once('"').unwrap().0;
    for damaged in ["{".to_owned(), kept.replace("\"size\":9", "\"size\":8"), kept.replace(edge, "AAAA")] {
        assert_ne!(damaged, kept);
        std::fs::write(&file, damaged).unwrap();
        let mut witness = Witness::load(folder.path(), NOW).await;
        assert_eq!(witness.sizes(), [("inst/2/6".to_owned(), 9)], "a size that its edge does not fit is no size");
        assert!(witness.take(&log("inst/2/6").given(0), NOW).await.is_err());
    }
}
