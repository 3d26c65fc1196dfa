//! Files that people name, and standard input.

use std::{io::Read, path::Path};

use super::CliError;

/// The most bytes of a file that is sent to a broker.
const MOST: u64 = 4 << 20;

/// The text of a file; `-` is standard input.
///
/// # Errors
/// When it cannot be read, is too long, or is not UTF-8.
pub(super) fn text(file: &Path) -> Result<String, CliError> {
    let doing =
        || if is_stdin(file) { "reading standard input".to_owned() } else { format!("reading {}", file.display()) };
    let mut text = String::new();
    let read = if is_stdin(file) {
        std::io::stdin().take(MOST + 1).read_to_string(&mut text)
    } else {
        std::fs::File::open(file).and_then(|open| open.take(MOST + 1).read_to_string(&mut text))
    };
    read.map_err(|error| CliError::other(doing(), error))?;
    if text.len() as u64 > MOST {
        return Err(CliError::other(doing(), format!("it is longer than {MOST} bytes")));
    }
    Ok(text)
}

fn is_stdin(file: &Path) -> bool {
    file.as_os_str() == "-"
}

/// A label, NAME=VALUE.
///
/// # Errors
/// What is wrong, for clap.
pub(super) fn label(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("labels are written NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// A span as the API takes it.
///
/// # Errors
/// When it is longer than the API can say.
pub(super) fn duration(span: std::time::Duration) -> Result<prost_types::Duration, CliError> {
    span.try_into().map_err(|error: prost_types::DurationError| CliError::usage(error.to_string()))
}
