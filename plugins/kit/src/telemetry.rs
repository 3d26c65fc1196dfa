//! Logs: one line an event on standard error, a constant message and fields, as text or JSON.
//!
//! A message starts with a capital and never holds a value; values are fields. Names of fields that several modules use
//! stand in [`field`]. Secret values are never logged, at no level.

use std::io::IsTerminal as _;

use serde::Deserialize;
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _};

/// Names of fields that several modules log.
pub mod field {
    /// The cluster's name.
    pub const CLUSTER: &str = "cluster";
    /// What went wrong.
    pub const ERROR: &str = "error";
    /// The RPC.
    pub const METHOD: &str = "method";
}

/// The shape of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// One JSON object a line.
    Json,
    /// For people; coloured on a terminal.
    #[default]
    Text,
}

/// The section `[log]` of the settings.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct LogSettings {
    /// `text` or `json`.
    pub format: Format,
    /// `error`, `warn`, `info`, `debug`, `trace`, or directives such as `info,keyward_kit=debug`.
    pub level: String,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { format: Format::default(), level: "info".to_owned() }
    }
}

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The level is not one.
    #[error("log level is not understood: {0}; use error, warn, info, debug, trace or directives like `info,h2=warn`")]
    Level(String),
    /// Someone set up logging before.
    #[error("log is set up already")]
    Twice,
}

impl LogSettings {
    /// The level as a filter.
    ///
    /// # Errors
    /// [`TelemetryError::Level`] if it is not one.
    pub fn filter(&self) -> Result<EnvFilter, TelemetryError> {
        EnvFilter::builder().parse(&self.level).map_err(|error| TelemetryError::Level(error.to_string()))
    }
}

/// Logs to standard error from here on. Called once, by main.
///
/// # Errors
/// [`TelemetryError`] if the level is not one, or on a second call.
pub fn init(settings: &LogSettings) -> Result<(), TelemetryError> {
    let registry = tracing_subscriber::registry().with(settings.filter()?);
    match settings.format {
        Format::Json => {
            let lines = fmt::layer().json().flatten_event(true).with_current_span(false).with_span_list(true);
            registry.with(lines.with_writer(std::io::stderr)).try_init()
        }
        Format::Text => {
            let lines = fmt::layer().with_target(false).with_ansi(std::io::stderr().is_terminal());
            registry.with(lines.with_writer(std::io::stderr)).try_init()
        }
    }
    .map_err(|_| TelemetryError::Twice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_that_is_none_is_refused() {
        let settings = LogSettings { level: "info,=chatty=".to_owned(), ..LogSettings::default() };
        assert!(matches!(settings.filter(), Err(TelemetryError::Level(_))));
        assert!(LogSettings::default().filter().is_ok());
    }
}
