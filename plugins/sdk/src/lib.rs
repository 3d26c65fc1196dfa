//! What every part of Keyward shares and nothing else may do for itself: secret types, cryptography, randomness, time,
//! random ids, secret sharing, and the [`wrapper::KeyWrapper`] trait that seal members implement.
//!
//! ring is called only in [`crypto`], aws-lc-rs only in [`crypto::lc`]. Behind the feature `conformance` stands the suite
//! that every `KeyWrapper` has to pass.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "tests say what they expect by failing"
    )
)]

#[cfg(feature = "conformance")]
pub mod conformance;
pub mod crypto;
pub mod envelope;
pub mod harden;
pub mod id;
pub mod secret;
pub mod shamir;
pub mod time;
pub mod wrapper;
