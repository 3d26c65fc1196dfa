//! What the targets promise, held against their seeds, against what once broke them, and against a little of what the
//! search would try, in every run of the tests.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests say what they expect by failing"
)]

use std::{fs, path::Path};

use keyward_fuzz::{TARGETS, Target, find};

fn regressions() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions")
}

/// Cut in some places, and with one bit changed in some.
fn variants(seed: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    let step = (seed.len() / 24).max(1);
    (0..seed.len()).step_by(step).flat_map(move |at| {
        let mut flipped = seed.to_vec();
        flipped[at] ^= 1 << (at % 8);
        [seed[..at].to_vec(), flipped]
    })
}

fn replay(target: &Target) {
    (target.run)(&[]);
    for seed in (target.seeds)() {
        (target.run)(&seed);
        variants(&seed).for_each(|input| (target.run)(&input));
    }
}

#[test]
fn every_fuzz_target_takes_its_seeds_and_their_variants() {
    assert!(TARGETS.len() >= 20);
    TARGETS.iter().for_each(replay);
}

#[test]
fn what_once_broke_a_fuzz_target_does_so_no_more() {
    for folder in fs::read_dir(regressions()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let target = find(&name).unwrap_or_else(|| panic!("{}: there is no such target", folder.display()));
        for file in fs::read_dir(&folder).unwrap() {
            (target.run)(&fs::read(file.unwrap().path()).unwrap());
        }
    }
}
