//! How many calls that need no caller are let through.

use std::sync::PoisonError;

use keyward_sdk::time::Span;

use super::Lifecycle;
use crate::engine::EngineError;

/// Calls that work while sealed, at most so many in a minute.
const SEALED_CALLS: u32 = 120;

impl Lifecycle {
    /// Lets a call through that works while sealed, within a budget. The daemon's own user on the unix socket needs none:
    /// a stranger who uses it up must not keep an operator from unsealing and recovering.
    ///
    /// # Errors
    /// [`EngineError::Limit`] past it.
    pub fn admit(&self, local: Option<u32>) -> Result<(), EngineError> {
        if local == Some(rustix::process::getuid().as_raw()) {
            return Ok(());
        }
        let now = self.parts.clock.now();
        let mut budget = self.budget.lock().unwrap_or_else(PoisonError::into_inner);
        if now >= budget.0.saturating_add(Span::from_minutes(1)) {
            *budget = (now, 0);
        }
        budget.1 = budget.1.saturating_add(1);
        if budget.1 > SEALED_CALLS {
            return Err(EngineError::Limit { what: "calls a minute that need no caller", limit: SEALED_CALLS.into() });
        }
        Ok(())
    }
}
