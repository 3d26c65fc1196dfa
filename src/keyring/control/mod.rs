//! The control state: keyrings, tenants, policies, roles, issuers, clusters, keys, used one-time tokens.
//!
//! Small, kept hot in memory by typed [`View`]s, and protected against an older copy put back. Each tenant has a head
//! `{counter, digest}`; each write raises the counter by one. An entry is sealed together with the counter of its
//! write, 16 index buckets say which counter each entry must have, and the head's digest covers the buckets. So an
//! older entry contradicts its bucket, an older bucket contradicts the head, and an older head is below what this
//! process, its audit checkpoints or another replica has seen.

mod commit;
mod follow;
mod hot;
mod index;
mod load;
mod table;

pub use self::table::{Table, View, ViewError};
pub(super) use self::{
    commit::{seal_control, unstamp},
    follow::apply_commit,
    hot::{Hot, TenantHot},
    load::load,
};

/// The head of a tenant's control state, as audit checkpoints carry it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Whose.
    pub tenant: crate::method::TenantId,
    /// Raised by one with each write.
    pub counter: u64,
    /// Over the path and counter of every entry.
    pub digest: [u8; 32],
}

/// The kind of the keyring entries, which the vault itself reads.
pub(super) const KEYRING: &str = "keyring";
/// The entry that binds the seal record to the control state.
pub(super) const SEAL_DIGEST: &str = "seal/digest";
