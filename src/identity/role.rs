//! Roles: what callers act in. Who may assume one, and what it may do, is policy's word.

use keyward_sdk::time::Span;
use serde::{Deserialize, Serialize};

use super::{
    Scope,
    token::{DEFAULT_LIFE, MAX_LIFE},
};
use crate::{
    keyring::{ControlType, Table},
    method::{Name, TenantId},
};

/// The most bytes of a description.
const MAX_DESCRIPTION_BYTES: usize = 1_024;

/// A role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleConfig {
    /// Its name.
    pub name: Name,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// How long its tokens live at most.
    #[serde(default = "default_life")]
    pub max_life: Span,
    /// Whether its tokens may be used without proof of a key.
    #[serde(default)]
    pub bearer: bool,
    /// What its tokens are narrowed to, whatever else policies allow.
    #[serde(default)]
    pub scope: Scope,
}

const fn default_life() -> Span {
    DEFAULT_LIFE
}

/// What is wrong with a role.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoleProblem {
    /// The description is too long.
    #[error("description of a role has at most {MAX_DESCRIPTION_BYTES} bytes")]
    Description,
    /// No life, or too long a life.
    #[error("tokens of a role live between one second and 24 hours")]
    Life,
}

impl RoleConfig {
    /// Checks what serde cannot.
    ///
    /// # Errors
    /// The first problem found.
    pub fn check(&self) -> Result<(), RoleProblem> {
        if self.description.len() > MAX_DESCRIPTION_BYTES {
            return Err(RoleProblem::Description);
        }
        if self.max_life < Span::from_secs(1) || self.max_life > MAX_LIFE {
            return Err(RoleProblem::Life);
        }
        Ok(())
    }

    /// How long a token lives whose caller asked for `asked`: at most what the role allows, 15 minutes when nobody says.
    #[must_use]
    pub fn life(&self, asked: Option<Span>) -> Span {
        asked.unwrap_or(DEFAULT_LIFE).min(self.max_life)
    }
}

impl ControlType for RoleConfig {
    const KIND: &'static str = "role";
}

/// Where identity looks roles up.
pub trait Roles: Send + Sync {
    /// A role of a tenant.
    fn role(&self, tenant: TenantId, name: &Name) -> Option<std::sync::Arc<RoleConfig>>;
    /// Another number after every change of any role.
    fn generation(&self) -> u64;
}

impl Roles for Table<RoleConfig> {
    fn role(&self, tenant: TenantId, name: &Name) -> Option<std::sync::Arc<RoleConfig>> {
        self.get(tenant, name.as_str())
    }
    fn generation(&self) -> u64 {
        Self::generation(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_lives_15_minutes_unless_it_says_and_24_hours_at_most() {
        let mut role: RoleConfig = serde_json::from_str(r#"{"name":"deploy"}"#).unwrap();
        assert_eq!((role.life(None), role.bearer), (Span::from_minutes(15), false));
        assert_eq!(role.life(Some(Span::from_hours(1))), Span::from_minutes(15));
        role.max_life = Span::from_hours(2);
        assert_eq!(role.life(Some(Span::from_hours(1))), Span::from_hours(1));
        assert_eq!(role.life(None), Span::from_minutes(15));
        role.max_life = Span::from_hours(25);
        assert_eq!(role.check(), Err(RoleProblem::Life));
        role.max_life = Span::ZERO;
        assert_eq!(role.check(), Err(RoleProblem::Life));
    }
}
