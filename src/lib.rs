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

#[cfg(feature = "server")]
pub mod app;
pub mod audit;
pub mod cli;
#[cfg(feature = "server")]
pub mod config;
#[cfg(feature = "server")]
pub mod engine;
#[cfg(feature = "server")]
pub mod grpc;
#[cfg(feature = "server")]
pub mod identity;
#[cfg(feature = "server")]
pub mod keyring;
#[cfg(feature = "server")]
pub mod method;
#[cfg(feature = "server")]
pub mod pipeline;
#[cfg(feature = "server")]
pub mod policy;
#[cfg(feature = "server")]
pub mod seal;
#[cfg(feature = "server")]
pub mod storage;
