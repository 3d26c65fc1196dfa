//! Starts the foreign servers that Keyward is tested against.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test support says what it expects by failing"
)]
