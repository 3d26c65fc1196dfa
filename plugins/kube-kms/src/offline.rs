//! How long the broker has been away, and what follows from it.
//!
//! Time is counted by the clock that goes on through suspension; over a boot, wall time is added, never negative, and at
//! least an hour is left after one, so that neither a reboot nor a clock that jumps ends the allowance by itself. With the
//! file protector this is a limit for safety, not a defence against root on the node.

use std::{path::PathBuf, time::Duration};

use keyward_sdk::time::{Clock, Monotonic, Timestamp};

use crate::{files, keyset::Limits, serve::Offline};

/// What is left at least after a boot.
const AFTER_BOOT: Duration = Duration::from_secs(3_600);
const NAME: &str = "allowance";
const MAX_FILE: usize = 4 << 10;

/// The count.
#[derive(Debug)]
pub struct Allowance {
    used: Duration,
    counted: Monotonic,
    wall: Timestamp,
}

impl Allowance {
    /// Begins with nothing used.
    #[must_use]
    pub fn new(clock: &dyn Clock) -> Self {
        Self { used: Duration::ZERO, counted: clock.monotonic(), wall: clock.now() }
    }

    /// Goes on where the last process stopped.
    #[must_use]
    pub fn resumed(saved: &Saved, boot: &str, limits: &Limits, clock: &dyn Clock) -> Self {
        let (now, wall) = (clock.monotonic(), clock.now());
        let gone = if saved.boot == boot {
            now.since(Monotonic::default()).saturating_sub(saved.monotonic)
        } else {
            Duration::from_millis(wall.millis().saturating_sub(saved.wall.millis()))
        };
        let mut used = saved.used.saturating_add(gone);
        if saved.boot != boot
            && let Some(max) = limits.offline_max
        {
            used = used.min(max.saturating_sub(AFTER_BOOT).max(saved.used));
        }
        // The high-water mark: wall time before it was counted once already.
        Self { used, counted: now, wall: wall.max(saved.wall) }
    }

    /// Counts up to now.
    pub fn tick(&mut self, clock: &dyn Clock) {
        let now = clock.monotonic();
        self.used = self.used.saturating_add(now.since(self.counted));
        self.counted = now;
        self.wall = self.wall.max(clock.now());
    }

    /// The broker confirmed the keyset: the count begins anew.
    pub fn confirm(&mut self, clock: &dyn Clock) {
        self.tick(clock);
        self.used = Duration::ZERO;
        self.wall = clock.now();
    }

    /// How much is used.
    #[must_use]
    pub fn used(&self) -> Duration {
        self.used
    }

    /// What follows.
    #[must_use]
    pub fn judge(&self, limits: &Limits) -> Offline {
        let days = |left: Duration| {
            let hours = left.as_secs() / 3_600;
            if hours >= 48 { format!("{} days", hours / 24) } else { format!("{hours} hours") }
        };
        if let Some(max) = limits.offline_max.filter(|max| self.used >= *max) {
            return Offline::Ended(format!(
                "the broker has been away for {}, longer than this cluster allows, and the keys were wiped; make the broker reachable",
                days(max)
            ));
        }
        if let Some(max) = limits.offline_writes_max.filter(|max| self.used >= *max) {
            return Offline::WritesEnded(format!(
                "the broker has been away for {}, longer than this cluster allows for writes; make the broker reachable",
                days(max)
            ));
        }
        match limits.offline_writes_max.or(limits.offline_max) {
            Some(max) if self.used >= max / 10 * 9 => Offline::Warn(format!(
                "the broker is away and the time without it ends in {}; make the broker reachable",
                days(max.saturating_sub(self.used))
            )),
            _ => Offline::Fine,
        }
    }

    /// For the disk.
    #[must_use]
    pub fn saved(&self, boot: &str) -> Saved {
        let monotonic = self.counted.since(Monotonic::default());
        Saved { used: self.used, monotonic, wall: self.wall, boot: boot.to_owned() }
    }
}

/// The count as it lies on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    used: Duration,
    monotonic: Duration,
    wall: Timestamp,
    boot: String,
}

impl Saved {
    fn encode(&self) -> String {
        let Self { used, monotonic, wall, boot } = self;
        format!("1 {} {} {} {boot}\n", used.as_millis(), monotonic.as_millis(), wall.millis())
    }

    fn decode(text: &str) -> Option<Self> {
        let mut parts = text.split_ascii_whitespace();
        let [Some("1"), Some(used), Some(monotonic), Some(wall), Some(boot), None] =
            std::array::from_fn(|_| parts.next())
        else {
            return None;
        };
        Some(Self {
            used: Duration::from_millis(used.parse().ok()?),
            monotonic: Duration::from_millis(monotonic.parse().ok()?),
            wall: Timestamp::from_millis(wall.parse().ok()?),
            boot: boot.to_owned(),
        })
    }
}

