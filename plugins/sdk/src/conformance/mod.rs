//! The suite that every [`KeyWrapper`] must pass, called by each backend's test with a constructor and with what it expects.
//!
//! ```text
//! conformance::run(|| async { ours().await }, || async { other_key().await }, Expect { kind: "aws", max_plaintext: 4096, ..Expect::ALL }).await;
//! conformance::stalled(wrapper_of_a_backend_that_never_answers, Duration::from_secs(10)).await;
//! ```
//! [`Expect`] is pinned in the test: a capability that vanishes fails it. The suite fails by panicking, and says at what.
#![expect(clippy::panic, reason = "a test suite says what it found by failing")]

mod cases;
mod changed;
#[cfg(test)]
mod tests;

use std::{future::Future, time::Duration};

use crate::{
    secret::Secret,
    wrapper::{Capabilities, Fault, KeyWrapper, WrapError, Wrapped},
};

/// No single call of a healthy backend takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a wrapper is expected to say of itself and to hold to.
#[derive(Debug, Clone, Copy)]
pub struct Expect {
    /// The kind, as settings name it.
    pub kind: &'static str,
    /// The longest plaintext; the suite wraps as much, and one byte more is refused.
    pub max_plaintext: usize,
    /// Whether an empty plaintext can be wrapped.
    pub empty_plaintext: bool,
    /// Whether the key never leaves a device or service.
    pub hardware_bound: bool,
    /// Whether unwrapping needs a person.
    pub interactive: bool,
}

impl Expect {
    /// Everything that software can do; say what differs.
    pub const ALL: Self =
        Self { kind: "", max_plaintext: 64 << 10, empty_plaintext: true, hardware_bound: false, interactive: false };

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            max_plaintext: self.max_plaintext,
            empty_plaintext: self.empty_plaintext,
            hardware_bound: self.hardware_bound,
            interactive: self.interactive,
        }
    }
}

/// Runs every case. `open` makes a wrapper of one and the same key each time, `foreign` one of the same kind under another.
///
/// # Panics
/// At the first promise that the wrapper does not keep.
pub async fn run<W, A, B>(open: impl Fn() -> A, foreign: impl Fn() -> B, expect: Expect)
where
    W: KeyWrapper,
    A: Future<Output = W>,
    B: Future<Output = W>,
{
    let ours: &'static W = Box::leak(Box::new(open().await)); // shared with tasks; a test ends soon
    let reopened = open().await;
    let foreign = foreign().await;
    cases::description(ours, &expect);
    cases::health(ours).await;
    cases::round_trip(ours, &reopened, &expect).await;
    cases::sizes(ours, &expect).await;
    cases::associated_data(ours).await;
    cases::repeated_wraps_differ(ours).await;
    cases::concurrent_use(ours).await;
    changed::foreign(ours, &foreign, &expect).await;
    changed::flipped_bits(ours).await;
    changed::truncated_and_extended(ours).await;
}

/// Checks that a wrapper whose backend takes calls and never answers gives up by itself, within `limit`.
///
/// # Panics
/// If a call outlasts `limit`, succeeds, or fails with a fault that someone would wrongly act on.
pub async fn stalled(wrapper: impl KeyWrapper, wrapped: &Wrapped, limit: Duration) {
    let secret = Secret::random(32);
    gives_up("wrap", limit, wrapper.wrap(&secret, b"stalled")).await;
    gives_up("unwrap", limit, wrapper.unwrap(wrapped, b"stalled")).await;
    gives_up("health", limit, wrapper.health()).await;
}

async fn gives_up<T>(what: &str, limit: Duration, call: impl Future<Output = Result<T, WrapError>>) {
    match tokio::time::timeout(limit, call).await {
        Ok(Err(error)) if matches!(error.fault, Fault::Timeout | Fault::Network) => {}
        Ok(Err(error)) => panic!("{what} of a backend that does not answer is not called a timeout: {error}"),
        Ok(Ok(_)) => panic!("{what} of a backend that does not answer succeeded"),
        Err(_) => panic!("{what} did not give up within {limit:?}"),
    }
}

async fn wrap(wrapper: &impl KeyWrapper, plaintext: &Secret, aad: &[u8]) -> Wrapped {
    match timely("wrap", wrapper.wrap(plaintext, aad)).await {
        Ok(wrapped) => wrapped,
        Err(error) => panic!("wrapping {} bytes failed: {error}", plaintext.len()),
    }
}

async fn unwrap(wrapper: &impl KeyWrapper, wrapped: &Wrapped, aad: &[u8]) -> Secret {
    match timely("unwrap", wrapper.unwrap(wrapped, aad)).await {
        Ok(secret) => secret,
        Err(error) => panic!("unwrapping failed: {error}"),
    }
}

/// A refusal, checked: one of `faults`, naming the backend and a key, and not a word of the secret.
async fn refused(
    what: &str,
    secret: &Secret,
    faults: &[Fault],
    call: impl Future<Output = Result<Secret, WrapError>>,
) -> WrapError {
    let error = match timely(what, call).await {
        Ok(_) => panic!("{what}: was unwrapped"),
        Err(error) => error,
    };
    assert!(faults.contains(&error.fault), "{what}: {:?} is not one of {faults:?} ({error})", error.fault);
    assert!(!error.backend.is_empty() && !error.key.is_empty(), "{what}: names no backend or key ({error})");
    let shown = format!("{error} {error:?}");
    let text = String::from_utf8_lossy(secret.expose());
    assert!(secret.len() < 4 || !shown.contains(text.as_ref()), "{what}: the error shows the secret");
    error
}

async fn timely<T>(what: &str, call: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, call).await {
        Ok(done) => done,
        Err(_) => panic!("{what} took longer than {PATIENCE:?}"),
    }
}
