//! The clock.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};

use super::{Span, Timestamp};

/// Reads the time. Parts of Keyward take one and never ask the machine themselves.
pub trait Clock: Send + Sync + 'static {
    /// The wall clock: for what is stored or shown. It may jump.
    fn now(&self) -> Timestamp;

    /// A clock that only goes forward, through suspension too: for measuring how long something takes or lasts.
    fn monotonic(&self) -> Monotonic;
}

/// A clock that many parts hold.
pub type SharedClock = Arc<dyn Clock>;

/// A point on the clock that only goes forward; means nothing outside this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Monotonic(Duration);

impl Monotonic {
    /// How much time went by since `earlier`; none if it is not earlier.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// The point `by` later.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        Self(self.0.saturating_add(by))
    }
}

/// The machine's clocks.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl SystemClock {
    /// The clock for everybody.
    #[must_use]
    pub fn shared() -> SharedClock {
        Arc::new(Self)
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let now = clock_gettime(ClockId::Realtime);
        // Before 1970 the machine's clock is broken; everything then counts as expired or not yet valid.
        let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
        Timestamp::from_millis(seconds.saturating_mul(1000).saturating_add(now.tv_nsec as u64 / 1_000_000))
    }

    fn monotonic(&self) -> Monotonic {
        let now = clock_gettime(ClockId::Boottime);
        Monotonic(Duration::new(u64::try_from(now.tv_sec).unwrap_or(0), now.tv_nsec as u32))
    }
}

/// A clock for tests: it stands still until it is moved.
#[derive(Debug)]
pub struct ManualClock {
    wall: AtomicU64,
    monotonic: AtomicU64,
}

impl ManualClock {
    /// A clock that stands at `now`.
    #[must_use]
    pub fn at(now: Timestamp) -> Arc<Self> {
        Arc::new(Self { wall: AtomicU64::new(now.millis()), monotonic: AtomicU64::new(0) })
    }

    /// Lets time go by, on both clocks.
    pub fn advance(&self, by: Span) {
        self.wall.fetch_add(by.millis(), Ordering::SeqCst);
        self.monotonic.fetch_add(by.millis(), Ordering::SeqCst);
    }

    /// Sets the wall clock, as an administrator or a time server would: the other clock does not notice.
    pub fn set_wall(&self, now: Timestamp) {
        self.wall.store(now.millis(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.wall.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Monotonic {
        Monotonic(Duration::from_millis(self.monotonic.load(Ordering::SeqCst)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let clock = ManualClock::at(Timestamp::from_millis(5_000));
        let start = clock.monotonic();
        assert_eq!(clock.now(), Timestamp::from_millis(5_000));
        clock.advance(Span::from_secs(2));
        assert_eq!(clock.now(), Timestamp::from_millis(7_000));
        clock.set_wall(Timestamp::from_millis(1));
        assert_eq!(clock.monotonic().since(start), Duration::from_secs(2));
        assert_eq!(start.since(clock.monotonic()), Duration::ZERO);
    }

    #[test]
    fn the_system_clock_is_in_this_century_and_goes_forward() {
        let (a, b) = (SystemClock.monotonic(), SystemClock.monotonic());
        assert!(b >= a);
        assert!(SystemClock.now() > "2025-01-01T00:00:00Z".parse().unwrap());
    }
}
