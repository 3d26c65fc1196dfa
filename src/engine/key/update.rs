//! Changes what of a key may change.

use std::collections::BTreeMap;

use keyward_sdk::time::{Span, Timestamp};

use super::{KeyRecord, Origin, change::ChangeKey, labels, on_key};
use crate::{
    engine::EngineError,
    method::{NamePath, rows},
};

/// Rotation is not for hiding load: more often than daily the versions would run out in months.
const SHORTEST: Span = Span::from_days(1);
const LONGEST: Span = Span::from_days(3_660);

/// See the module. What is none stays as it is.
pub struct UpdateKey {
    /// Where.
    pub path: NamePath,
    /// How often it gets a new version by itself; zero: never.
    pub rotation_period: Option<Span>,
    /// Whether destruction is refused.
    pub deletion_protection: Option<bool>,
    /// Only `false`.
    pub exportable: Option<bool>,
    /// Replaces all labels.
    pub labels: Option<BTreeMap<String, String>>,
}

on_key! { UpdateKey = rows::key::UPDATE; }

impl ChangeKey for UpdateKey {
    fn apply(&self, record: &mut KeyRecord, _now: Timestamp) -> Result<(), EngineError> {
        let info = &mut record.info;
        if let Some(period) = self.rotation_period {
            if period > Span::ZERO {
                check_period(period, info.origin)?;
            }
            info.rotation_period = (period > Span::ZERO).then_some(period);
        }
        match self.exportable {
            Some(true) if !info.exportable => {
                let what = format!("key `{}` was made not to leave, and that stays so; make another key", self.path);
                return Err(EngineError::state("NOT_EXPORTABLE", what));
            }
            Some(exportable) => info.exportable = exportable,
            None => {}
        }
        if let Some(labels) = &self.labels {
            labels::check(labels)?;
            info.labels.clone_from(labels);
        }
        info.deletion_protection = self.deletion_protection.unwrap_or(info.deletion_protection);
        Ok(())
    }
}

/// Whether a key of this origin can be rotated this often.
pub(super) fn check_period(period: Span, origin: Origin) -> Result<(), EngineError> {
    if origin == Origin::Imported {
        return Err(EngineError::invalid("rotation_period", "an imported key gets new versions by import only"));
    }
    if period < SHORTEST || period > LONGEST {
        return Err(EngineError::invalid("rotation_period", "1 day to 10 years are allowed"));
    }
    Ok(())
}
