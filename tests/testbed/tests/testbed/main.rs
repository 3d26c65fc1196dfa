//! The testbed itself: what the other tests stand on.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests say what they expect by failing"
)]
#![allow(clippy::disallowed_methods, reason = "the environment is what a test of processes is about")]

mod bao;
mod ci;
mod kms_client;
mod kubernetes;
mod oidc;
mod process;
mod proxy;
mod tools;
