//! Numbers as people read them.

use std::time::Duration;

/// `1 window`, `2 windows`, `1,000 windows`.
pub fn plural(count: impl Into<u64>, thing: &str) -> String {
    match count.into() {
        1 => format!("1 {thing}"),
        count => format!("{} {thing}s", grouped(count)),
    }
}

/// `1,234,567`.
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `999 B`, `1.2 kB`, `1.2 MB`, `1.2 GB`.
#[expect(
    clippy::cast_precision_loss,
    reason = "a petabyte needs no more digits"
)]
pub fn size(bytes: u64) -> String {
    let bytes_as_float = bytes as f64;
    // What rounds to 1000 of a unit is 1 of the next.
    let (divisor, unit) = match bytes {
        0..1_000 => return format!("{bytes} B"),
        1_000..999_950 => (1e3, "kB"),
        999_950..999_950_000 => (1e6, "MB"),
        _ => (1e9, "GB"),
    };
    format!("{:.1} {unit}", bytes_as_float / divisor)
}

/// `3.1 s`, `1 min 12 s`, `2 h 5 min`.
pub fn span(span: Duration) -> String {
    match span.as_secs() {
        0..60 => format!("{:.1} s", span.as_secs_f64().min(59.9)),
        seconds @ 60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => in_minutes(span),
    }
}

/// `about 40 s left`, `about 3 min left`.
pub fn time_left(left: Duration) -> String {
    let seconds = left.as_secs();
    let about = match seconds {
        // Seconds are rounded up to fives, so that they do not flicker.
        0..90 => format!("{} s", seconds.max(1).next_multiple_of(5)),
        _ => in_minutes(Duration::from_secs(seconds + 30)),
    };
    format!("about {about} left")
}

/// `2 h 5 min`.
pub fn in_minutes(span: Duration) -> String {
    let minutes = span.as_secs() / 60;
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_their_unit_agrees() {
        for (count, expected) in [
            (0_u64, "0 records"),
            (1, "1 record"),
            (2, "2 records"),
            (999, "999 records"),
            (1_000, "1,000 records"),
            (1_234_567, "1,234,567 records"),
        ] {
            assert_eq!(plural(count, "record"), expected);
        }
    }

    #[test]
    fn sizes_are_decimal() {
        for (bytes, expected) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (999_949, "999.9 kB"),
            (999_950, "1.0 MB"),
            (12_345_678, "12.3 MB"),
            (1_234_567_890, "1.2 GB"),
        ] {
            assert_eq!(size(bytes), expected);
        }
    }

    #[test]
    fn spans_have_two_units_at_most() {
        for (ms, expected) in [
            (0, "0.0 s"),
            (3_140, "3.1 s"),
            (59_990, "59.9 s"),
            (72_900, "1 min 12 s"),
            (7_500_000, "2 h 5 min"),
        ] {
            assert_eq!(span(Duration::from_millis(ms)), expected);
        }
        for (seconds, expected) in [
            (0, "about 5 s left"),
            (12, "about 15 s left"),
            (85, "about 85 s left"),
            (90, "about 2 min left"),
            (184, "about 3 min left"),
            (3_600, "about 1 h 0 min left"),
        ] {
            assert_eq!(time_left(Duration::from_secs(seconds)), expected);
        }
    }
}
