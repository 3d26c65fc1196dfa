//! Asking a person, only on a terminal.

use std::io::{IsTerminal, Read, Write};

use bytes::Bytes;
use keyward_sdk::secret::SecretString;

use super::CliError;

/// What all values of a secret may have together, in bytes.
const MAX_VALUE: usize = 1 << 20;

/// Whether a hard to undo command was confirmed with `--yes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Confirmed {
    /// `--yes` was given.
    ByFlag,
    /// It must be asked.
    Ask,
}

impl From<bool> for Confirmed {
    fn from(yes: bool) -> Self {
        if yes { Self::ByFlag } else { Self::Ask }
    }
}

/// Asks for the name of what is at stake, typed again.
///
/// # Errors
/// When it is not confirmed, or there is no terminal and no `--yes`.
pub(super) fn confirm(what: &str, name: &str, confirmed: Confirmed) -> Result<(), CliError> {
    if confirmed == Confirmed::ByFlag {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err(CliError::usage(format!("{what}; give `--yes` where nobody can be asked")));
    }
    let mut error = std::io::stderr();
    let asked = write!(error, "{what}. Type `{name}` to go on: ").and_then(|()| error.flush());
    asked.map_err(|e| CliError::other("asking", e))?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).map_err(|e| CliError::other("reading the answer", e))?;
    if answer.trim_end_matches('\n') == name { Ok(()) } else { Err(CliError::usage("not confirmed, nothing was done")) }
}

/// Reads a secret: hidden on a terminal, all of standard input elsewhere (without the last newline).
///
/// # Errors
/// When it cannot be read or is too long.
pub(super) fn secret(prompt: &str) -> Result<SecretString, CliError> {
    let text = if std::io::stdin().is_terminal() {
        rpassword::prompt_password(prompt).map_err(|e| CliError::other("reading", e))?
    } else {
        let mut text = String::new();
        let limit = 1 << 20;
        std::io::stdin()
            .take(limit)
            .read_to_string(&mut text)
            .map_err(|e| CliError::other("reading standard input", e))?;
        text.trim_end_matches(['\n', '\r']).to_owned()
    };
    SecretString::new(text).map_err(|e| CliError::other("reading", e))
}

/// Reads the value of a secret, which need not be text: hidden on a terminal, all of standard input elsewhere. Of one line
/// of text the line break at its end is left out, since `echo` and people put it there; all else is taken as it is: a key
/// in PEM is none without its last line break.
///
/// # Errors
/// When it cannot be read or is longer than a secret may be.
pub(super) fn value(prompt: &str) -> Result<Bytes, CliError> {
    if std::io::stdin().is_terminal() {
        return Ok(Bytes::copy_from_slice(secret(prompt)?.expose().as_bytes()));
    }
    // A text may have a line break more.
    let most = MAX_VALUE + 2;
    let mut bytes = Vec::with_capacity(4096);
    std::io::stdin()
        .take(most as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| CliError::other("reading standard input", e))?;
    let kept = std::str::from_utf8(&bytes).map_or(bytes.len(), |text| one_line(text).len());
    bytes.truncate(kept);
    if bytes.len() > MAX_VALUE {
        return Err(CliError::other("reading standard input", format!("it is longer than {MAX_VALUE} bytes")));
    }
    Ok(bytes.into())
}

/// One line without its line break; more lines as they are.
fn one_line(text: &str) -> &str {
    let line = text.strip_suffix('\n').map_or(text, |line| line.strip_suffix('\r').unwrap_or(line));
    if line.contains('\n') { text } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_loses_its_line_break_and_more_lines_lose_nothing() {
        for (text, kept) in
            [("a\n", "a"), ("a\r\n", "a"), ("a", "a"), ("\n", ""), ("", ""), ("a\nb\n", "a\nb\n"), ("a\n\n", "a\n\n")]
        {
            assert_eq!(one_line(text), kept, "{text:?}");
        }
    }
}
