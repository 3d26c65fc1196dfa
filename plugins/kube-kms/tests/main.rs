//! The provider against a broker in the same process that speaks the real API over real TLS, and a client on a real socket.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests say what they expect by failing"
)]

mod bad_input;
mod joining;
mod outage;
mod serving;
mod support;
