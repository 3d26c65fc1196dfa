//! The one list of the kinds of seal members, and how one is connected.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use keyward_kit::settings::SecretRef;
use keyward_sdk::wrapper::{BuiltIn, Fault, KeyWrapper, SettingKey, Settings, WrapError};
use serde::{Deserialize, de::IntoDeserializer};

use super::Name;

/// Every kind that is built in, a row a crate.
pub const KEY_WRAPPERS: &[&[BuiltIn]] = &[keyward_kms_soft::BUILT_INS];

/// No kind has that name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown kind of seal member `{kind}`; known are {known}")]
pub struct UnknownKind {
    /// What was asked for.
    pub kind: String,
    /// The kinds that there are.
    pub known: String,
}

/// All kinds.
pub fn all() -> impl Iterator<Item = &'static BuiltIn> {
    KEY_WRAPPERS.iter().copied().flatten()
}

/// The kind of that name.
///
/// # Errors
/// [`UnknownKind`], which lists the known ones.
pub fn find(kind: &str) -> Result<&'static BuiltIn, UnknownKind> {
    all().find(|built_in| built_in.kind == kind).ok_or_else(|| UnknownKind {
        kind: kind.chars().filter(|c| !c.is_control()).take(64).collect(),
        known: listed(all().map(|built_in| built_in.kind)),
    })
}

/// Makes a member's wrapper from what the seal record says of it.
///
/// The record is not verified yet when this is asked, so whoever can write the store chooses kind and settings, references to
/// secrets included. Kinds that send anything over a network should be held to what the settings file says of the member.
#[async_trait]
pub trait Connect: Send + Sync {
    /// Connects `member`. Need not reach the backend yet.
    async fn connect(
        &self,
        member: &Name,
        kind: &str,
        settings: &BTreeMap<String, String>,
    ) -> Result<Arc<dyn KeyWrapper>, WrapError>;
}

/// Connects what [`KEY_WRAPPERS`] lists.
#[derive(Clone, Copy, Debug, Default)]
pub struct BuiltIns;

#[async_trait]
impl Connect for BuiltIns {
    async fn connect(
        &self,
        member: &Name,
        kind: &str,
        settings: &BTreeMap<String, String>,
    ) -> Result<Arc<dyn KeyWrapper>, WrapError> {
        let built_in =
            find(kind).map_err(|error| WrapError::new(Fault::Settings, "seal", member.as_str(), error.to_string()))?;
        let settings = checked(built_in, member, settings)?;
        (built_in.open)(&settings).await
    }
}

/// Checks settings against the kind's list and fetches the secrets that they refer to.
fn checked(built_in: &BuiltIn, member: &Name, given: &BTreeMap<String, String>) -> Result<Settings, WrapError> {
    let refuse = |why: String| WrapError::new(Fault::Settings, built_in.kind, member.as_str(), why);
    let mut settings = Settings::of(member.as_str());
    for (name, value) in given {
        let Some(SettingKey { secret, .. }) = built_in.keys.iter().find(|key| key.name == name) else {
            let known = listed(built_in.keys.iter().map(|key| key.name));
            return Err(refuse(format!("unknown setting `{name}`; known are {known}")));
        };
        settings = if *secret {
            let fetched = reference(value).map_err(|why| refuse(format!("setting `{name}` {why}")))?.resolve();
            settings.with_secret(name, fetched.map_err(|error| refuse(format!("setting `{name}`: {error}")))?)
        } else {
            settings.with(name, value)
        };
    }
    if let Some(key) = built_in.keys.iter().find(|key| key.required && !given.contains_key(key.name)) {
        return Err(refuse(format!("setting `{}` is missing: {}", key.name, key.help)));
    }
    Ok(settings)
}

/// Reads a reference to a secret; its error never shows the text, which may be the secret itself.
fn reference(text: &str) -> Result<SecretRef, serde::de::value::Error> {
    SecretRef::deserialize(text.into_deserializer())
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
