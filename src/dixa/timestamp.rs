//! How an endpoint writes instants: in the bounds of a request, and in its records.

use std::str;
use std::time::Duration;

use serde_json::Value;

use crate::epoch::EpochMs;

/// The format of an endpoint's instants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeFormat {
    /// Integer milliseconds since 1970, as on the Exports API (docs/dixa-api.md 1.7).
    Milliseconds,
    /// Text: bounds in whole seconds, such as `2025-01-31T00:00:00Z`; records in any form of
    /// docs/dixa-api.md 2.4.
    Text,
}

impl TimeFormat {
    /// The smallest difference between two bounds.
    pub fn step(self) -> Duration {
        match self {
            Self::Milliseconds => Duration::from_millis(1),
            Self::Text => Duration::from_secs(1),
        }
    }

    /// A bound as a query parameter. It must be a whole number of steps.
    pub fn parameter(self, instant: EpochMs) -> String {
        match self {
            Self::Milliseconds => instant.0.to_string(),
            Self::Text => instant.to_string(),
        }
    }

    /// An instant as it is written in a state.
    pub fn value(self, instant: EpochMs) -> Value {
        match self {
            Self::Milliseconds => instant.0.into(),
            Self::Text => instant.to_string().into(),
        }
    }

    /// The instant in a text; `None` if this format is not text.
    pub fn parse(self, text: &str) -> Option<EpochMs> {
        match self {
            Self::Milliseconds => None,
            Self::Text => EpochMs::parse_any(text),
        }
    }

    /// The format's name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Milliseconds => "number of milliseconds since 1970",
            Self::Text => "date-time such as 2025-01-31T00:00:00Z",
        }
    }

    /// The instant in a JSON token of a record; `None` for anything else.
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

/// An integer of up to 18 digits: the common form, parsed quickly.
fn digits(token: &[u8]) -> Option<i64> {
    if token.len() > 18 {
        return None;
    }
    token.iter().try_fold(0, |number, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit < 10).then_some(number * 10 + i64::from(digit))
    })
}

/// A number in any form of JSON, rounded down.
fn number(token: &[u8]) -> Option<i64> {
    let text = str::from_utf8(token).ok()?;
    let whole = text.parse().ok();
    whole.or_else(|| text.parse().ok().map(floor))
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the cast saturates, and a cursor that far away needs no exact value"
)]
fn floor(number: f64) -> i64 {
    number.floor() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(format: TimeFormat, token: &str, expected: Option<i64>) {
        assert_eq!(
            format.read(token.as_bytes()),
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
            check(TimeFormat::Milliseconds, token, expected);
        }
    }

    #[test]
    fn texts_are_read_in_every_form_that_dixa_documents() {
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
            check(TimeFormat::Text, token, expected);
        }
    }

    #[test]
    fn a_written_instant_is_read_back() {
        let instant = EpochMs(1_638_362_796_000);
        for format in [TimeFormat::Milliseconds, TimeFormat::Text] {
            let value = format.value(instant).to_string();
            assert_eq!(format.read(value.as_bytes()), Some(instant));
            assert_eq!(
                format.value(instant).to_string().trim_matches('"'),
                format.parameter(instant)
            );
        }
    }
}
