//! Claims of declared types: what an issuer says of a principal, as far as its configuration names it.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

/// The type that a claim must have. A claim of another type is refused, not converted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaimType {
    /// `true` or `false`.
    Bool,
    /// A whole number that fits 64 bits with sign.
    Long,
    /// A text.
    Text,
    /// A list of texts, e.g. groups.
    Texts,
}

/// A claim's value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ClaimValue {
    /// See [`ClaimType::Bool`].
    Bool(bool),
    /// See [`ClaimType::Long`].
    Long(i64),
    /// See [`ClaimType::Text`].
    Text(String),
    /// See [`ClaimType::Texts`].
    Texts(Vec<String>),
}

/// The declared claims that a principal came with, by name.
pub type Claims = Arc<BTreeMap<String, ClaimValue>>;
