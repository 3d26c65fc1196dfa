//! What is measured. A case is a file here and a line in [`ALL`].

mod audit;
mod calls;
mod decrypt;
mod encrypt;
mod kms;
mod login;
mod memory;
mod start;

use crate::{load::Result, run::Plan, servers::World};

/// One thing that is measured.
pub(crate) struct Case {
    /// What `--case` calls it.
    pub(crate) name: &'static str,
    /// What it is.
    pub(crate) title: &'static str,
    /// Measures and prints.
    pub(crate) run: fn(&Self, &World, &Plan) -> Result<()>,
}

/// All of them, in the order in which they are run: `memory` and `audit` look at what was done before them, and `start`
/// stops the servers.
pub(crate) const ALL: &[&Case] = &[
    &encrypt::WIDE,
    &encrypt::NARROW,
    &encrypt::ALONE,
    &decrypt::CASE,
    &login::CASE,
    &kms::ENCRYPT,
    &kms::DECRYPT,
    &memory::CASE,
    &audit::CASE,
    &start::CASE,
];
