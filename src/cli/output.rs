//! Tables for people, JSON for programs, colours on a terminal only.
//!
//! Whoever reads the answer may stop reading (`| head`): what is left is not shown then, and the command still does all
//! that it was asked to do. An answer that cannot be written for another reason is an error.
#![expect(clippy::print_stderr, reason = "this is where the command line writes")]

use std::{
    cell::RefCell,
    io::{self, ErrorKind, IsTerminal, Write},
};

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use super::CliError;

/// How answers are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Columns.
    #[default]
    Table,
    /// One JSON document.
    Json,
}

/// Something said beside an answer, whatever its form.
pub(super) fn note(text: &str) {
    eprintln!("{text}");
}

/// How far long work has come.
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// So many bytes so far.
    pub(super) fn at(&self, bytes: u64) {
        self.0.set_position(bytes);
    }

    /// Counts what is read through it.
    #[cfg(feature = "server")]
    pub(super) fn reading<R: io::Read>(&self, from: R) -> impl io::Read + use<R> {
        self.0.wrap_read(from)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Where answers go.
pub(super) struct Output {
    format: Format,
    colour: bool,
    /// Why nothing more can be shown.
    lost: RefCell<Option<io::Error>>,
}

impl Output {
    /// In a format.
    #[must_use]
    pub(super) fn new(format: Format) -> Self {
        let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { format, colour, lost: RefCell::new(None) }
    }

    /// Whether programs read the answer.
    #[must_use]
    pub(super) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Shows on a terminal how far long work has come: bytes, of so many where that is known. Gone when dropped, and not
    /// there at all where programs read.
    #[must_use]
    pub(super) fn progress(&self, what: &'static str, of: Option<u64>) -> Progress {
        if self.is_json() || !io::stderr().is_terminal() {
            return Progress(ProgressBar::hidden());
        }
        let bar = of.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
        let shape = if of.is_some() { "{msg} {bar:30} {bytes} of {total_bytes}" } else { "{msg} {spinner} {bytes}" };
        let style = ProgressStyle::with_template(shape).unwrap_or_else(|_| ProgressStyle::default_bar());
        Progress(bar.with_style(style).with_message(what))
    }

    /// Bytes as they are, without a line's end.
    pub(super) fn bytes(&self, bytes: &[u8]) {
        if self.is_lost() {
            return;
        }
        let mut out = io::stdout().lock();
        if let Err(error) = out.write_all(bytes).and_then(|()| out.flush()) {
            self.lost.replace(Some(error));
        }
    }

    /// Whether nobody reads any more.
    #[must_use]
    pub(super) fn is_lost(&self) -> bool {
        self.lost.borrow().is_some()
    }

    /// Whether everything could be shown that somebody wanted to read.
    ///
    /// # Errors
    /// When an answer could not be written, and not only because its reader had enough.
    pub(super) fn finish(&self) -> Result<(), CliError> {
        match self.lost.take() {
            Some(error) if error.kind() != ErrorKind::BrokenPipe => Err(CliError::other("writing the answer", error)),
            _ => Ok(()),
        }
    }

    fn print(&self, text: &str) {
        self.bytes(format!("{text}\n").as_bytes());
    }

    /// A line of text; in JSON a string.
    pub(super) fn line(&self, text: &str) {
        match self.format {
            Format::Table => self.print(text),
            Format::Json => self.print(&Value::String(text.to_owned()).to_string()),
        }
    }

    /// One thing: names and values under each other, or an object. Empty values are left out of tables.
    pub(super) fn record(&self, fields: &[(&str, Value)]) {
        match self.format {
            Format::Json => {
                self.json(&Value::Object(fields.iter().map(|(n, v)| ((*n).to_owned(), v.clone())).collect()))
            }
            Format::Table => {
                let shown: Vec<_> =
                    fields.iter().map(|(n, v)| (title(n), cell(v))).filter(|(_, v)| !v.is_empty()).collect();
                let width = shown.iter().map(|(n, _)| n.chars().count()).max().unwrap_or(0);
                shown.iter().for_each(|(name, value)| self.print(&format!("{name:<width$}  {value}")));
            }
        }
    }

    /// Several things of one kind: a table with a heading, or a list of objects.
    pub(super) fn rows(&self, heading: &[&str], rows: Vec<Vec<Value>>) {
        if self.format == Format::Json {
            let object = |row: Vec<Value>| Value::Object(heading.iter().map(|h| (*h).to_owned()).zip(row).collect());
            return self.json(&Value::Array(rows.into_iter().map(object).collect()));
        }
        let cells: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(cell).collect()).collect();
        let width = |column: usize| {
            let longest = cells.iter().filter_map(|row| row.get(column)).map(|c| c.chars().count()).max().unwrap_or(0);
            longest.max(heading.get(column).map_or(0, |h| h.len()))
        };
        let widths: Vec<usize> = (0..heading.len()).map(width).collect();
        let line = |row: &[String]| {
            let padded: Vec<_> =
                row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}", width = *width)).collect();
            self.print(padded.join("  ").trim_end());
        };
        line(&heading.iter().map(|h| title(h).to_uppercase()).collect::<Vec<_>>());
        cells.iter().for_each(|row| line(row));
    }

    /// A JSON document.
    pub(super) fn json(&self, value: &Value) {
        self.print(&serde_json::to_string_pretty(value).unwrap_or_default());
    }

    /// One JSON document in one line, for answers that come one after another.
    pub(super) fn json_line(&self, value: &Value) {
        self.print(&value.to_string());
    }

    /// Something said beside the answer; never in the way of a program that reads it.
    pub(super) fn note(&self, text: &str) {
        note(text);
    }

    /// An error with its next step.
    pub(super) fn error(&self, error: &CliError) {
        if self.is_json() {
            let document =
                serde_json::json!({ "error": error.to_string(), "reason": error.reason(), "next": error.next_step() });
            eprintln!("{document}");
            return;
        }
        let (red, plain) = if self.colour { ("\u{1b}[31m", "\u{1b}[0m") } else { ("", "") };
        eprintln!("{red}error:{plain} {error}");
        if let Some(next) = error.next_step() {
            eprintln!("  next: {next}");
        }
    }
}

fn title(name: &str) -> String {
    name.replace('_', " ")
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => fields.iter().map(|(n, v)| format!("{n}={}", cell(v))).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// A span as options take it, e.g. `90d`, or null.
#[must_use]
pub(super) fn span(span: Option<&prost_types::Duration>) -> Value {
    let span = span.and_then(|span| std::time::Duration::try_from(*span).ok());
    let millis = span.and_then(|span| u64::try_from(span.as_millis()).ok());
    millis.map_or(Value::Null, |millis| Value::String(keyward_sdk::time::Span::from_millis(millis).to_string()))
}

/// A time as RFC 3339, or null.
#[must_use]
pub(super) fn time(at: Option<&prost_types::Timestamp>) -> Value {
    at.and_then(|at| {
        let millis = u64::try_from(at.seconds).ok()?.checked_mul(1_000)? + u64::try_from(at.nanos).ok()? / 1_000_000;
        Some(Value::String(keyward_sdk::time::Timestamp::from_millis(millis).to_string()))
    })
    .unwrap_or(Value::Null)
}
