//! What a wrapper refuses: what is not its own, and what was changed.

use super::{Expect, refused, unwrap, wrap};
use crate::{
    secret::Secret,
    wrapper::{Fault, KeyWrapper, Wrapped},
};

/// A changed blob may look foreign, or like a shape that never was.
const CHANGED: &[Fault] = &[Fault::Integrity, Fault::ForeignBlob, Fault::Input];

pub(super) async fn foreign(ours: &impl KeyWrapper, foreign: &impl KeyWrapper, expect: &Expect) {
    let secret = Secret::random(32);
    let theirs = wrap(foreign, &secret, b"foreign").await;
    let faults = &[Fault::ForeignBlob, Fault::Integrity, Fault::Permission];
    refused("a blob of another key", &secret, faults, ours.unwrap(&theirs, b"foreign")).await;

    let mine = wrap(ours, &secret, b"foreign").await;
    let relabelled = made(expect.kind, mine.key(), theirs.blob());
    refused("a blob of another key under our name", &secret, faults, ours.unwrap(&relabelled, b"foreign")).await;
    let kind = made("not-this-kind", mine.key(), mine.blob());
    refused("a blob of another kind", &secret, &[Fault::ForeignBlob], ours.unwrap(&kind, b"foreign")).await;
    let junk = made(expect.kind, mine.key(), &Secret::random(mine.blob().len()).into_exposed());
    refused("random bytes", &secret, CHANGED, ours.unwrap(&junk, b"foreign")).await;
    assert!(unwrap(ours, &mine, b"foreign").await.same_as(&secret), "refusals spoiled the wrapper");
}

/// One bit in every byte of a small blob, another bit each.
pub(super) async fn flipped_bits(wrapper: &impl KeyWrapper) {
    let secret = Secret::random(16);
    let wrapped = wrap(wrapper, &secret, b"bits").await;
    for at in 0..wrapped.blob().len() {
        let mut blob = wrapped.blob().to_vec();
        if let Some(byte) = blob.get_mut(at) {
            *byte ^= 1 << (at % 8);
        }
        let what = format!("a flipped bit in byte {at} of {}", blob.len());
        let changed = made(wrapped.kind(), wrapped.key(), &blob);
        refused(&what, &secret, CHANGED, wrapper.unwrap(&changed, b"bits")).await;
    }
}

pub(super) async fn truncated_and_extended(wrapper: &impl KeyWrapper) {
    let secret = Secret::random(16);
    let wrapped = wrap(wrapper, &secret, b"cut").await;
    let blob = wrapped.blob();
    let short = (1..blob.len()).step_by(7).chain([blob.len() - 1]);
    for len in short {
        let cut = made(wrapped.kind(), wrapped.key(), blob.get(..len).unwrap_or_default());
        refused(&format!("the first {len} bytes"), &secret, CHANGED, wrapper.unwrap(&cut, b"cut")).await;
    }
    let extended = made(wrapped.kind(), wrapped.key(), &[blob, &[0]].concat());
    refused("one byte more", &secret, CHANGED, wrapper.unwrap(&extended, b"cut")).await;
    let doubled = made(wrapped.kind(), wrapped.key(), &[blob, blob].concat());
    refused("the blob twice", &secret, CHANGED, wrapper.unwrap(&doubled, b"cut")).await;
}

fn made(kind: &str, key: &str, blob: &[u8]) -> Wrapped {
    match Wrapped::new(kind, key, blob.to_vec()) {
        Ok(wrapped) => wrapped,
        Err(error) => panic!("a test blob: {error}"),
    }
}
