//! Root tests: one binary.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    unreachable_pub,
    reason = "tests say what they expect by failing"
)]

#[macro_use]
mod support;

mod cli;
mod clusters;
mod contract;
mod e2e;
mod interop;
mod readme;
mod repo;
