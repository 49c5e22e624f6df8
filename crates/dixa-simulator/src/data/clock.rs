//! The simulator's only use of the wall clock, and the forms in which Dixa writes time.
#![expect(
    clippy::disallowed_methods,
    reason = "the simulator needs the time of day; all else takes it as an argument"
)]

use chrono::{DateTime, Datelike, Timelike};

/// Milliseconds since 1970, as the exports write time.
pub fn now_ms() -> i64 {
    chrono::Utc::now().timestamp_millis()
}

/// The form of `Date` and of a dated `Retry-After`: `Sun, 06 Nov 1994 08:49:37 GMT`.
pub fn http_date(ms: i64) -> String {
    instant(ms).format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// The form of most times of the main API (docs/dixa-api.md 2.4): `2020-12-16T09:41:43Z`.
pub fn iso_date(ms: i64) -> String {
    instant(ms).format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// With milliseconds: `2021-12-01T12:46:36.581Z`. The activity log has very many of them: chrono's own format takes too long.
pub fn iso_date_ms(ms: i64) -> String {
    let time = instant(ms);
    let numbers = [
        (time.year().unsigned_abs(), 4, '-'),
        (time.month(), 2, '-'),
        (time.day(), 2, 'T'),
        (time.hour(), 2, ':'),
        (time.minute(), 2, ':'),
        (time.second(), 2, '.'),
        (time.timestamp_subsec_millis(), 3, 'Z'),
    ];
    let mut text = String::with_capacity(24);
    for (number, digits, end) in numbers {
        for digit in (0..digits).rev() {
            let digit = number / 10_u32.pow(digit) % 10;
            text.extend(char::from_digit(digit, 10));
        }
        text.push(end);
    }
    text
}

/// Without a zone, as presence has it: `2021-12-01T12:46:35.935`.
pub fn local_date_ms(ms: i64) -> String {
    instant(ms).format("%Y-%m-%dT%H:%M:%S%.3f").to_string()
}

/// The day, in days since 1970: `2021-12-01`.
pub fn date(day: i64) -> String {
    instant(day * 86_400_000).format("%Y-%m-%d").to_string()
}

fn instant(ms: i64) -> DateTime<chrono::Utc> {
    DateTime::from_timestamp_millis(ms).unwrap_or_default()
}
