//! Ends a key, or a version of it, after a waiting period in which it cannot be used and which can be called off.

use keyward_sdk::time::{Span, Timestamp};

use super::{KeyRecord, VersionState, change::ChangeKey, on_key};
use crate::{
    engine::EngineError,
    method::{NamePath, rows},
};

const SHORTEST: Span = Span::from_days(7);
const LONGEST: Span = Span::from_days(90);
const DEFAULT: Span = Span::from_days(30);

/// Schedules the end.
pub struct ScheduleKeyDestruction {
    /// Where.
    pub path: NamePath,
    /// Which version; none: the whole key.
    pub version: Option<u32>,
    /// How long it can be called off; none means 30 days.
    pub waiting_period: Option<Span>,
}

/// Calls it off. What was to be destroyed is disabled then.
pub struct CancelKeyDestruction {
    /// Where.
    pub path: NamePath,
    /// Which version; none: the whole key.
    pub version: Option<u32>,
}

on_key! {
    ScheduleKeyDestruction = rows::key::SCHEDULE_DESTRUCTION;
    CancelKeyDestruction = rows::key::CANCEL_DESTRUCTION;
}

impl ChangeKey for ScheduleKeyDestruction {
    fn apply(&self, record: &mut KeyRecord, now: Timestamp) -> Result<(), EngineError> {
        let period = self.waiting_period.unwrap_or(DEFAULT);
        if period < SHORTEST || period > LONGEST {
            return Err(EngineError::invalid("waiting_period", "7 to 90 days are allowed"));
        }
        if record.info.deletion_protection {
            let what = format!("key `{}` is protected from deletion; turn that off first", self.path);
            return Err(EngineError::state("DELETION_PROTECTED", what));
        }
        let at = now.saturating_add(period);
        match self.version {
            None => record.info.destroy_at = Some(record.info.destroy_at.unwrap_or(at)),
            Some(number) => {
                let version = record.version_mut(number)?;
                match version.state {
                    VersionState::Destroyed => {
                        let what = format!("version {number} of key `{}` was destroyed already", self.path);
                        return Err(EngineError::state("KEY_VERSION_DESTROYED", what));
                    }
                    VersionState::Scheduled(_) => {}
                    VersionState::Enabled | VersionState::DecryptOnly | VersionState::Disabled => {
                        version.state = VersionState::Scheduled(at);
                    }
                }
            }
        }
        Ok(())
    }
}

impl ChangeKey for CancelKeyDestruction {
    fn apply(&self, record: &mut KeyRecord, now: Timestamp) -> Result<(), EngineError> {
        let nothing = |what: String| Err(EngineError::state("NOT_DESTROYING", what));
        match self.version {
            None => match record.info.destroy_at {
                None => return nothing(format!("key `{}` is not to be destroyed", self.path)),
                Some(at) if at <= now => return nothing(format!("the waiting period of key `{}` is over", self.path)),
                Some(_) => {
                    record.info.destroy_at = None;
                    for version in &mut record.info.versions {
                        if matches!(version.state, VersionState::Enabled | VersionState::DecryptOnly) {
                            version.state = VersionState::Disabled;
                        }
                    }
                }
            },
            Some(number) => {
                let version = record.version_mut(number)?;
                match version.state {
                    VersionState::Scheduled(at) if at > now => version.state = VersionState::Disabled,
                    _ => {
                        return nothing(format!(
                            "version {number} of key `{}` is not to be destroyed, or was",
                            self.path
                        ));
                    }
                }
            }
        }
        Ok(())
    }
}
