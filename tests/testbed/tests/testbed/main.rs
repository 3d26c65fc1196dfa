//! The testbed itself: what the other tests stand on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests say what they expect by failing")]

mod kubernetes;
