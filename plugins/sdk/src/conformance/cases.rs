//! What a wrapper does with what is its own.

use std::collections::HashSet;

use tokio::task::JoinSet;

use super::{Expect, refused, timely, unwrap, wrap};
use crate::{
    secret::Secret,
    wrapper::{Fault, KeyWrapper},
};

pub(super) fn description(wrapper: &impl KeyWrapper, expect: &Expect) {
    let described = wrapper.describe();
    assert_eq!(described.kind, expect.kind, "the kind");
    assert_eq!(described.capabilities, expect.capabilities(), "the capabilities of {}", described.kind);
    assert!(!described.key.is_empty(), "the description names no key");
    assert_eq!(described, wrapper.describe(), "the description changes");
}

pub(super) async fn health(wrapper: &impl KeyWrapper) {
    if let Err(error) = timely("health", wrapper.health()).await {
        panic!("not healthy: {error}");
    }
}

/// Also through another instance, as after a restart, and through the stored form.
pub(super) async fn round_trip(ours: &impl KeyWrapper, reopened: &impl KeyWrapper, expect: &Expect) {
    let secret = Secret::random(32);
    let wrapped = wrap(ours, &secret, b"round trip").await;
    assert_eq!(wrapped.kind(), expect.kind, "the kind that stands on what was wrapped");
    let blob = wrapped.blob();
    assert!(!blob.windows(32).any(|window| window == secret.expose()), "the blob shows the plaintext");
    for wrapper_says in [unwrap(ours, &wrapped, b"round trip").await, unwrap(reopened, &wrapped, b"round trip").await] {
        assert!(wrapper_says.same_as(&secret), "another secret came back");
    }
}

pub(super) async fn sizes(wrapper: &impl KeyWrapper, expect: &Expect) {
    for len in [1, 2, 15, 16, 17, 33, 255, 4096, 65_536].into_iter().filter(|len| *len <= expect.max_plaintext) {
        let secret = Secret::random(len);
        let wrapped = wrap(wrapper, &secret, b"sizes").await;
        assert!(unwrap(wrapper, &wrapped, b"sizes").await.same_as(&secret), "{len} bytes did not come back");
    }
    let longest = Secret::random(expect.max_plaintext);
    let wrapped = wrap(wrapper, &longest, b"sizes").await;
    assert!(unwrap(wrapper, &wrapped, b"sizes").await.same_as(&longest), "the longest did not come back");

    let too_long = Secret::random(expect.max_plaintext + 1);
    too_long_or_empty(wrapper, &too_long, "one byte too many").await;
    let empty = Secret::random(0);
    if expect.empty_plaintext {
        let wrapped = wrap(wrapper, &empty, b"sizes").await;
        assert!(unwrap(wrapper, &wrapped, b"sizes").await.is_empty(), "empty did not come back empty");
    } else {
        too_long_or_empty(wrapper, &empty, "an empty plaintext").await;
    }
}

async fn too_long_or_empty(wrapper: &impl KeyWrapper, secret: &Secret, what: &str) {
    match timely(what, wrapper.wrap(secret, b"sizes")).await {
        Ok(_) => panic!("{what} was wrapped"),
        Err(error) => assert_eq!(error.fault, Fault::Input, "{what}: {error}"),
    }
}

pub(super) async fn associated_data(wrapper: &impl KeyWrapper) {
    let secret = Secret::random(32);
    let wrapped = wrap(wrapper, &secret, b"installation/path/1").await;
    let long = [b"installation/path/1".as_slice(), &[0]].concat();
    let wrong: [&[u8]; 5] = [b"", b"installation/path/2", b"installation/path/", &long, b"INSTALLATION/PATH/1"];
    for aad in wrong {
        let what = format!("associated data {:?}", String::from_utf8_lossy(aad));
        refused(&what, &secret, &[Fault::Integrity], wrapper.unwrap(&wrapped, aad)).await;
    }
    let none = wrap(wrapper, &secret, b"").await;
    assert!(unwrap(wrapper, &none, b"").await.same_as(&secret), "without associated data nothing came back");
    refused("added associated data", &secret, &[Fault::Integrity], wrapper.unwrap(&none, b"x")).await;
    let binary: Vec<u8> = (0..=255).collect();
    let bound = wrap(wrapper, &secret, &binary).await;
    assert!(unwrap(wrapper, &bound, &binary).await.same_as(&secret), "binary associated data is not taken as it is");
}

pub(super) async fn repeated_wraps_differ(wrapper: &impl KeyWrapper) {
    let secret = Secret::random(32);
    let mut seen = HashSet::new();
    for _ in 0..8 {
        let wrapped = wrap(wrapper, &secret, b"again").await;
        assert!(seen.insert(wrapped.blob().to_vec()), "wrapping twice gives one and the same blob");
    }
}

pub(super) async fn concurrent_use<W: KeyWrapper>(wrapper: &'static W) {
    let mut tasks = JoinSet::new();
    for number in 0..16u8 {
        tasks.spawn(async move {
            let secret = Secret::random(usize::from(number) + 16);
            let aad = [number; 9];
            let wrapped = wrap(wrapper, &secret, &aad).await;
            assert!(unwrap(wrapper, &wrapped, &aad).await.same_as(&secret), "calls at one time were mixed up");
        });
    }
    while let Some(ended) = tasks.join_next().await {
        if let Err(error) = ended {
            panic!("a call at the same time as others failed: {error}");
        }
    }
}
