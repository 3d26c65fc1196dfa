//! The keys that everything stored is sealed with, and the sealed control state.
//!
//! `root key -> system keyring -> a keyring per tenant`. A [`Vault`] is the open whole: it exists only while unsealed.
//! Values are sealed with their place as associated data, so a value moved, cut or changed is an error, never data.
//! The control state (see [`control`]) is also held against an older copy put back.

mod changes;
mod codec;
pub mod control;
mod data;
mod error;
mod place;
mod reseal;
mod ring;
mod rings;
mod root;
mod vault;

#[cfg(test)]
mod tests;

pub use self::{
    changes::{Changes, ControlType},
    codec::{decode, encode},
    control::{Table, View},
    error::VaultError,
    place::{DataPath, PENDING_PREFIX, REPLY_PREFIX},
    reseal::Resealed,
    ring::{KeyVersionId, KeyVersionState, Keyring, KeyringRecord, VersionRecord},
    rings::Rings,
    root::RootKey,
    vault::{Installation, Opened, Vault},
};
