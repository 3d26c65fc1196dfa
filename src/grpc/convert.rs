//! Conversions that every service needs.

use std::str::FromStr;

use keyward_sdk::time::{Span, Timestamp};
use prost_types::Duration as PbDuration;

use crate::engine::EngineError;

/// A field that must parse.
///
/// # Errors
/// [`EngineError::Invalid`] with the field and what is wrong with it.
pub fn parse<T>(field: &'static str, text: &str) -> Result<T, EngineError>
where
    T: FromStr,
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error: T::Err| EngineError::invalid(field, error.to_string()))
}

/// As [`parse`], where empty means not given.
///
/// # Errors
/// As [`parse`].
pub fn parse_optional<T>(field: &'static str, text: &str) -> Result<Option<T>, EngineError>
where
    T: FromStr,
    T::Err: std::fmt::Display,
{
    if text.is_empty() { Ok(None) } else { parse(field, text).map(Some) }
}

/// A span of time.
///
/// # Errors
/// [`EngineError::Invalid`] when it is negative or longer than 100 years.
pub fn span(field: &'static str, duration: &PbDuration) -> Result<Span, EngineError> {
    const CENTURY: i64 = 100 * 366 * 86_400;
    let (seconds, nanos) = (duration.seconds, duration.nanos);
    if !(0..=CENTURY).contains(&seconds) || !(0..1_000_000_000).contains(&nanos) {
        return Err(EngineError::invalid(field, "give a duration of 0 to 100 years"));
    }
    let millis = seconds.unsigned_abs() * 1_000 + u64::from(nanos.unsigned_abs()) / 1_000_000;
    Ok(Span::from_millis(millis))
}

/// As [`span`], where it need not be given.
///
/// # Errors
/// As [`span`].
pub fn span_optional(field: &'static str, duration: Option<&PbDuration>) -> Result<Option<Span>, EngineError> {
    duration.map(|duration| span(field, duration)).transpose()
}

/// A time, for a reply.
#[must_use]
pub fn timestamp(at: Timestamp) -> prost_types::Timestamp {
    let millis = at.millis();
    prost_types::Timestamp {
        seconds: i64::try_from(millis / 1_000).unwrap_or(i64::MAX),
        nanos: i32::try_from(millis % 1_000).unwrap_or(0) * 1_000_000,
    }
}

/// A span, for a reply.
#[must_use]
pub fn duration(span: Span) -> PbDuration {
    PbDuration {
        seconds: i64::try_from(span.millis() / 1_000).unwrap_or(i64::MAX),
        nanos: i32::try_from(span.millis() % 1_000).unwrap_or(0) * 1_000_000,
    }
}

/// Which part of a list is asked for.
///
/// # Errors
/// [`EngineError::Invalid`] for a token that no answer gave.
pub fn page(size: u32, token: String) -> Result<crate::engine::PageRequest, EngineError> {
    if token.len() > crate::method::MAX_NAME_BYTES + 1 {
        return Err(EngineError::invalid("page_token", "is not one that an answer gave"));
    }
    Ok(crate::engine::PageRequest { size, after: token })
}
