//! Checkpoints of the audit log as signed notes, keys for notes, and proofs: what people and witnesses hand over.

use std::sync::LazyLock;

use keyward_kit::audit::{
    Checkpoint, Signer, Verifier,
    checkpoint::{check_proof, proof_text},
};
use keyward_sdk::crypto::asymmetric::{KeyKind, generate};

use crate::support::{NOW, altered, changes};

static SIGNER: LazyLock<Signer> =
    LazyLock::new(|| Signer::new("inst/r1/1", &generate(KeyKind::Ed25519).unwrap()).unwrap());
static NOTE: LazyLock<String> = LazyLock::new(|| {
    let checkpoint = Checkpoint { origin: "inst/r1/1".to_owned(), size: 7, root: [5; 32], time: Some(NOW), heads: vec![] };
    checkpoint.sign(&SIGNER).unwrap()
});

pub(super) fn run(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        any(text);
    }
    // What is signed is the text up to the empty line; lines of other keys may follow.
    let changed = altered(NOTE.as_bytes(), bytes);
    let Ok(changed) = std::str::from_utf8(&changed) else { return };
    if let Ok(read) = Checkpoint::open(changed, SIGNER.verifier()) {
        assert_eq!(read.text(), Checkpoint::danger_unverified(&NOTE).unwrap().text(), "an altered checkpoint counts");
    }
}

fn any(text: &str) {
    let signed = text.contains(&*NOTE);
    assert!(signed || Checkpoint::open(text, SIGNER.verifier()).is_err(), "a checkpoint was forged");
    assert!(check_proof(text, [7; 32], SIGNER.verifier()).is_err(), "a proof was forged");
    if let Ok(checkpoint) = Checkpoint::parse(text) {
        assert_eq!(Checkpoint::parse(&checkpoint.text()), Ok(checkpoint), "a checkpoint reads otherwise than it was");
    }
    if let Ok(verifier) = Verifier::parse(text) {
        assert_eq!(verifier.to_string(), text.trim_end());
    }
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let checkpoint = Checkpoint::danger_unverified(&NOTE).unwrap().text();
    let proof = proof_text(3, &[[1; 32], [2; 32]], &NOTE);
    let texts = [NOTE.clone(), checkpoint, proof, SIGNER.verifier().to_string()];
    changes().into_iter().chain(texts.map(String::into_bytes)).collect()
}