/// The count in a node's folder.
#[derive(Clone, Debug)]
pub struct AllowanceFile {
    path: PathBuf,
    boot: String,
}

impl AllowanceFile {
    /// In this folder.
    #[must_use]
    pub fn in_folder(folder: &std::path::Path) -> Self {
        // Without a boot id every start counts as a boot, which errs on the side of the hour.
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let boot = boot.trim().to_owned();
        Self { path: folder.join(NAME), boot: if boot.is_empty() { "unknown".to_owned() } else { boot } }
    }

    /// Goes on where the last process stopped. A count that is lost or damaged begins anew: it must never end a cluster.
    pub async fn load(&self, limits: &Limits, clock: &dyn Clock) -> Allowance {
        let saved = files::read(&self.path, MAX_FILE).await.ok();
        let saved = saved.and_then(|bytes| Saved::decode(std::str::from_utf8(&bytes).ok()?));
        match saved {
            Some(saved) => Allowance::resumed(&saved, &self.boot, limits, clock),
            None => Allowance::new(clock),
        }
    }

    /// Saves it.
    ///
    /// # Errors
    /// When it could not be made durable.
    pub async fn save(&self, allowance: &Allowance) -> std::io::Result<()> {
        files::replace(&self.path, allowance.saved(&self.boot).encode().into_bytes(), None).await
    }
}

#[cfg(test)]
mod tests {
    use keyward_sdk::time::{ManualClock, Span};

    use super::*;

    const LIMITS: Limits = Limits {
        offline_max: Some(Duration::from_secs(30 * 86_400)),
        offline_writes_max: Some(Duration::from_secs(20 * 86_400)),
    };

    fn clock() -> std::sync::Arc<ManualClock> {
        ManualClock::at(Timestamp::from_secs(1_800_000_000))
    }

    #[test]
    fn warnings_come_first_then_writes_end_then_all() {
        let clock = clock();
        let mut allowance = Allowance::new(&*clock);
        let mut at = |days: u64| {
            clock.advance(Span::from_days(days));
            allowance.tick(&*clock);
            allowance.judge(&LIMITS)
        };
        assert_eq!(at(17), Offline::Fine);
        assert!(matches!(at(2), Offline::Warn(text) if text.contains("24 hours")));
        assert!(matches!(at(2), Offline::WritesEnded(_)));
        assert!(matches!(at(9), Offline::Ended(_)));
        allowance.confirm(&*clock);
        assert_eq!(allowance.judge(&LIMITS), Offline::Fine);
        assert_eq!(allowance.judge(&Limits { offline_max: None, offline_writes_max: None }), Offline::Fine);
    }

    #[test]
    fn a_clock_set_forward_while_running_counts_for_nothing() {
        let clock = clock();
        let mut allowance = Allowance::new(&*clock);
        clock.set_wall(Timestamp::from_secs(1_900_000_000));
        allowance.tick(&*clock);
        assert_eq!(allowance.used(), Duration::ZERO);
    }

    #[test]
    fn a_restart_in_the_same_boot_goes_on_counting() {
        let clock = clock();
        let mut allowance = Allowance::new(&*clock);
        clock.advance(Span::from_days(5));
        allowance.tick(&*clock);
        let saved = allowance.saved("b1");
        clock.advance(Span::from_days(1));
        let resumed = Allowance::resumed(&Saved::decode(&saved.encode()).unwrap(), "b1", &LIMITS, &*clock);
        assert_eq!(resumed.used(), Duration::from_secs(6 * 86_400));
    }

    #[test]
    fn after_a_boot_at_least_an_hour_is_left_and_a_clock_set_back_adds_nothing() {
        let clock = clock();
        let saved = Allowance::new(&*clock).saved("b1");
        clock.set_wall(Timestamp::from_secs(1_990_000_000));
        let forward = Allowance::resumed(&saved, "b2", &LIMITS, &*clock);
        assert_eq!(LIMITS.offline_max.unwrap() - forward.used(), AFTER_BOOT);
        clock.set_wall(Timestamp::from_secs(1_000));
        let back = Allowance::resumed(&saved, "b2", &LIMITS, &*clock);
        assert_eq!(back.used(), Duration::ZERO);
        clock.set_wall(Timestamp::from_secs(1_800_000_000));
        let returned = Allowance::resumed(&back.saved("b2"), "b3", &LIMITS, &*clock);
        assert_eq!(returned.used(), Duration::ZERO, "time before the mark is not counted twice");
    }
}
