//! How an endpoint writes instants: in the bounds that are asked for, and in its records.

use std::str;
use std::time::Duration;

use serde_json::Value;

use crate::epoch::EpochMs;

/// The form of an endpoint's instants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// Whole numbers of milliseconds since 1970, as on the Exports API (dixa-api.md 1.7).
    Milliseconds,
    /// Text: bounds in whole seconds, `2025-01-31T00:00:00Z`; records in any form of dixa-api.md 2.4.
    Text,
}

impl Times {
    /// The smallest difference between two bounds.
    pub fn step(self) -> Duration {
        match self {
            Self::Milliseconds => Duration::from_millis(1),
            Self::Text => Duration::from_secs(1),
        }
    }

    /// A bound as a parameter; a whole number of steps.
    pub fn parameter(self, instant: EpochMs) -> String {
        match self {
            Self::Milliseconds => instant.0.to_string(),
            Self::Text => instant.to_string(),
        }
    }

    /// An instant as it stands in a state.
    pub fn value(self, instant: EpochMs) -> Value {
        match self {
            Self::Milliseconds => instant.0.into(),
            Self::Text => instant.to_string().into(),
        }
    }

    /// The instant in a text; `None` where instants are no text.
    pub fn parse(self, text: &str) -> Option<EpochMs> {
        match self {
            Self::Milliseconds => None,
            Self::Text => EpochMs::parse_any(text),
        }
    }

    /// What an instant is, for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Milliseconds => "number of milliseconds since 1970",
            Self::Text => "date-time such as 2025-01-31T00:00:00Z",
        }
    }

    /// The instant that a JSON token of a record is; `None` for anything else.
    pub fn read(self, token: &[u8]) -> Option<EpochMs> {
        match self {
            Self::Milliseconds => digits(token).or_else(|| number(token)).map(EpochMs),
            Self::Text => {
                let text: String = serde_json::from_slice(token).ok()?;
                self.parse(&text)
            }
        }
    }
}

/// A number of few digits and nothing else, as times are written.
fn digits(token: &[u8]) -> Option<i64> {
    if token.len() > 18 {
        return None;
    }
    token.iter().try_fold(0, |number, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit < 10).then_some(number * 10 + i64::from(digit))
    })
}

/// A number in any form that JSON has.
fn number(token: &[u8]) -> Option<i64> {
    let text = str::from_utf8(token).ok()?;
    let whole = text.parse().ok();
    whole.or_else(|| text.parse().ok().map(floor))
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the cast saturates, and a cursor that far away is just far away"
)]
fn floor(number: f64) -> i64 {
    number.floor() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(times: Times, token: &str, expected: Option<i64>) {
        assert_eq!(
            times.read(token.as_bytes()),
            expected.map(EpochMs),
            "{token}"
        );
    }

    #[test]
    fn milliseconds_are_numbers() {
        for (token, expected) in [
            ("1700000000000", Some(1_700_000_000_000)),
            ("-5", Some(-5)),
            ("1.7e12", Some(1_700_000_000_000)),
            ("-0.5", Some(-1)),
            ("99999999999999999999", Some(i64::MAX)),
            ("\"1700000000000\"", None),
            ("true", None),
        ] {
            check(Times::Milliseconds, token, expected);
        }
    }

    #[test]
    fn texts_are_read_in_every_form_that_dixa_shows() {
        let instant = 1_638_362_796_581;
        for (token, expected) in [
            (r#""2021-12-01T12:46:36.581Z""#, Some(instant)),
            (r#""2021-12-01T12:46:36.581Z[GMT]""#, Some(instant)),
            (
                r#""2021-12-01T13:46:36.581+01:00[Europe/Paris]""#,
                Some(instant),
            ),
            (r#""2021-12-01T12:46:36.581""#, Some(instant)),
            (r#""2021-12-01T12:46:36.581999\u005a""#, Some(instant)),
            (r#""2021-12-01T12:46:36Z""#, Some(instant - 581)),
            (r#""yesterday""#, None),
            ("1638362796581", None),
            (r#"["2021-12-01T12:46:36Z"]"#, None),
        ] {
            check(Times::Text, token, expected);
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let instant = EpochMs(1_638_362_796_000);
        for times in [Times::Milliseconds, Times::Text] {
            let value = times.value(instant).to_string();
            assert_eq!(times.read(value.as_bytes()), Some(instant));
            assert_eq!(
                times.value(instant).to_string().trim_matches('"'),
                times.parameter(instant)
            );
        }
    }
}
