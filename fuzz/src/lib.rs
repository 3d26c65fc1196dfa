//! Fuzz targets for every parser of outside bytes. `fuzz/run` searches for inputs that break one; `tests/replay.rs` gives
//! each target its seeds, and what once broke it, in every run of the tests.
//!
//! A target panics when a promise is broken: that whatever was read is written again as the same bytes, say, or that an
//! altered token does not open.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a target says by a panic that it was broken"
)]

mod support;
mod targets;

pub use targets::TARGETS;

/// A parser, or several that take the same kind of thing, with what must hold of them.
pub struct Target {
    /// Names it, and the folder `fuzz/regressions/NAME` of inputs that once broke it.
    pub name: &'static str,
    /// Takes any bytes and panics only when something is wrong.
    pub run: fn(&[u8]),
    /// Where the search begins: good inputs, and the empty one.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// The target of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
