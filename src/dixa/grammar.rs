//! JSON's grammar (RFC 8259), one byte at a time: what may follow what.

use crate::dixa::error::BodyFault;

/// What the grammar allows next. Any state may be left at the end of a chunk and taken up in the next one.
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
    /// After `\u`, with so many hexadecimal digits to come.
    Hex {
        is_key: bool,
        left: u8,
    },
    Number(Number),
    /// The bytes still due of `true`, `false` or `null`.
    Literal(&'static [u8]),
}

impl Expect {
    pub fn after_escape(byte: u8, is_key: bool) -> Result<Self, BodyFault> {
        match byte {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(Self::Text { is_key }),
            b'u' => Ok(Self::Hex { is_key, left: 4 }),
            _ => Err(BodyFault::NotJson("an escape in a string")),
        }
    }

    pub fn after_hex(byte: u8, is_key: bool, left: u8) -> Result<Self, BodyFault> {
        match (byte.is_ascii_hexdigit(), left) {
            (false, _) => Err(BodyFault::NotJson("an escape in a string")),
            (true, 1) => Ok(Self::Text { is_key }),
            (true, _) => Ok(Self::Hex {
                is_key,
                left: left - 1,
            }),
        }
    }
}

/// How far a number has come.
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

    /// The state after one more byte; `None` if the number ended before it.
    pub fn after(self, byte: u8) -> Result<Option<Self>, BodyFault> {
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
            _ => return Err(BodyFault::NotJson("a number")),
        };
        Ok(Some(next))
    }
}

/// The bytes still due of a literal after `byte`.
pub fn literal(due: &'static [u8], byte: u8) -> Result<&'static [u8], BodyFault> {
    match due.split_first() {
        Some((first, rest)) if *first == byte => Ok(rest),
        _ => Err(BodyFault::NotJson("where a value was due")),
    }
}

/// The length of the escape that a text begins with, if it is one and whole.
pub fn escape(text: &[u8]) -> Option<usize> {
    match Expect::after_escape(*text.get(1)?, false).ok()? {
        Expect::Hex { .. } => {
            let digits = text.get(2..6)?;
            digits.iter().all(u8::is_ascii_hexdigit).then_some(6)
        }
        _ => Some(2),
    }
}

/// The byte stands for itself in a string.
pub fn plain(byte: u8) -> bool {
    byte >= 0x20 && byte != b'"' && byte != b'\\'
}
