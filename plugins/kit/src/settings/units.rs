//! Durations and sizes as people write them: `15m`, `1h30m`, `30d`, `250ms`; `512KiB`, `1MiB`, `10MB`.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, de};

/// A duration: numbers with `ms`, `s`, `m`, `h`, `d` or `w`, largest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HumanDuration(pub Duration);

/// A number of bytes: a number with nothing, `B`, `kB`, `MB`, `GB`, `KiB`, `MiB` or `GiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HumanSize(pub u64);

/// Why a text is neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// Not a duration.
    #[error("is not a duration; write for example `250ms`, `30s`, `15m`, `1h30m` or `30d`")]
    Duration,
    /// Not a size.
    #[error("is not a size; write for example `512KiB`, `1MiB` or `10MB`")]
    Size,
}

/// Cuts a number and its unit off the front.
fn part(text: &str) -> Option<(u64, &str, &str)> {
    let unit = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, rest) = text.split_at_checked(unit)?;
    let end = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
    let (unit, rest) = rest.split_at_checked(end)?;
    Some((number.parse().ok()?, unit.trim(), rest))
}

fn millis(text: &str) -> Option<u64> {
    const UNITS: [(&str, u64); 6] =
        [("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
    let (mut rest, mut last, mut sum) = (text.trim(), usize::MAX, 0u64);
    while !rest.is_empty() {
        let (number, unit, after) = part(rest)?;
        let (rank, (_, factor)) = UNITS.iter().enumerate().find(|(_, (name, _))| *name == unit)?;
        if last != usize::MAX && rank <= last {
            return None; // `5m1h` is a slip more often than a wish
        }
        (rest, last, sum) = (after, rank, sum.checked_add(number.checked_mul(*factor)?)?);
    }
    (last != usize::MAX).then_some(sum)
}

impl FromStr for HumanDuration {
    type Err = UnitError;
    fn from_str(text: &str) -> Result<Self, UnitError> {
        millis(text).map(|millis| Self(Duration::from_millis(millis))).ok_or(UnitError::Duration)
    }
}

impl FromStr for HumanSize {
    type Err = UnitError;
    fn from_str(text: &str) -> Result<Self, UnitError> {
        let (number, unit, "") = part(text.trim()).ok_or(UnitError::Size)? else { return Err(UnitError::Size) };
        let factor = match unit {
            "" | "B" => 1,
            "kB" => 1_000,
            "MB" => 1_000_000,
            "GB" => 1_000_000_000,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => return Err(UnitError::Size),
        };
        number.checked_mul(factor).map(Self).ok_or(UnitError::Size)
    }
}

impl fmt::Display for HumanDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (secs, millis) = (self.0.as_secs(), self.0.subsec_millis());
        let parts = [(secs / 86_400, "d"), (secs / 3_600 % 24, "h"), (secs / 60 % 60, "m"), (secs % 60, "s")];
        let mut parts: Vec<String> =
            parts.iter().filter(|(n, _)| *n > 0).map(|(n, unit)| format!("{n}{unit}")).collect();
        if millis > 0 || parts.is_empty() {
            parts.push(if millis > 0 { format!("{millis}ms") } else { "0s".to_owned() });
        }
        f.write_str(&parts.concat())
    }
}

struct Text<T>(std::marker::PhantomData<T>, &'static str);

impl<T: FromStr<Err = UnitError>> de::Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.1)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

impl<'de> Deserialize<'de> for HumanDuration {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_str(Text(std::marker::PhantomData, "a duration as text, e.g. \"15m\""))
    }
}

impl<'de> Deserialize<'de> for HumanSize {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_str(Text(std::marker::PhantomData, "a size as text, e.g. \"1MiB\""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_shown_as_people_write_them() {
        for (text, millis) in
            [("250ms", 250), ("1h30m", 5_400_000), ("30d", 2_592_000_000), ("0s", 0), (" 15m ", 900_000)]
        {
            let read: HumanDuration = text.parse().unwrap();
            assert_eq!(read.0, Duration::from_millis(millis), "{text}");
            assert_eq!(read.to_string().parse::<HumanDuration>(), Ok(read));
        }
        for bad in
            ["", "5", "m", "5m1h", "1h1h", "-1s", "1.5h", "99999999999999999999s", "18446744073709551615w", "5 minutes"]
        {
            assert_eq!(bad.parse::<HumanDuration>(), Err(UnitError::Duration), "{bad}");
        }
    }

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (text, bytes) in
            [("10", 10), ("512KiB", 524_288), ("1 MiB", 1_048_576), ("10MB", 10_000_000), ("2GiB", 2_147_483_648)]
        {
            assert_eq!(text.parse(), Ok(HumanSize(bytes)), "{text}");
        }
        for bad in ["", "MiB", "1mb", "1MiB2", "-1", "18446744073709551615GiB"] {
            assert_eq!(bad.parse::<HumanSize>(), Err(UnitError::Size), "{bad}");
        }
    }
}
