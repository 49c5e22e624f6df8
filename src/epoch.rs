//! Instants in milliseconds since 1970, UTC, as Dixa and Airbyte use them. The only file that reads the wall clock.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat, Utc};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// An instant, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EpochMs(pub i64);

impl EpochMs {
    /// The current time of the wall clock.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the clock"
    )]
    pub fn now() -> Self {
        Self::from(SystemTime::now())
    }

    /// Parses a calendar date (its first instant in UTC) or a date-time that ends in `Z`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
            return Some(Self(
                date.and_hms_opt(0, 0, 0)?.and_utc().timestamp_millis(),
            ));
        }
        let instant = DateTime::parse_from_rfc3339(text).ok()?;
        text.ends_with('Z')
            .then(|| Self(instant.timestamp_millis()))
    }

    /// Parses a date-time in any form that the main API documents (docs/dixa-api.md 2.4): with `Z` or
    /// an offset, optionally followed by a zone name in brackets, or without a zone, which means UTC;
    /// or a calendar date. `None` for anything else.
    pub fn parse_any(text: &str) -> Option<Self> {
        let text = match text.strip_suffix(']').and_then(|text| text.split_once('[')) {
            Some((instant, _)) => instant,
            None => text,
        };
        let zoned = DateTime::parse_from_rfc3339(text).map(|instant| instant.timestamp_millis());
        let unzoned = || {
            let instant = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").ok()?;
            Some(Self(instant.and_utc().timestamp_millis()))
        };
        zoned
            .ok()
            .map(Self)
            .or_else(unzoned)
            .or_else(|| Self::parse(text))
    }

    /// Parses an HTTP date such as `Sun, 06 Nov 1994 08:49:37 GMT`, or one of the two obsolete forms; `None` for anything else.
    pub fn parse_http(text: &str) -> Option<Self> {
        if let Ok(instant) = DateTime::parse_from_rfc2822(text) {
            return Some(Self(instant.timestamp_millis()));
        }
        let obsolete = ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];
        let mut parsed = obsolete
            .iter()
            .filter_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
        Some(Self(parsed.next()?.and_utc().timestamp_millis()))
    }

    /// The whole second at or before this instant.
    #[must_use]
    pub fn floor_to_second(self) -> Self {
        Self(self.0.div_euclid(1000) * 1000)
    }

    /// The whole second at or after this instant.
    #[must_use]
    pub fn ceil_to_second(self) -> Self {
        Self(self.0.saturating_add(999)).floor_to_second()
    }

    /// The midnight, in UTC, at or before this instant.
    #[must_use]
    pub fn floor_to_day(self) -> Self {
        Self(self.0.div_euclid(DAY_MS).saturating_mul(DAY_MS))
    }

    /// The midnight, in UTC, at or after this instant.
    #[must_use]
    pub fn ceil_to_day(self) -> Self {
        Self(self.0.saturating_add(DAY_MS - 1)).floor_to_day()
    }

    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(whole_ms(span)))
    }

    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(whole_ms(span)))
    }

    /// The time since `earlier`; zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

/// Also accepts times before 1970: a clock that was never set must not crash the program.
impl From<SystemTime> for EpochMs {
    fn from(time: SystemTime) -> Self {
        let epoch = Self(0);
        match time.duration_since(UNIX_EPOCH) {
            Ok(after) => epoch.plus(after),
            Err(error) => epoch.minus(error.duration()),
        }
    }
}

fn whole_ms(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

impl EpochMs {
    /// A UTC date-time with these digits of the second; plain milliseconds if it is outside the calendar's range.
    pub fn to_rfc3339(self, digits: SecondsFormat) -> String {
        match DateTime::<Utc>::from_timestamp_millis(self.0) {
            Some(instant) => instant.to_rfc3339_opts(digits, true),
            None => format!("{} ms", self.0),
        }
    }
}

/// A UTC date-time such as `2025-01-31T00:00:00Z`, with milliseconds only if they are not zero.
impl fmt::Display for EpochMs {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = if self.0 % 1000 == 0 {
            SecondsFormat::Secs
        } else {
            SecondsFormat::Millis
        };
        formatter.write_str(&self.to_rfc3339(digits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<i64>) {
        assert_eq!(EpochMs::parse(text), expected.map(EpochMs), "{text}");
    }

    #[test]
    fn dates_and_utc_date_times_are_parsed() {
        check("1970-01-01", Some(0));
        check("2015-01-01", Some(1_420_070_400_000));
        check("2015-01-01T00:00:01Z", Some(1_420_070_401_000));
        check("2015-01-01T00:00:01.250Z", Some(1_420_070_401_250));
    }

    #[test]
    fn other_zones_and_impossible_dates_are_rejected() {
        for text in [
            "2023-02-30",
            "2015-01-01T00:00:00",
            "2015-01-01T00:00:00+01:00",
            "2015-1-1x",
            "",
            "yesterday",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn seconds_are_rounded_down_and_up() {
        assert_eq!(EpochMs(1_999).floor_to_second(), EpochMs(1_000));
        assert_eq!(EpochMs(-1).floor_to_second(), EpochMs(-1_000));
        assert_eq!(EpochMs(1_001).ceil_to_second(), EpochMs(2_000));
        assert_eq!(EpochMs(2_000).ceil_to_second(), EpochMs(2_000));
    }

    #[test]
    fn a_clock_before_1970_is_accepted() {
        let at = |time: Option<SystemTime>| EpochMs::from(time.unwrap());
        let second = Duration::from_millis(1_500);
        assert_eq!(at(UNIX_EPOCH.checked_add(second)), EpochMs(1_500));
        assert_eq!(at(UNIX_EPOCH.checked_sub(second)), EpochMs(-1_500));
        assert_eq!(EpochMs(-1_500).to_string(), "1969-12-31T23:59:58.500Z");
    }

    #[test]
    fn an_http_date_is_parsed() {
        assert_eq!(
            EpochMs::parse_http("Sun, 06 Nov 1994 08:49:37 GMT"),
            Some(EpochMs(784_111_777_000))
        );
        assert_eq!(EpochMs::parse_http("120"), None);
    }

    #[test]
    fn an_instant_is_displayed_as_a_utc_date_time() {
        assert_eq!(
            EpochMs(1_420_070_400_000).to_string(),
            "2015-01-01T00:00:00Z"
        );
        assert_eq!(
            EpochMs(1_420_070_400_001).to_string(),
            "2015-01-01T00:00:00.001Z"
        );
        assert_eq!(EpochMs(i64::MAX).to_string(), "9223372036854775807 ms");
    }
}
