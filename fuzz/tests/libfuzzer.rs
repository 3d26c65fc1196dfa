//! The targets under libFuzzer, one binary for all: `fuzz/run` builds it and says in its environment what it wants.
#![no_main]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests say what they expect by failing")]

use std::{env::var_os, fs, path::PathBuf, sync::OnceLock};

use keyward_fuzz::{TARGETS, Target, find};
use libfuzzer_sys::fuzz_target;

static TARGET: OnceLock<&'static Target> = OnceLock::new();

fuzz_target!(
    init: begin(),
    |bytes: &[u8]| {
        if let Some(target) = TARGET.get() {
            (target.run)(bytes);
        }
    }
);

/// Writes the seeds of all targets into the folder `KEYWARD_FUZZ_SEEDS` and ends, or takes the target `KEYWARD_FUZZ_TARGET`.
fn begin() {
    if let Some(folder) = var_os("KEYWARD_FUZZ_SEEDS").map(PathBuf::from) {
        for target in TARGETS {
            let folder = folder.join(target.name);
            fs::create_dir_all(&folder).unwrap();
            for (number, seed) in (target.seeds)().iter().enumerate() {
                fs::write(folder.join(format!("{number:03}")), seed).unwrap();
            }
        }
        std::process::exit(0);
    }
    let name = var_os("KEYWARD_FUZZ_TARGET").expect("set KEYWARD_FUZZ_TARGET, or use fuzz/run");
    let target = find(name.to_str().unwrap_or_default()).expect("there is no target of that name");
    TARGET.get_or_init(|| target);
}
