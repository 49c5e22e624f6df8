//! One record: its bytes, and the two of its values that anybody looks at.

use crate::epoch::EpochMs;

/// One record as it came, line breaks between its tokens taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    pub bytes: &'a [u8],
    /// The key's JSON token; `None` where it is missing or null.
    pub key: Option<&'a [u8]>,
    /// The cursor's JSON token; `None` where it is missing or null.
    pub cursor: Option<&'a [u8]>,
    /// The record is `{}`.
    pub is_empty: bool,
}

impl Record<'_> {
    /// The cursor where it is a number: milliseconds since 1970.
    pub fn cursor_ms(&self) -> Option<EpochMs> {
        let token = self.cursor?;
        digits(token).map(EpochMs).or_else(|| {
            let text = std::str::from_utf8(token).ok()?;
            let whole = text.parse().ok();
            whole.or_else(|| text.parse().ok().map(floor)).map(EpochMs)
        })
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

#[expect(
    clippy::cast_possible_truncation,
    reason = "the cast saturates, and a cursor that far away is just far away"
)]
fn floor(number: f64) -> i64 {
    number.floor() as i64
}
