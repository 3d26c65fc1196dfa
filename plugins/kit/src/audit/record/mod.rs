//! One record of the log: who asked for what, what was decided and what came of it. Never the value of a secret.
//!
//! The binary form is version 1 and stays readable for ever (tests/vectors/audit.json): whole numbers big-endian, texts
//! with a length of two bytes before them, every field in the order of [`Record`]. A record has exactly one form, so
//! reading and writing it again gives the same bytes.

mod encode;
mod json;
mod parse;
#[cfg(test)]
mod tests;

use keyward_sdk::time::Timestamp;

pub use self::{encode::set_sequence, parse::sequence_of};

/// The most bytes of one record.
pub const MAX_RECORD_BYTES: usize = 16 * 1024;
/// The most policies, hashes or details in one record.
pub const MAX_ITEMS: usize = 64;
/// The version that is written.
pub(crate) const VERSION: u8 = 1;

/// What part of a request a record tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Phase {
    /// A request and its result in one: reads and refusals.
    #[default]
    Complete,
    /// What is about to be done.
    Intent,
    /// What came of an intent.
    Outcome,
    /// Something that the daemon did by itself.
    System,
}

/// What the policy said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Decision {
    /// It may.
    Allowed,
    /// It may not.
    Denied,
    /// Policy was not asked.
    #[default]
    None,
}

/// Who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Principal<'a> {
    /// The kind of issuer that vouches for it, e.g. `oidc`.
    pub issuer_kind: &'a str,
    /// The issuer's name, where that kind has names.
    pub issuer_name: &'a str,
    /// Its name at that issuer.
    pub subject: &'a str,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Outcome<'a> {
    /// The gRPC code; 0 is ok.
    pub code: u8,
    /// The fixed reason, e.g. `DENIED`; empty when ok.
    pub reason: &'a str,
}

/// A record. Texts are borrowed, from the request when it is written and from the file when it is read.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Record<'a> {
    /// Its place in the log, from 0. Given by the log.
    pub sequence: u64,
    /// When it was made.
    pub time: Timestamp,
    /// What part of the request it tells of.
    pub phase: Phase,
    /// What the policy said.
    pub decision: Decision,
    /// The id of the tenant; all zero is the installation.
    pub tenant: [u8; 16],
    /// The trace; all zero when there is none.
    pub trace_id: [u8; 16],
    /// The token that the caller came with; all zero when none.
    pub token: [u8; 16],
    /// For an outcome: the sequence of its intent, plus one; 0 when there is none.
    pub intent: u64,
    /// The id that the client gave the request, or the daemon where it gave none.
    pub request_id: &'a str,
    /// The RPC's full name, or what the daemon did.
    pub method: &'a str,
    /// Who asked.
    pub principal: Principal<'a>,
    /// The role it acted in.
    pub role: &'a str,
    /// Where it connected from.
    pub peer: &'a str,
    /// The kind of resource.
    pub resource_kind: &'a str,
    /// The name of the resource.
    pub resource: &'a str,
    /// What came of it; none in an intent.
    pub outcome: Option<Outcome<'a>>,
    /// The policies that decided.
    pub policies: Vec<&'a str>,
    /// Keyed hashes of secret values, by name.
    pub hashes: Vec<(&'a str, [u8; 32])>,
    /// A few more facts.
    pub details: Vec<(&'a str, &'a str)>,
}

/// Why bytes are not a record, or a record cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// A byte that stands for nothing.
    #[error("audit record has an unknown value in `{0}`")]
    Unknown(&'static str),
    /// Bytes after the end.
    #[error("audit record has bytes after its end")]
    Trailing,
    /// Ends too soon.
    #[error("audit record ends within `{0}`")]
    Short(&'static str),
    /// Past a limit.
    #[error("audit record is too large: `{0}` is past its limit")]
    TooLarge(&'static str),
    /// Not UTF-8.
    #[error("audit record has a text in `{0}` that is not utf-8")]
    Utf8(&'static str),
    /// Written by a newer Keyward.
    #[error("audit record has format version {0}, this program reads 1; use a newer one")]
    Version(u8),
}
