//! The grammar of JSON (RFC 8259), one byte at a time.

use crate::split_error::SplitError;

/// What the grammar allows next. A chunk may end in any state, and the next one continues from it.
#[derive(Clone, Copy)]
pub enum Expect {
    Value,
    /// After `[`.
    ValueOrEnd,
    /// After `{`.
    KeyOrEnd,
    /// After a comma in an object.
    Key,
    Colon,
    CommaOrEnd,
    /// After the outermost value.
    End,
    /// Inside a string.
    Text {
        is_key: bool,
    },
    /// After a backslash.
    Escape {
        is_key: bool,
    },
    /// After `\u`, with this many hexadecimal digits left.
    Hex {
        is_key: bool,
        left: u8,
    },
    Number(Number),
    /// The remaining bytes of `true`, `false` or `null`.
    Literal(&'static [u8]),
}

impl Expect {
    pub fn after_escape(byte: u8, is_key: bool) -> Result<Self, SplitError> {
        match byte {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(Self::Text { is_key }),
            b'u' => Ok(Self::Hex { is_key, left: 4 }),
            _ => Err(SplitError::NotJson("an escape in a string")),
        }
    }

    pub fn after_hex(byte: u8, is_key: bool, left: u8) -> Result<Self, SplitError> {
        match (byte.is_ascii_hexdigit(), left) {
            (false, _) => Err(SplitError::NotJson("an escape in a string")),
            (true, 1) => Ok(Self::Text { is_key }),
            (true, _) => Ok(Self::Hex {
                is_key,
                left: left - 1,
            }),
        }
    }
}

/// The state within a number.
#[derive(Clone, Copy)]
pub enum Number {
    Minus,
    Zero,
    Integer,
    Point,
    Fraction,
    Exponent,
    ExponentSign,
    ExponentDigits,
}

impl Number {
    /// The state after a number's first byte, a minus or a digit.
    pub fn first(byte: u8) -> Self {
        match byte {
            b'-' => Self::Minus,
            b'0' => Self::Zero,
            _ => Self::Integer,
        }
    }

    /// Whether a number that ends in this state has an exponent.
    pub fn has_exponent(self) -> bool {
        matches!(self, Self::ExponentDigits)
    }

    /// The state after one more byte; `None` if the number ends before it.
    pub fn after(self, byte: u8) -> Result<Option<Self>, SplitError> {
        let next = match (self, byte) {
            (Self::Minus, b'0') => Self::Zero,
            (Self::Minus | Self::Integer, b'0'..=b'9') => Self::Integer,
            (Self::Zero | Self::Integer, b'.') => Self::Point,
            (Self::Point | Self::Fraction, b'0'..=b'9') => Self::Fraction,
            (Self::Zero | Self::Integer | Self::Fraction, b'e' | b'E') => Self::Exponent,
            (Self::Exponent, b'+' | b'-') => Self::ExponentSign,
            (Self::Exponent | Self::ExponentSign | Self::ExponentDigits, b'0'..=b'9') => {
                Self::ExponentDigits
            }
            (Self::Zero | Self::Integer | Self::Fraction | Self::ExponentDigits, _) => {
                return Ok(None);
            }
            _ => return Err(SplitError::NotJson("a number")),
        };
        Ok(Some(next))
    }
}

/// The remaining bytes of a literal after `byte`.
pub fn literal(remaining: &'static [u8], byte: u8) -> Result<&'static [u8], SplitError> {
    match remaining.split_first() {
        Some((first, rest)) if *first == byte => Ok(rest),
        _ => Err(SplitError::NotJson("where a value was expected")),
    }
}

/// The length of the escape at the start of a text; `None` if it is invalid, incomplete, or must be repaired.
pub fn escape(text: &[u8]) -> Option<usize> {
    match Expect::after_escape(*text.get(1)?, false).ok()? {
        Expect::Hex { .. } => {
            let digits = text.get(2..6)?;
            let is_valid =
                digits.iter().all(u8::is_ascii_hexdigit) && !is_null_or_surrogate(digits);
            is_valid.then_some(6)
        }
        _ => Some(2),
    }
}

/// Whether four hexadecimal digits represent U+0000 or a surrogate.
pub fn is_null_or_surrogate(digits: &[u8]) -> bool {
    match digits {
        b"0000" => true,
        [b'd' | b'D', second, ..] => matches!(second, b'8' | b'9' | b'a'..=b'f' | b'A'..=b'F'),
        _ => false,
    }
}

/// Whether a byte represents itself in a string.
pub fn is_plain(byte: u8) -> bool {
    byte >= 0x20 && byte != b'"' && byte != b'\\'
}
