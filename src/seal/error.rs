//! What goes wrong at the seal.

use keyward_sdk::{
    crypto::CryptoError,
    envelope::EnvelopeError,
    shamir::{ShamirError, code::CodeError},
    wrapper::WrapError,
};

use super::{Name, PlanError, RecordError, RootFingerprint};

/// Why the root was not opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The record is not the one that the holder of the root wrote.
    #[error(
        "seal record was changed by someone who does not hold the root key{}; restore it from a backup",
        named(odd)
    )]
    Changed {
        /// Members whose share or check does not fit, as `path/member`.
        odd: Vec<String>,
    },
    /// Shares were there, and no choice of them opens the root.
    #[error(
        "shares of path `{0}` have the right hashes or are enough in number, and none of the choices tried opens the root: \
         the seal record was changed; restore it from a backup"
    )]
    NoChoice(Name),
    /// Too few members of every path answered.
    #[error(
        "no seal path has enough shares yet: {0}; bring a member back, or give shares with `keyward operator unseal`"
    )]
    NotEnough(String),
    /// The settings pin another root.
    #[error(
        "seal record is of the root {found}, the settings pin {pinned}: the store was replaced; restore the right one, or \
         change the pin if that was meant"
    )]
    Replaced {
        /// What the settings say.
        pinned: RootFingerprint,
        /// What the record says.
        found: RootFingerprint,
    },
}

fn named(members: &[String]) -> String {
    if members.is_empty() { String::new() } else { format!(" (odd: {})", members.join(", ")) }
}

/// Why a share was not taken. Never shows it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShareError {
    /// A typo, or no share at all.
    #[error(transparent)]
    Code(#[from] CodeError),
    /// Of this path, before it was last changed.
    #[error(
        "share is of an earlier epoch of path `{path}` (epoch {found}, the path is at {current}): use the newer one"
    )]
    OldEpoch {
        /// The path.
        path: Name,
        /// The share's epoch.
        found: u32,
        /// The path's epoch.
        current: u32,
    },
    /// Of this path, after a change that this store does not know.
    #[error(
        "share is of a later epoch of path `{path}` than this store (epoch {found}, the store is at {current}): an older \
         backup needs the shares of its time"
    )]
    LaterEpoch {
        /// The path.
        path: Name,
        /// The share's epoch.
        found: u32,
        /// The store's epoch.
        current: u32,
    },
    /// Of another installation.
    #[error("share is of another installation")]
    OtherInstallation,
    /// Of a path that this record does not have.
    #[error("share is of this installation, but of none of its seal paths; the path was removed or renamed")]
    OtherPath,
    /// Of a person's place that a machine holds.
    #[error("share of path `{path}` belongs to member `{member}`, which is no person")]
    NotAPerson {
        /// The path.
        path: Name,
        /// The member.
        member: Name,
    },
    /// Right labels and wrong bytes.
    #[error("share of member `{member}` of path `{path}` is wrong: its hash is not the one in the seal record")]
    Wrong {
        /// The path.
        path: Name,
        /// The member.
        member: Name,
    },
    /// Enough shares, and they do not open.
    #[error(transparent)]
    Open(#[from] OpenError),
}

/// Why the seal was not made or changed. Nothing was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The cryptographic library refused.
    #[error("seal: {0}")]
    Crypto(#[from] CryptoError),
    /// The epoch cannot grow any further.
    #[error("seal record was changed more often than it can count")]
    Epochs,
    /// Wrapping failed.
    #[error("seal: {0}")]
    Envelope(#[from] EnvelopeError),
    /// The installation would be left without a seal.
    #[error("`{0}` is the only seal path: add another one before removing it")]
    LastPath(Name),
    /// A member cannot be used.
    #[error("member `{member}` of path `{path}`: {error}")]
    Member {
        /// The path.
        path: Name,
        /// The member.
        member: Name,
        /// What it said.
        error: WrapError,
    },
    /// No such member.
    #[error("path `{path}` has no member `{member}`")]
    NoMember {
        /// The path.
        path: Name,
        /// What was asked for.
        member: Name,
    },
    /// No such path.
    #[error("there is no seal path `{0}`")]
    NoPath(Name),
    /// The path's key is not among the copies.
    #[error("copy of the key of path `{0}` is missing under the system keyring: make the path anew")]
    NoPathKey(Name),
    /// A member took a share and does not give it back.
    #[error(
        "member `{member}` of path `{path}` took its share and did not give the same back: it cannot be trusted with one"
    )]
    NotGivenBack {
        /// The path.
        path: Name,
        /// The member.
        member: Name,
    },
    /// The current record is not the root's.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A path of that name is there.
    #[error("there is a seal path `{0}` already")]
    PathExists(Name),
    /// What was asked for cannot be.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The record cannot be written.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// Splitting failed.
    #[error("seal: {0}")]
    Split(#[from] ShamirError),
}
