//! Seal members made of software alone: a key file and a passphrase.
//!
//! They need no service and no hardware, and they protect no better than what guards the file or knows the words. What they
//! are good for and what not is on docs/backends/soft.md.
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

mod key_file;
mod passphrase;

pub use key_file::{KeyFile, KeyFileError};
pub use passphrase::{Cost, Passphrase};

use keyward_sdk::wrapper::BuiltIn;

/// The kinds in this crate, for the catalog.
pub const BUILT_INS: &[BuiltIn] = &[key_file::BUILT_IN, passphrase::BUILT_IN];

/// The longest plaintext that either kind wraps.
const MAX_PLAINTEXT: usize = 64 << 10;
