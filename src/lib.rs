//! Keyward.
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

pub mod audit;
#[cfg(feature = "server")]
pub mod identity;
#[cfg(feature = "server")]
pub mod keyring;
#[cfg(feature = "server")]
pub mod method;
#[cfg(feature = "server")]
pub mod policy;
#[cfg(feature = "server")]
pub mod seal;
#[cfg(feature = "server")]
pub mod storage;
