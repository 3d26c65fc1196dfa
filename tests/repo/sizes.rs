//! Files are small enough to be read in one sitting, and what is dangerous is in few of them.

use super::{read, rust};

/// Nothing of ours is longer.
const LINES: usize = 400;
/// The only files that may opt out of `unsafe_code = "deny"`.
const UNSAFE: &[&str] = &["plugins/sdk/src/harden/arena.rs"];

#[test]
fn no_file_is_longer_than_it_may_be() {
    let long: Vec<_> = rust()
        .into_iter()
        .map(|file| (read(&file).lines().count(), file))
        .filter(|(lines, _)| *lines > LINES)
        .collect();
    assert!(long.is_empty(), "split these: {long:?}");
}

#[test]
fn unsafe_code_is_in_the_files_that_are_listed() {
    let word = concat!("unsafe", "_code");
    let found: Vec<_> = rust()
        .into_iter()
        .filter(|file| !file.starts_with("tests/repo/"))
        .filter(|file| read(file).lines().any(|line| line.contains(word) && !line.trim_start().starts_with("//")))
        .collect();
    assert_eq!(found, UNSAFE);
}
