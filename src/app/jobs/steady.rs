//! Whether the wall clock may be believed when something is to be done that cannot be undone.
//!
//! A clock that is set forward by mistake, or by someone who wants a key gone, would end every waiting period at once. So what
//! is due by the wall clock is done only after it has gone side by side with the monotonic clock for an hour.

use std::time::Duration;

use keyward_sdk::time::{Clock, Monotonic, Timestamp};
use tracing::warn;

/// How far the two clocks may drift apart between two looks.
const DRIFT: Duration = Duration::from_secs(120);
/// How long they must have gone side by side.
const STEADY: Duration = Duration::from_secs(3_600);

/// See the module.
#[derive(Debug)]
pub(super) struct Steady {
    last: (Timestamp, Monotonic),
    since: Monotonic,
}

impl Steady {
    pub(super) fn new(clock: &dyn Clock) -> Self {
        let now = clock.monotonic();
        Self { last: (clock.now(), now), since: now }
    }

    /// Looks at both clocks, and says whether the wall clock has been steady for long enough.
    pub(super) fn look(&mut self, clock: &dyn Clock) -> bool {
        let (wall, monotonic) = (clock.now(), clock.monotonic());
        let went = u64::try_from(monotonic.since(self.last.1).as_millis()).unwrap_or(u64::MAX);
        let expected = self.last.0.millis().saturating_add(went);
        let jump = wall.millis().abs_diff(expected);
        if Duration::from_millis(jump) > DRIFT {
            warn!(
                from = %self.last.0, to = %wall, seconds = jump / 1_000,
                "Wall clock jumped: nothing is destroyed or forgotten until it was steady for an hour"
            );
            self.since = monotonic;
        }
        self.last = (wall, monotonic);
        monotonic.since(self.since) >= STEADY
    }
}

#[cfg(test)]
mod tests {
    use keyward_sdk::time::{ManualClock, Span};

    use super::*;

    #[test]
    fn a_clock_is_believed_after_an_hour_without_a_jump() {
        let start = Timestamp::from_secs(1_800_000_000);
        let clock = ManualClock::at(start);
        let mut steady = Steady::new(&*clock);
        assert!(!steady.look(&*clock));
        clock.advance(Span::from_minutes(60));
        assert!(steady.look(&*clock));
        // Corrections of seconds are what time servers do.
        clock.set_wall(clock.now().saturating_add(Span::from_secs(30)));
        assert!(steady.look(&*clock));
        for jumped in [clock.now().saturating_add(Span::from_days(8)), start] {
            clock.set_wall(jumped);
            assert!(!steady.look(&*clock));
            clock.advance(Span::from_minutes(59));
            assert!(!steady.look(&*clock));
            clock.advance(Span::from_minutes(1));
            assert!(steady.look(&*clock));
        }
    }
}
