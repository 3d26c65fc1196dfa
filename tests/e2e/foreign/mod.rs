//! What belongs to one tenant, tried in another: it is of no use there, and the answer says nothing of it.

mod material;
mod names;
mod nodes;
mod proofs;

use tonic::Status;

use crate::support::reason;

/// Two refusals that differ in nothing but the name that was asked for.
fn alike(one: &Status, of: &str, other: &Status, than: &str) {
    let other_text = other.message().replace(than, of);
    assert_eq!((one.code(), reason(one), one.message()), (other.code(), reason(other), other_text.as_str()));
}
