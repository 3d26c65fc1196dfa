//! What must hold in every record, read or made.

use super::{Body, Holder, PathRecord, RecordError, labels::split_tag, root::WRAPPED_ROOT};

/// The most paths.
pub(in crate::seal) const MAX_PATHS: usize = 8;
/// The most members of one path.
pub(in crate::seal) const MAX_MEMBERS: usize = 32;
/// The longest label of a person, in bytes.
pub(in crate::seal) const MAX_LABEL: usize = 200;
/// The most settings of a member.
pub(in crate::seal) const MAX_SETTINGS: usize = 32;
const MAX_KIND: usize = 32;
const MAX_SETTING: usize = 2048;

impl Body {
    pub(super) fn check(&self) -> Result<(), RecordError> {
        if self.paths.is_empty() || self.paths.len() > MAX_PATHS {
            return refuse(format!("it has {} paths instead of 1 to {MAX_PATHS}", self.paths.len()));
        }
        for (at, path) in self.paths.iter().enumerate() {
            path.check()?;
            if path.epoch == 0 || path.epoch > self.epoch {
                return refuse(format!("path `{}` is of an epoch that the record has not reached", path.name));
            }
            let tag = |of: &PathRecord| split_tag(self.installation, &of.name, of.epoch);
            if self.paths.iter().skip(at + 1).any(|other| other.name == path.name || tag(other) == tag(path)) {
                return refuse(format!("path `{}` is there twice", path.name));
            }
        }
        Ok(())
    }
}

impl PathRecord {
    fn check(&self) -> Result<(), RecordError> {
        let n = self.members.len();
        if n == 0 || n > MAX_MEMBERS || self.k == 0 || usize::from(self.k) > n {
            return refuse(format!("path `{}` asks for {} of {n} members, which cannot be", self.name, self.k));
        }
        if self.root.len() != WRAPPED_ROOT {
            return refuse(format!("path `{}` wraps no root key", self.name));
        }
        for (at, member) in self.members.iter().enumerate() {
            if usize::from(member.index) != at + 1 {
                return refuse(format!("members of path `{}` are not in order", self.name));
            }
            if self.members.iter().skip(at + 1).any(|other| other.name == member.name) {
                return refuse(format!("path `{}` has the member `{}` twice", self.name, member.name));
            }
            if !member.holder.fits() {
                return refuse(format!("member `{}` of path `{}` has texts that are too long", member.name, self.name));
            }
        }
        Ok(())
    }
}

impl Holder {
    fn fits(&self) -> bool {
        match self {
            Self::Person { label } => label.len() <= MAX_LABEL && !label.chars().any(char::is_control),
            Self::Wrapper { kind, settings, .. } => {
                kind.len() <= MAX_KIND
                    && settings.len() <= MAX_SETTINGS
                    && settings.iter().all(|(name, value)| name.len() <= MAX_KIND && value.len() <= MAX_SETTING)
            }
        }
    }
}

fn refuse(why: String) -> Result<(), RecordError> {
    Err(RecordError::Content(why))
}
