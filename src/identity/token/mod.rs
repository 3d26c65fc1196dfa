//! Tokens: what a caller gets at login and shows with each request.
//!
//! ```text
//! kw1. base64url( format u8 = 1 | tenant 16 | envelope )
//! ```
//! The envelope names the version of the tenant's key in clear and holds the sealed state: who, in which role, with which
//! claims and scope, until when, and the key that the holder must prove to have. So any replica can check a token without
//! asking the store, nobody can read or change one, and no token of one tenant opens in another.

mod attenuate;
mod mint;
mod open;
mod state;
#[cfg(test)]
mod tests;
mod text;

use keyward_sdk::time::Span;

pub use self::{
    attenuate::{Narrowing, attenuate},
    mint::{Grant, Minted, mint},
    open::open,
    text::{PREFIX, Sealed},
};
use crate::identity::ScopeError;

/// The longest text of a token. A request's headers have room for 16 KiB.
pub const MAX_TEXT_BYTES: usize = 12 << 10;
/// How long a token lives when nobody says.
pub const DEFAULT_LIFE: Span = Span::from_minutes(15);
/// How long a token lives at most.
pub const MAX_LIFE: Span = Span::from_hours(24);
/// How often a token can be narrowed.
pub const MAX_ANCESTORS: usize = 8;

/// Why a token was not made.
#[derive(Debug, thiserror::Error)]
pub enum MintError {
    /// Narrowed too often.
    #[error("token was narrowed {MAX_ANCESTORS} times already; log in again")]
    Depth,
    /// The tenant has no key to seal with, or it does not work.
    #[error("token cannot be sealed: {0}")]
    Key(String),
    /// No life, or more than there is.
    #[error("a token lives between one second and 24 hours")]
    Life,
    /// Only a caller with a token has something to narrow.
    #[error("only a token can be narrowed; log in first")]
    NoToken,
    /// The scope is wider than what it narrows.
    #[error(transparent)]
    Scope(#[from] ScopeError),
    /// Too much in it.
    #[error("token would be larger than 12 KiB; let the issuer declare fewer claims, or ask for fewer paths")]
    TooLarge,
}
