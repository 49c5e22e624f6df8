//! The state machine: a body, chunk by chunk, into records. It alone decides what is JSON. The frame around the records is kept,
//! and read at the end; of a record, only what spans two chunks is copied.

mod fast_path;
mod values;

use std::mem;

use crate::buffer::{MAX_ENVELOPE, MAX_RECORD, Range, RecordBuffer};
use crate::fields::Fields;
use crate::grammar::{Expect, is_null_or_surrogate, literal};
use crate::record::{Record, Role};
use crate::scan;
use crate::shape::NodeId;
use crate::split_error::SplitError;

/// The deepest nesting of a body, its frame included; consumers of the output fail at about a thousand.
pub const MAX_DEPTH: usize = 512;
/// Numbers longer than this, in bytes, may be beyond the range of a double.
const LONG_NUMBER: usize = 300;
/// More bytes than this without a record, those of the frame included, are an error.
const MAX_GAP: usize = MAX_RECORD + MAX_ENVELOPE;

/// Where the records of a body are: under these keys, from the top down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordPath {
    /// In an array, which is the whole body if there are no keys.
    Array(&'static [&'static str]),
    /// The object there is the only record.
    Object(&'static [&'static str]),
}

impl RecordPath {
    fn path(self) -> &'static [&'static str] {
        let (Self::Array(path) | Self::Object(path)) = self;
        path
    }

    fn is_array(self) -> bool {
        matches!(self, Self::Array(_))
    }
}

/// A container that is open.
#[derive(Clone, Copy)]
struct Open {
    is_object: bool,
    inside: NodeId,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Records {
    NotYet,
    /// With this many containers around each of them.
    At(usize),
    Done,
}

/// Splits one body. Feed it the chunks in order, then call [`Splitter::finish`].
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an independent fact about the position"
)]
pub struct Splitter {
    frame: RecordPath,
    expect: Expect,
    /// The open containers, outermost first.
    open: Vec<Open>,
    records: Records,
    /// How many keys of the path to the records match the current position.
    matched: usize,
    /// The next value is the next step on the path to the records.
    on_path: bool,
    buffer: RecordBuffer,
    key_begin: usize,
    /// Of the current or the next value.
    place: NodeId,
    role: Role,
    value_begin: usize,
    number_begin: usize,
    key: Option<Range>,
    cursor: Option<Range>,
    is_empty: bool,
    /// The record must be repaired by `repair`.
    may_need_repair: bool,
    has_undeclared: bool,
    /// The hexadecimal digits of the current escape.
    digits: [u8; 4],
    /// The last value or opening bracket of the record, and where it ended.
    last: NodeId,
    last_end: usize,
    /// It was the last thing that was read.
    has_just_passed: bool,
    /// Bytes since the last record ended.
    gap: usize,
}

impl Splitter {
    pub fn new(frame: RecordPath) -> Self {
        Self {
            frame,
            expect: Expect::Value,
            open: Vec::with_capacity(16),
            records: Records::NotYet,
            matched: 0,
            on_path: false,
            buffer: RecordBuffer::default(),
            key_begin: 0,
            place: NodeId::UNKNOWN,
            role: Role::Plain,
            value_begin: 0,
            number_begin: 0,
            key: None,
            cursor: None,
            is_empty: true,
            may_need_repair: false,
            has_undeclared: false,
            digits: [0; 4],
            last: NodeId::UNKNOWN,
            last_end: 0,
            has_just_passed: false,
            gap: 0,
        }
    }

