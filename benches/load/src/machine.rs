//! What the numbers were seen on.

use std::fs;

/// How many cores this process may use.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Two lines on the machine, for the head of the page.
pub(crate) fn described() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = field(&cpu, "model name").unwrap_or("unknown CPU");
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("?");
    format!(
        "machine: {} cores, {model}, Linux {}, load {load} before the start\n\
         The client runs on the same cores as the server that it loads; only ratios within one run mean anything.",
        cores(),
        kernel.trim(),
    )
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(name)?.split_once(':')).map(|(_, value)| value.trim())
}
