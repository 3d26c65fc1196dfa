//! What a process used, as the kernel counts it, and percentiles.

use std::fs;

/// What /proc counts CPU time in: a hundredth of a second on every architecture we build for.
const TICKS_A_SECOND: f64 = 100.0;

/// A process that is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured(pub(crate) u32);

impl Measured {
    /// This process.
    pub(crate) fn own() -> Self {
        Self(std::process::id())
    }

    /// CPU seconds of all its threads, in user and kernel, since it started.
    pub(crate) fn cpu(self) -> f64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0)).expect("the process runs");
        // The name in parentheses may hold anything; behind it the state is field 3, utime 14, stime 15.
        let (_, rest) = stat.rsplit_once(')').expect("a name in parentheses");
        let ticks = rest.split_whitespace().skip(11).take(2).map(|field| field.parse::<f64>().expect("a number"));
        ticks.sum::<f64>() / TICKS_A_SECOND
    }

    /// What lies in memory, in MiB.
    pub(crate) fn resident(self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0)).expect("the process runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a process has memory");
        let kib = line.trim().split(' ').next().and_then(|number| number.parse::<f64>().ok());
        kib.expect("a number of kB") / 1024.0
    }
}

/// The value below which that share of `sorted` lies.
pub(crate) fn percentile(sorted: &[u32], share: f64) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index into what is in memory")]
    let at = (share * sorted.len() as f64) as usize;
    sorted.get(at.min(sorted.len().saturating_sub(1))).copied().unwrap_or(0)
}

/// The middle of some values.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let (low, high) = (values.get(values.len().saturating_sub(1) / 2), values.get(values.len() / 2));
    low.zip(high).map_or(0.0, |(low, high)| (low + high) / 2.0)
}

/// The least and the most.
pub(crate) fn range(values: impl IntoIterator<Item = f64>) -> (f64, f64) {
    values.into_iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_and_the_tail_are_found() {
        let sorted: Vec<u32> = (1..=100).collect();
        assert_eq!((percentile(&sorted, 0.5), percentile(&sorted, 0.99), percentile(&[], 0.5)), (51, 100, 0));
        assert_eq!((median([3.0, 1.0, 2.0]), median([4.0, 1.0, 2.0, 3.0]), median([])), (2.0, 2.5, 0.0));
    }

    #[test]
    fn this_process_uses_memory_and_time() {
        let own = Measured::own();
        let before = own.cpu();
        // A few ticks of work.
        while own.cpu() < before + 0.03 {
            std::hint::spin_loop();
        }
        assert!(own.resident() > 0.1);
    }
}
