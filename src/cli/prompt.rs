//! Asking a person, only on a terminal.

use std::io::{IsTerminal, Read, Write};

use keyward_sdk::secret::SecretString;

use super::CliError;

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