    /// Takes the next bytes of the body and emits each record that ends in them.
    pub fn feed(
        &mut self,
        chunk: &[u8],
        fields: &mut Fields,
        mut emit: impl FnMut(Record<'_>),
    ) -> Result<(), SplitError> {
        self.buffer.begin_chunk();
        let mut at = 0;
        let mut gap_begin = 0;
        while let Some(&byte) = chunk.get(at) {
            if mem::take(&mut self.has_just_passed) && self.role == Role::Plain {
                let end = self.fast_forward(chunk, at, fields)?;
                if end > at {
                    at = end;
                    continue;
                }
            }
            at = match self.expect {
                Expect::Text { is_key } => self.text(chunk, at, is_key, fields)?,
                Expect::Escape { .. }
                | Expect::Hex { .. }
                | Expect::Number(_)
                | Expect::Literal(_) => self.inside_token(at, byte)?,
                _ if matches!(byte, b' ' | b'\t' | b'\n' | b'\r') => self.blank(chunk, at)?,
                _ => {
                    self.structure(chunk, at, byte, fields)?;
                    if self.buffer.in_record() && Records::At(self.open.len()) == self.records {
                        self.end_record(chunk, at + 1, &mut emit)?;
                        (self.gap, gap_begin) = (0, at + 1);
                    }
                    at + 1
                }
            };
        }
        self.buffer.retain(chunk, chunk.len())?;
        self.gap += chunk.len() - gap_begin;
        if self.gap > MAX_GAP {
            Err(SplitError::NoRecord)
        } else {
            Ok(())
        }
    }

    /// The end of the body: the frame, which is everything around the records, as JSON with an empty array in their place; or why
    /// the body is not complete.
    pub fn finish(&mut self) -> Result<&str, SplitError> {
        if !matches!(self.expect, Expect::End) {
            return Err(SplitError::Unfinished);
        }
        if self.records != Records::Done {
            return Err(self.nothing_there());
        }
        self.buffer.envelope()
    }

    fn nothing_there(&self) -> SplitError {
        if self.frame.is_array() {
            SplitError::NoArray
        } else {
            SplitError::NoRecordThere
        }
    }

    /// Directly in the record, and not in a container inside it.
    fn is_in_field(&self) -> bool {
        self.records == Records::At(self.open.len().wrapping_sub(1))
    }

    /// Inside an escape, a number or a literal: one byte, or none if a number ended before it.
    #[inline]
    fn inside_token(&mut self, at: usize, byte: u8) -> Result<usize, SplitError> {
        match self.expect {
            Expect::Escape { is_key } => self.expect = Expect::after_escape(byte, is_key)?,
            Expect::Hex { is_key, left } => {
                self.expect = Expect::after_hex(byte, is_key, left)?;
                self.digits[4 - usize::from(left)] = byte;
                self.may_need_repair |= left == 1 && is_null_or_surrogate(&self.digits);
            }
            Expect::Number(number) => match number.after(byte)? {
                Some(number) => self.expect = Expect::Number(number),
                None => {
                    let length = self.buffer.position(at) - self.number_begin;
                    self.may_need_repair |= number.has_exponent() || length > LONG_NUMBER;
                    self.end_scalar(at);
                    return Ok(at);
                }
            },
            Expect::Literal(rest) => match literal(rest, byte)? {
                [] => self.end_scalar(at + 1),
                rest => self.expect = Expect::Literal(rest),
            },
            _ => unreachable!("it is inside a token"),
        }
        Ok(at + 1)
    }

    /// Inside a string: to its end, to an escape, or to the end of the chunk.
    fn text(
        &mut self,
        chunk: &[u8],
        at: usize,
        is_key: bool,
        fields: &mut Fields,
    ) -> Result<usize, SplitError> {
        let at = scan::skip_plain(chunk, at);
        match chunk.get(at) {
            None => return Ok(at),
            Some(b'\\') => self.expect = Expect::Escape { is_key },
            Some(b'"') if is_key => {
                self.end_key(chunk, at, fields);
                self.expect = Expect::Colon;
            }
            Some(b'"') => self.end_scalar(at + 1),
            Some(_) => return Err(SplitError::NotJson("a control character in a string")),
        }
        Ok(at + 1)
    }

    /// Whitespace between tokens: kept in records, except line breaks, and dropped from the frame.
    fn blank(&mut self, chunk: &[u8], at: usize) -> Result<usize, SplitError> {
        let in_record = self.buffer.in_record();
        let kept = |byte: u8| in_record && matches!(byte, b' ' | b'\t');
        let dropped = |byte: u8| {
            matches!(byte, b'\n' | b'\r') || (!in_record && matches!(byte, b' ' | b'\t'))
        };
        let end = end_of_run(chunk, at, kept);
        if end > at {
            return Ok(end);
        }
        let end = end_of_run(chunk, at, dropped);
        self.buffer.retain_except(chunk, (at, end))?;
        Ok(end)
    }

    /// A byte between tokens that is not whitespace.
    fn structure(
        &mut self,
        chunk: &[u8],
        at: usize,
        byte: u8,
        fields: &mut Fields,
    ) -> Result<(), SplitError> {
        match (self.expect, byte) {
            (Expect::Value, _) => self.begin_value(chunk, at, byte, fields),
            (Expect::ValueOrEnd | Expect::CommaOrEnd, b']') => self.close(false, chunk, at, fields),
            (Expect::ValueOrEnd, _) => self.begin_value(chunk, at, byte, fields),
            (Expect::KeyOrEnd | Expect::CommaOrEnd, b'}') => self.close(true, chunk, at, fields),
            (Expect::KeyOrEnd | Expect::Key, b'"') => {
                self.key_begin = self.buffer.position(at + 1);
                self.expect = Expect::Text { is_key: true };
                Ok(())
            }
            (Expect::Colon, b':') => {
                self.expect = Expect::Value;
                Ok(())
            }
            (Expect::CommaOrEnd, b',') => {
                if !self.buffer.in_record() && Records::At(self.open.len()) == self.records {
                    self.buffer.retain_except(chunk, (at, at + 1))?;
                }
                self.expect = if self.open.last().is_some_and(|open| open.is_object) {
                    Expect::Key
                } else {
                    Expect::Value
                };
                Ok(())
            }
            (Expect::End, _) => Err(SplitError::Trailing),
            _ => Err(SplitError::NotJson("between two tokens")),
        }
    }
}

/// The end of the run of bytes from `at` on for which `belongs` holds.
fn end_of_run(chunk: &[u8], at: usize, belongs: impl Fn(u8) -> bool) -> usize {
    let length = chunk[at..].iter().position(|byte| !belongs(*byte));
    length.map_or(chunk.len(), |length| at + length)
}

#[cfg(test)]
mod tests;
