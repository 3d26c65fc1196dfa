//! What a caller asked to be narrowed to, below what its role may.

use serde::{Deserialize, Serialize};

use crate::method::{Method, NamePath};

/// The most paths in a scope.
const MAX_SCOPE_PATHS: usize = 64;

/// A narrowing of what a token may be used for: only paths at or below `paths`, and only the named actions. Empty lists
/// do not narrow. Requests that name no path (a list from the top, a change of policy) are outside of any scope with
/// paths.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Scope {
    paths: Vec<NamePath>,
    actions: Vec<String>,
}

/// Why a scope is refused.
#[derive(Debug, thiserror::Error)]
pub enum ScopeError {
    /// More entries than allowed.
    #[error("a scope has at most {MAX_SCOPE_PATHS} paths and as many actions")]
    TooMany,
    /// Asks for something that the scope above does not have.
    #[error("scope `{0}` is not within the scope of the token that it narrows")]
    Wider(String),
    /// An action that does not exist.
    #[error("unknown action `{0}` in a scope")]
    UnknownAction(String),
}

impl Scope {
    /// Narrows nothing.
    #[must_use]
    pub fn unlimited() -> Self {
        Self::default()
    }

    /// A scope of these paths and actions.
    ///
    /// # Errors
    /// [`ScopeError`] past a limit or for an unknown action.
    pub fn new(paths: Vec<NamePath>, actions: Vec<String>) -> Result<Self, ScopeError> {
        if paths.len() > MAX_SCOPE_PATHS || actions.len() > MAX_SCOPE_PATHS {
            return Err(ScopeError::TooMany);
        }
        if let Some(unknown) = actions.iter().find(|a| !crate::method::METHODS.iter().any(|m| m.action == a.as_str())) {
            return Err(ScopeError::UnknownAction(unknown.clone()));
        }
        Ok(Self { paths, actions })
    }

    /// This scope narrowed by another, which must lie within it.
    ///
    /// # Errors
    /// [`ScopeError::Wider`] when it does not.
    pub fn narrow(&self, inner: Self) -> Result<Self, ScopeError> {
        let paths = if inner.paths.is_empty() { self.paths.clone() } else { inner.paths };
        let actions = if inner.actions.is_empty() { self.actions.clone() } else { inner.actions };
        if let Some(wide) = paths.iter().find(|p| !self.paths.is_empty() && !self.paths.iter().any(|f| p.is_within(f)))
        {
            return Err(ScopeError::Wider(wide.to_string()));
        }
        if let Some(wide) = actions.iter().find(|a| !self.actions.is_empty() && !self.actions.contains(a)) {
            return Err(ScopeError::Wider(wide.clone()));
        }
        Ok(Self { paths, actions })
    }

    /// Whether a request for `action` on the resource called `name` lies within the scope.
    #[must_use]
    pub fn covers(&self, method: &Method, name: &str) -> bool {
        let action = self.actions.is_empty() || self.actions.iter().any(|a| a == method.action);
        let path = self.paths.is_empty()
            || name.parse::<NamePath>().is_ok_and(|name| self.paths.iter().any(|folder| name.is_within(folder)));
        action && path
    }

    /// The paths it is narrowed to; empty when to none.
    #[must_use]
    pub fn paths(&self) -> &[NamePath] {
        &self.paths
    }

    /// The actions it is narrowed to; empty when to none.
    #[must_use]
    pub fn actions(&self) -> &[String] {
        &self.actions
    }
}
