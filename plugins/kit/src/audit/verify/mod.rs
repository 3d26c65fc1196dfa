//! Checking a log against itself, its checkpoints and what others know of it. Believes nothing that it reads.
//!
//! After a finding it goes on where the log can be followed again, so that one changed byte is one finding and not the
//! end. The header of each file carries the tree before it; a later checkpoint proves that header, and with it that
//! nothing but the place found was changed.

mod expected;
mod file;
#[cfg(test)]
mod live_tests;
mod report;
#[cfg(test)]
mod tests;
mod walk;

use std::{collections::BTreeSet, io, path::Path};

use self::walk::Walk;
pub use self::{
    expected::{Expected, Known},
    report::{Finding, FindingKind, LogReport, Report},
};
use super::read;

/// Checks every log in a folder.
///
/// # Errors
/// Of the file system, and `NotFound` where nothing of a log lies in the folder and none is expected: then nothing is said
/// about the log.
pub fn verify(dir: &Path, expected: &Expected) -> io::Result<Report> {
    let mut report = Report::default();
    let epochs = read::traces(dir)?;
    if epochs.is_empty() && expected.logs.is_empty() {
        let text = "there is no audit log in it; give the folder that has the files `audit-*.kwa`";
        return Err(io::Error::new(io::ErrorKind::NotFound, text));
    }
    let newest = epochs.last().copied();
    let mut seen = BTreeSet::new();
    for epoch in epochs {
        let origin = Walk::new(dir, epoch, newest == Some(epoch), expected, &mut report)?.run()?;
        seen.insert(origin);
    }
    let missing = |known: &&Known| !seen.contains(&known.origin) && !expected.given_up.contains(&known.origin);
    for known in expected.logs.iter().filter(missing) {
        let text = format!("log `{}` is registered and has no file here", known.origin);
        report.find(FindingKind::MissingLog, dir.display(), None, None, text);
    }
    if expected.logs.is_empty() {
        report.unproven(
            "no register was given: a whole log that is missing, or replaced together with its key, is not noticed",
        );
    } else {
        let known = |origin: &String| expected.logs.iter().any(|known| known.origin == *origin);
        for origin in seen.iter().filter(|origin| !known(origin)) {
            report.unproven(format!("log `{origin}` is not in the register: who wrote it is not known"));
        }
    }
    report.unproven("without a checkpoint kept by someone outside: that the holder of the signing key did not write another history");
    Ok(report)
}
