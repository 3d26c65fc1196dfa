//! What an identified caller may do: Cedar policies of each tenant, answered exactly and fast.
//!
//! [`Policy`] is the station. It makes [`Permit`]s and nothing else does. [`Policies`] is one tenant's compiled set at one
//! revision and never changes; a change makes a new one. Default deny; an evaluation error is a denial; no clock is ever
//! read here, since time limits live in tokens and roles.

pub mod check;
mod decisions;
mod denied;
mod index;
mod lockout;
mod parse;
mod permit;
mod policies;
mod problem;
mod schema;
mod station;
mod stored;
mod subject;
mod validate;

#[cfg(test)]
mod tests;

pub use self::{
    denied::{Denial, Denied, PolicyId, PolicyIds, Verdict},
    lockout::{OPERATOR_ROLE, WRITE_POLICY, someone_can_write_policies},
    parse::{MAX_POLICIES, MAX_STATEMENTS, MAX_TEXT_BYTES},
    permit::Permit,
    policies::{Policies, PolicyText, Question},
    problem::{Problem, Problems},
    schema::{ASSUME, Declarations, PolicySchema, SchemaError},
    station::Policy,
    stored::{PolicyRecord, first_policies},
    subject::{Subject, SubjectError},
};

/// The policy that lets the role `operator` do everything: stored at `init`, and a policy like any other from then on.
pub const OPERATOR_POLICY: &str = include_str!("operator.cedar");
