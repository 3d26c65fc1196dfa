//! What an operator asks a seal path to be.

use std::collections::BTreeMap;

use super::{
    Holder, Name, PathRecord,
    record::{MAX_LABEL, MAX_MEMBERS, MAX_SETTINGS},
};

/// A path to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPath {
    /// Its name.
    pub name: Name,
    /// How many members it takes.
    pub k: u8,
    /// The members, in the order of their shares.
    pub members: Vec<NewMember>,
}

/// A member to be given a share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMember {
    /// Its name, unique in the path.
    pub name: Name,
    /// Who it is.
    pub who: Who,
}

/// Who is to hold a share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// A person, who is shown the share once.
    Person {
        /// Whom to ask for it one day.
        label: String,
    },
    /// A key outside the store.
    Wrapper {
        /// The kind of backend.
        kind: String,
        /// Its settings; secrets by reference.
        settings: BTreeMap<String, String>,
    },
}

/// Why a path cannot be as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A label that cannot be shown.
    #[error("member `{0}`: a label has 1 to {MAX_LABEL} bytes and no control characters")]
    Label(Name),
    /// Two members of one name.
    #[error("member `{0}` is named twice in one path")]
    MemberTwice(Name),
    /// No member, or too many.
    #[error("path `{path}`: {n} members; a path has 1 to {MAX_MEMBERS}")]
    Members {
        /// The path.
        path: Name,
        /// How many were asked for.
        n: usize,
    },
    /// Two members that are one key.
    #[error("members `{0}` and `{1}` are the same key: losing it would lose both, and whoever holds it counts twice")]
    SameKey(Name, Name),
    /// Too many settings.
    #[error("member `{0}` has more than {MAX_SETTINGS} settings")]
    Settings(Name),
    /// A threshold that cannot be.
    #[error("path `{path}`: any {k} of {n} members is no threshold: at least 1, and at most as many as there are")]
    Threshold {
        /// The path.
        path: Name,
        /// Members needed.
        k: u8,
        /// Members there.
        n: usize,
    },
}

impl NewPath {
    pub(super) fn check(&self) -> Result<(), PlanError> {
        let n = self.members.len();
        if n == 0 || n > MAX_MEMBERS {
            return Err(PlanError::Members { path: self.name.clone(), n });
        }
        if self.k == 0 || usize::from(self.k) > n {
            return Err(PlanError::Threshold { path: self.name.clone(), k: self.k, n });
        }
        for (at, member) in self.members.iter().enumerate() {
            match &member.who {
                Who::Person { label }
                    if label.is_empty() || label.len() > MAX_LABEL || label.contains(char::is_control) =>
                {
                    return Err(PlanError::Label(member.name.clone()));
                }
                Who::Wrapper { settings, .. } if settings.len() > MAX_SETTINGS => {
                    return Err(PlanError::Settings(member.name.clone()));
                }
                Who::Person { .. } | Who::Wrapper { .. } => {}
            }
            for other in self.members.iter().skip(at + 1) {
                if other.name == member.name {
                    return Err(PlanError::MemberTwice(member.name.clone()));
                }
                if matches!(member.who, Who::Wrapper { .. }) && other.who == member.who {
                    return Err(PlanError::SameKey(member.name.clone(), other.name.clone()));
                }
            }
        }
        Ok(())
    }

    /// The plan that a path of the record was made by.
    #[must_use]
    pub fn of(path: &PathRecord) -> Self {
        let members = path.members.iter().map(|member| NewMember {
            name: member.name.clone(),
            who: match &member.holder {
                Holder::Person { label } => Who::Person { label: label.clone() },
                Holder::Wrapper { kind, settings, .. } => {
                    Who::Wrapper { kind: kind.clone(), settings: settings.clone() }
                }
            },
        });
        Self { name: path.name.clone(), k: path.k, members: members.collect() }
    }
}
