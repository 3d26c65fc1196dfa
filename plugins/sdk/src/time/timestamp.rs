//! Points in time, in milliseconds since 1970.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

use super::Span;

/// A point in time, in whole milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(u64);

/// The text is not a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a time as RFC 3339 writes it, such as 2026-01-31T12:00:00Z, after 1970")]
pub struct TimestampError;

impl Timestamp {
    /// The end of the year 9999, the last that RFC 3339 can write.
    pub const MAX: Self = Self(253_402_300_799_999);

    /// So many milliseconds after the beginning of 1970.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// So many seconds after the beginning of 1970.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1000))
    }

    /// Milliseconds since the beginning of 1970.
    #[must_use]
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// Whole seconds since the beginning of 1970.
    #[must_use]
    pub const fn as_secs(self) -> u64 {
        self.0 / 1000
    }

    /// The time `span` later, unless that is after the year 9999.
    #[must_use]
    pub const fn checked_add(self, span: Span) -> Option<Self> {
        match self.0.checked_add(span.millis()) {
            Some(sum) if sum <= Self::MAX.0 => Some(Self(sum)),
            _ => None,
        }
    }

    /// The time `span` later, at most the end of the year 9999.
    #[must_use]
    pub fn saturating_add(self, span: Span) -> Self {
        self.checked_add(span).unwrap_or(Self::MAX)
    }

    /// The time `span` earlier, at least the beginning of 1970.
    #[must_use]
    pub const fn saturating_sub(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.millis()))
    }

    /// How much later this is than `earlier`; nothing if it is not later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Option<Span> {
        match self.0.checked_sub(earlier.0) {
            Some(millis) => Some(Span::from_millis(millis)),
            None => None,
        }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.min(Self::MAX.0);
        let nanos = i128::from(millis) * 1_000_000;
        let at = OffsetDateTime::from_unix_timestamp_nanos(nanos).map_err(|_| fmt::Error)?;
        let (year, month, day) = at.to_calendar_date();
        let (hour, minute, second, milli) = at.time().as_hms_milli();
        write!(f, "{year:04}-{:02}-{day:02}T{hour:02}:{minute:02}:{second:02}", u8::from(month))?;
        if milli == 0 { f.write_str("Z") } else { write!(f, ".{milli:03}Z") }
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        if text.len() > 40 {
            return Err(TimestampError);
        }
        let at = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| TimestampError)?;
        let at = at.checked_to_offset(UtcOffset::UTC).ok_or(TimestampError)?;
        let millis = u64::try_from(at.unix_timestamp_nanos() / 1_000_000).map_err(|_| TimestampError)?;
        if millis > Self::MAX.0 { Err(TimestampError) } else { Ok(Self(millis)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_and_show_as_rfc_3339() {
        for (text, millis) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2026-11-22T21:16:43Z", 1_795_382_203_000),
            ("2024-02-29T23:59:59.999Z", 1_709_251_199_999),
            ("9999-12-31T23:59:59.999Z", Timestamp::MAX.millis()),
        ] {
            assert_eq!(text.parse::<Timestamp>().unwrap().millis(), millis);
            assert_eq!(Timestamp::from_millis(millis).to_string(), text);
        }
        assert_eq!("2026-01-01T01:00:00+01:00".parse::<Timestamp>(), "2026-01-01T00:00:00Z".parse());
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "now", "2026-01-01", "1969-12-31T23:59:59Z", "2026-13-01T00:00:00Z", &"2".repeat(100)] {
            assert_eq!(text.parse::<Timestamp>(), Err(TimestampError), "{text}");
        }
    }

    #[test]
    fn arithmetic_does_not_wrap() {
        assert_eq!(Timestamp::MAX.checked_add(Span::from_millis(1)), None);
        assert_eq!(Timestamp::MAX.saturating_add(Span::from_days(1)), Timestamp::MAX);
        assert_eq!(Timestamp::from_millis(u64::MAX).to_string(), Timestamp::MAX.to_string());
        assert_eq!(Timestamp::from_secs(1).since(Timestamp::from_secs(2)), None);
        assert_eq!(Timestamp::from_secs(3).since(Timestamp::from_secs(2)), Some(Span::from_secs(1)));
    }
}
