//! What comes of a decision.

use std::{fmt, sync::Arc};

/// The id of one statement: the name of its policy, `#`, and its `@id` or its place in the text, e.g. `deploy#0`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyId(Arc<str>);

impl PolicyId {
    pub(super) fn new(id: &str) -> Self {
        Self(id.into())
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PolicyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The statements that decided, in order of their ids. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PolicyIds(Arc<[PolicyId]>);

impl PolicyIds {
    pub(super) fn of<'a>(ids: impl Iterator<Item = &'a str>) -> Self {
        let mut ids: Vec<_> = ids.map(PolicyId::new).collect();
        ids.sort_unstable();
        Self(ids.into())
    }

    /// The statements.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &PolicyId> {
        self.0.iter()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for PolicyIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, id) in self.0.iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            write!(f, "{comma}{id}")?;
        }
        Ok(())
    }
}

/// A decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Permitted, by these statements.
    Allow(PolicyIds),
    /// Refused.
    Deny(Denied),
}

impl Verdict {
    pub(super) fn deny(reason: Denial) -> Self {
        Self::Deny(Denied { reason, because: PolicyIds::default() })
    }

    /// Whether it is permitted.
    #[must_use]
    pub fn is_allow(&self) -> bool {
        matches!(self, Self::Allow(_))
    }
}

/// Why something is refused. For the audit log and `Explain`, never for the one who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// The caller has proven nothing.
    Anonymous,
    /// A policy that had to be looked at could not be evaluated.
    Error,
    /// A `forbid` says no.
    Forbid,
    /// No `permit` says yes.
    NoPermit,
    /// The token was narrowed to other paths or actions.
    OutsideScope,
    /// The action does not exist, or not for such a resource.
    UnknownAction,
    /// There are no policies for the tenant: it does not exist, is suspended, or is not loaded yet.
    UnknownTenant,
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Anonymous => "the caller has proven nothing",
            Self::Error => "a policy could not be evaluated",
            Self::Forbid => "a policy forbids it",
            Self::NoPermit => "no policy permits it",
            Self::OutsideScope => "it is outside of the token's scope",
            Self::UnknownAction => "there is no such action on such a resource",
            Self::UnknownTenant => "the tenant has no policies",
        })
    }
}

/// A refusal. Its message is always the same: why is in [`Self::reason()`], for the audit log and not for the caller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("permission denied")]
pub struct Denied {
    pub(super) reason: Denial,
    pub(super) because: PolicyIds,
}

impl Denied {
    /// Why.
    #[must_use]
    pub fn reason(&self) -> Denial {
        self.reason
    }

    /// The statements that forbid it or could not be evaluated; empty for the other reasons.
    #[must_use]
    pub fn because(&self) -> &PolicyIds {
        &self.because
    }
}
