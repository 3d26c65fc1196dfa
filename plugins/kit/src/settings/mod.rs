//! Settings from TOML: every problem at once, each with file, line and key; unknown keys are refused with the nearest
//! known one; values are never echoed, because one of them may be a secret in the wrong place.
//!
//! A section is a plain struct with `#[derive(Deserialize)]`. [`parse`] finds unknown keys, values of the wrong kind and
//! missing keys; what only the program can judge it adds itself with [`Lines::problem`].

mod node;
mod secret_ref;
mod units;

use std::{
    collections::BTreeMap,
    fmt, fs, io,
    path::{Path, PathBuf},
};

use serde::de::DeserializeOwned;
use toml::de::{DeTable, DeValue};

pub use self::{
    secret_ref::{SecretRef, SecretRefError, read_private},
    units::{HumanDuration, HumanSize},
};

/// No settings file is larger.
pub const MAX_FILE: u64 = 1 << 20;

/// One problem: where, and what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The line, counted from 1; 0 when the file as a whole is meant.
    pub line: usize,
    /// The dotted key, e.g. `cluster[0].socket`.
    pub key: String,
    /// What is wrong and what to do.
    pub text: String,
}

/// Everything that is wrong with a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    file: PathBuf,
    list: Vec<Problem>,
}

impl Problems {
    /// None yet.
    #[must_use]
    pub fn of(file: &Path) -> Self {
        Self { file: file.to_owned(), list: Vec::new() }
    }

    /// One more.
    pub fn push(&mut self, problem: Problem) {
        if !self.list.contains(&problem) {
            self.list.push(problem);
        }
    }

    /// All of them, in the order of the file.
    #[must_use]
    pub fn list(&self) -> &[Problem] {
        &self.list
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The value if there is no problem.
    ///
    /// # Errors
    /// The problems.
    pub fn or<T>(mut self, value: Option<T>) -> Result<T, Self> {
        match value {
            Some(value) if self.list.is_empty() => Ok(value),
            _ => {
                self.list.sort();
                Err(self)
            }
        }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, Problem { line, key, text }) in self.list.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{}:", self.file.display())?;
            if *line > 0 {
                write!(f, "{line}:")?;
            }
            if key.is_empty() { write!(f, " {text}")? } else { write!(f, " `{key}` {text}")? }
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// Where each key stands, for problems that are found later.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    file: PathBuf,
    lines: BTreeMap<String, usize>,
}

impl Lines {
    /// A problem with `key`, at its line, or at that of the nearest section that is there.
    #[must_use]
    pub fn problem(&self, key: &str, text: impl Into<String>) -> Problem {
        let mut near = key;
        let line = loop {
            if let Some(line) = self.lines.get(near) {
                break *line;
            }
            match near.rfind(['.', '[']).and_then(|at| near.get(..at)) {
                Some(shorter) => near = shorter,
                None => break 0,
            }
        };
        Problem { line, key: key.to_owned(), text: text.into() }
    }

    /// An empty list of problems for this file.
    #[must_use]
    pub fn problems(&self) -> Problems {
        Problems::of(&self.file)
    }
}

/// Settings and where each stands.
#[derive(Debug)]
pub struct Parsed<T> {
    /// The settings.
    pub value: T,
    /// Where each stands.
    pub lines: Lines,
}

/// Reads and parses a file.
///
/// # Errors
/// All problems; also that the file cannot be read.
pub fn load<T: DeserializeOwned>(file: &Path) -> Result<Parsed<T>, Problems> {
    let unreadable = |error: io::Error| {
        let mut problems = Problems::of(file);
        problems.push(Problem { line: 0, key: String::new(), text: format!("settings file cannot be read: {error}") });
        problems
    };
    if fs::metadata(file).map_err(unreadable)?.len() > MAX_FILE {
        return Err(unreadable(io::Error::other("it is larger than 1 MiB")));
    }
    parse(&fs::read_to_string(file).map_err(unreadable)?, file)
}

/// Parses settings; `file` is what problems name.
///
/// # Errors
/// All problems.
pub fn parse<T: DeserializeOwned>(text: &str, file: &Path) -> Result<Parsed<T>, Problems> {
    let mut problems = Problems::of(file);
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        // Only the message: the error's own display shows the line, and a secret may stand in it.
        let line = error.span().map_or(0, |span| line_of(text, span.start));
        problems.push(Problem { line, key: String::new(), text: format!("is not TOML: {}", error.message()) });
    }
    if !problems.is_empty() {
        return problems.or(None);
    }
    let span = table.span();
    let root = toml::Spanned::new(span, DeValue::Table(table.into_inner()));
    let mut lines = Lines { file: file.to_owned(), lines: BTreeMap::new() };
    node::index(&root, "", text, &mut lines.lines);
    let value = node::read(&root, text, &mut problems);
    problems.or(value).map(|value| Parsed { value, lines })
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests;
