//! A body, chunk by chunk, into records: each is checked to be valid JSON in valid UTF-8, looked into for its key and
//! its cursor only, and handed on as the bytes that came. Knows no stream and no socket.
//!
//! One pass over the bytes, stopping and going on anywhere, with a short cut where a record is like the ones before it.
//! What lies around the records (the frame) is kept, small, and read at the end; of a record only what spans two chunks is
//! copied.

use std::mem;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::dixa::error::BodyFault;
use crate::dixa::fields::{Fields, Role, unescape};
use crate::dixa::grammar::{Expect, Number, literal};
use crate::dixa::paths::Place;
use crate::dixa::pieces::{MAX_FRAME, MAX_RECORD, Pieces, Range};
use crate::dixa::record::Record;
use crate::dixa::skip;

/// Containers inside containers, the frame included; consumers of the output give up at about a thousand.
pub const MAX_DEPTH: usize = 512;
/// So many bytes without a record, the frame's included, are too many.
const MAX_GAP: usize = MAX_RECORD + MAX_FRAME;

/// Where the records stand in a body: behind these keys, from the top down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// In an array, which is the whole body where there are no keys.
    Array(&'static [&'static str]),
    /// The one object there is a record.
    Object(&'static [&'static str]),
}

impl Frame {
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
    inside: Place,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Records {
    NotYet,
    /// Where there are so many containers around each of them.
    At(usize),
    Done,
}

/// Takes a body apart. Feed it the chunks in order, then [`Splitter::finish`] it.
pub struct Splitter {
    frame: Frame,
    expect: Expect,
    /// The open containers, outermost first.
    open: Vec<Open>,
    records: Records,
    /// How many keys of the frame lead to where we are.
    matched: usize,
    /// The coming value is the next step on the way that the frame tells.
    on_path: bool,
    pieces: Pieces,
    key_begin: usize,
    /// Of the value that is due or that we are in.
    place: Place,
    role: Role,
    value_begin: usize,
    key: Option<Range>,
    cursor: Option<Range>,
    is_empty: bool,
    /// The value or the opening bracket of the record that was passed last, and where it ended.
    last: Place,
    last_end: usize,
    /// Nothing came after it yet.
    has_just_passed: bool,
    /// Bytes since the last record ended.
    gap: usize,
}

impl Splitter {
    pub fn new(frame: Frame) -> Self {
        Self {
            frame,
            expect: Expect::Value,
            open: Vec::with_capacity(16),
            records: Records::NotYet,
            matched: 0,
            on_path: false,
            pieces: Pieces::default(),
            key_begin: 0,
            place: Place::UNKNOWN,
            role: Role::Plain,
            value_begin: 0,
            key: None,
            cursor: None,
            is_empty: true,
            last: Place::UNKNOWN,
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
    ) -> Result<(), BodyFault> {
        self.pieces.begin_chunk();
        let mut at = 0;
        let mut gap_begin = 0;
        while let Some(&byte) = chunk.get(at) {
            if mem::take(&mut self.has_just_passed) && self.role == Role::Plain {
                let end = self.stride(chunk, at, fields);
                if end > at {
                    at = end;
                    continue;
                }
            }
            at = match self.expect {
                Expect::Text { is_key } => self.text(chunk, at, is_key, fields)?,
                Expect::Escape { is_key } => {
                    self.expect = Expect::after_escape(byte, is_key)?;
                    at + 1
                }
                Expect::Hex { is_key, left } => {
                    self.expect = Expect::after_hex(byte, is_key, left)?;
                    at + 1
                }
                Expect::Number(number) => match number.after(byte)? {
                    Some(number) => {
                        self.expect = Expect::Number(number);
                        at + 1
                    }
                    None => {
                        self.end_scalar(at);
                        at
                    }
                },
                Expect::Literal(rest) => {
                    match literal(rest, byte)? {
                        [] => self.end_scalar(at + 1),
                        rest => self.expect = Expect::Literal(rest),
                    }
                    at + 1
                }
                _ if matches!(byte, b' ' | b'\t' | b'\n' | b'\r') => self.blank(chunk, at)?,
                _ => {
                    self.structure(chunk, at, byte, fields)?;
                    if self.pieces.in_record() && Records::At(self.open.len()) == self.records {
                        self.end_record(chunk, at + 1, &mut emit)?;
                        (self.gap, gap_begin) = (0, at + 1);
                    }
                    at + 1
                }
            };
        }
        self.pieces.keep(chunk, chunk.len())?;
        self.gap += chunk.len() - gap_begin;
        if self.gap > MAX_GAP {
            Err(BodyFault::NoRecord)
        } else {
            Ok(())
        }
    }

    /// The body is over: the relative link of the next page, `meta.next` (dixa-api.md 2.3), or that the body is not whole.
    /// `meta` missing, null or `{}` means no link.
    pub fn finish(self) -> Result<Option<String>, BodyFault> {
        if !matches!(self.expect, Expect::End) {
            return Err(BodyFault::Unfinished);
        }
        if self.records != Records::Done {
            return Err(self.nothing_there());
        }
        let frame = self.pieces.frame()?;
        if self.frame.path().is_empty() || !self.frame.is_array() {
            return Ok(None);
        }
        let envelope: Envelope = serde_json::from_str(frame).map_err(|_| BodyFault::NoLink)?;
        match envelope.meta.as_ref().and_then(|meta| meta.get("next")) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(next)) => Ok(Some(next.clone()).filter(|next| !next.is_empty())),
            Some(_) => Err(BodyFault::NoLink),
        }
    }

    fn nothing_there(&self) -> BodyFault {
        if self.frame.is_array() {
            BodyFault::NoArray
        } else {
            BodyFault::NoRecordThere
        }
    }

    /// In the record itself, and in no container in it.
    fn is_in_field(&self) -> bool {
        self.records == Records::At(self.open.len().wrapping_sub(1))
    }

    /// Over the values of a record, as long as they stand as they stood before and lie whole in the chunk.
    fn stride(&mut self, chunk: &[u8], begin: usize, fields: &Fields) -> usize {
        let mut at = begin;
        let mut last = self.last;
        while let Some(rest) = chunk.get(at..)
            && let Some((step, value)) = fields.paths.step(last, rest)
        {
            let (role, begin) = (step.role, at + step.length);
            let end = match value[0] {
                b'"' => skip::string(chunk, begin, value),
                first @ (b'[' | b'{') if role == Role::Plain => {
                    if value[1] == first + 2 {
                        Some(begin + 2)
                    } else {
                        let inside = fields.paths.known_inside(step.to, first == b'{');
                        if inside == Place::UNKNOWN {
                            break;
                        }
                        (at, last) = (begin + 1, inside);
                        continue;
                    }
                }
                _ => skip::word(value).map(|length| begin + length),
            };
            let Some(end) = end else { break };
            (at, last) = (end, step.to);
            let span = || Some((self.pieces.position(begin), self.pieces.position(end)));
            match role {
                Role::Plain => {}
                Role::Key => self.key = span(),
                Role::Cursor => self.cursor = span(),
            }
        }
        if at > begin {
            self.arrive(last, at, fields);
        }
        at
    }

    /// All that the machine would know here, if it had looked at every byte.
    fn arrive(&mut self, last: Place, at: usize, fields: &Fields) {
        let Records::At(depth) = self.records else {
            return;
        };
        self.open.truncate(depth + 1);
        let open = fields
            .paths
            .open(last)
            .map(|(inside, is_object)| Open { is_object, inside });
        self.open.extend(open);
        self.open[depth + 1..].reverse();
        self.expect = match self.open.last() {
            Some(Open {
                inside,
                is_object: true,
            }) if *inside == last => Expect::KeyOrEnd,
            Some(Open { inside, .. }) if *inside == last => Expect::ValueOrEnd,
            _ => Expect::CommaOrEnd,
        };
        (self.last, self.last_end) = (last, self.pieces.position(at));
        self.is_empty = false;
    }

    /// Inside a string: to its end, to an escape, or to the end of the chunk.
    fn text(
        &mut self,
        chunk: &[u8],
        at: usize,
        is_key: bool,
        fields: &mut Fields,
    ) -> Result<usize, BodyFault> {
        let at = skip::plain(chunk, at);
        match chunk.get(at) {
            None => return Ok(at),
            Some(b'\\') => self.expect = Expect::Escape { is_key },
            Some(b'"') if is_key => {
                self.end_key(chunk, at, fields);
                self.expect = Expect::Colon;
            }
            Some(b'"') => self.end_scalar(at + 1),
            Some(_) => return Err(BodyFault::NotJson("a control character in a string")),
        }
        Ok(at + 1)
    }

    /// Blanks between tokens: kept in records, except line breaks, and dropped from the frame.
    fn blank(&mut self, chunk: &[u8], at: usize) -> Result<usize, BodyFault> {
        let in_record = self.pieces.in_record();
        let kept = |byte: u8| in_record && matches!(byte, b' ' | b'\t');
        let dropped = |byte: u8| {
            matches!(byte, b'\n' | b'\r') || (!in_record && matches!(byte, b' ' | b'\t'))
        };
        let end = end_of_run(chunk, at, kept);
        if end > at {
            return Ok(end);
        }
        let end = end_of_run(chunk, at, dropped);
        self.pieces.keep_but(chunk, (at, end))?;
        Ok(end)
    }

    /// A byte between tokens that is no blank.
    fn structure(
        &mut self,
        chunk: &[u8],
        at: usize,
        byte: u8,
        fields: &mut Fields,
    ) -> Result<(), BodyFault> {
        match (self.expect, byte) {
            (Expect::Value, _) => self.begin_value(chunk, at, byte, fields),
            (Expect::ValueOrEnd | Expect::CommaOrEnd, b']') => self.close(false, chunk, at, fields),
            (Expect::ValueOrEnd, _) => self.begin_value(chunk, at, byte, fields),
            (Expect::KeyOrEnd | Expect::CommaOrEnd, b'}') => self.close(true, chunk, at, fields),
            (Expect::KeyOrEnd | Expect::Key, b'"') => {
                self.key_begin = self.pieces.position(at + 1);
                self.expect = Expect::Text { is_key: true };
                Ok(())
            }
            (Expect::Colon, b':') => {
                self.expect = Expect::Value;
                Ok(())
            }
            (Expect::CommaOrEnd, b',') => {
                if !self.pieces.in_record() && Records::At(self.open.len()) == self.records {
                    self.pieces.keep_but(chunk, (at, at + 1))?;
                }
                self.expect = if self.open.last().is_some_and(|open| open.is_object) {
                    Expect::Key
                } else {
                    Expect::Value
                };
                Ok(())
            }
            (Expect::End, _) => Err(BodyFault::Trailing),
            _ => Err(BodyFault::NotJson("between two tokens")),
        }
    }

    fn begin_value(
        &mut self,
        chunk: &[u8],
        at: usize,
        byte: u8,
        fields: &mut Fields,
    ) -> Result<(), BodyFault> {
        if self.pieces.in_record() {
            let begin = self.pieces.position(at);
            if self.is_in_field() {
                self.value_begin = begin;
            }
            if let Some(Open {
                is_object: false,
                inside,
            }) = self.open.last()
            {
                self.place = fields.paths.value(*inside, b"");
            }
            let between = self.pieces.text(chunk, (self.last_end, begin));
            fields
                .paths
                .learn(self.last, self.place, fields.role(self.place), &between);
        } else {
            self.begin_frame_value(chunk, at, byte)?;
        }
        self.expect = match byte {
            b'{' | b'[' => self.open(byte == b'{', at, fields),
            b'"' => Expect::Text { is_key: false },
            b'-' | b'0'..=b'9' => Expect::Number(Number::first(byte)),
            b't' => Expect::Literal(b"rue"),
            b'f' => Expect::Literal(b"alse"),
            b'n' => Expect::Literal(b"ull"),
            _ => return Err(BodyFault::NotJson("where a value was due")),
        };
        if self.open.len() > MAX_DEPTH {
            Err(BodyFault::TooDeep)
        } else {
            Ok(())
        }
    }

    /// A value outside of any record: the way to the records, a record's beginning, or something else.
    fn begin_frame_value(&mut self, chunk: &[u8], at: usize, byte: u8) -> Result<(), BodyFault> {
        let depth = self.open.len();
        if self.records == Records::At(depth) {
            if byte != b'{' {
                return Err(BodyFault::NoObject);
            }
            self.begin_record(chunk, at)?;
        } else if depth == 0 || self.on_path {
            let is_last = depth == self.frame.path().len();
            let due = if is_last && self.frame.is_array() {
                b'['
            } else {
                b'{'
            };
            if byte != due || (is_last && self.records != Records::NotYet) {
                return Err(self.nothing_there());
            }
            match (is_last, self.frame.is_array()) {
                (false, _) => self.matched = depth,
                (true, true) => self.records = Records::At(depth + 1),
                (true, false) => {
                    self.records = Records::At(depth);
                    self.begin_record(chunk, at)?;
                }
            }
            self.on_path = false;
        }
        Ok(())
    }

    fn begin_record(&mut self, chunk: &[u8], at: usize) -> Result<(), BodyFault> {
        (self.key, self.cursor, self.role, self.is_empty) = (None, None, Role::Plain, true);
        self.pieces.begin_record(chunk, at)
    }

    /// An opening bracket at `at`.
    fn open(&mut self, is_object: bool, at: usize, fields: &mut Fields) -> Expect {
        let inside = if !self.pieces.in_record() {
            Place::UNKNOWN
        } else if self.records == Records::At(self.open.len()) {
            Place::RECORD
        } else {
            fields.paths.inside(self.place, is_object)
        };
        self.open.push(Open { is_object, inside });
        self.pass(inside, at + 1);
        if is_object {
            Expect::KeyOrEnd
        } else {
            Expect::ValueOrEnd
        }
    }

    /// A value, or the opening bracket of one, ended before `end`.
    fn pass(&mut self, place: Place, end: usize) {
        if self.pieces.in_record() {
            (self.last, self.last_end) = (place, self.pieces.position(end));
            self.has_just_passed = true;
        }
    }

    fn close(
        &mut self,
        is_object: bool,
        chunk: &[u8],
        at: usize,
        fields: &Fields,
    ) -> Result<(), BodyFault> {
        let inside = match self.open.last() {
            Some(open) if open.is_object == is_object => open.inside,
            _ => return Err(BodyFault::NotJson("a bracket that closes another")),
        };
        if !matches!(self.expect, Expect::CommaOrEnd) {
            self.pass(fields.paths.outside(inside), at + 1);
        }
        if !self.pieces.in_record() && self.records == Records::At(self.open.len()) {
            self.pieces.keep(chunk, at)?;
            self.records = Records::Done;
        }
        self.open.pop();
        if !self.pieces.in_record() {
            self.matched = self.matched.min(self.open.len().saturating_sub(1));
        }
        self.end_value(at + 1);
        Ok(())
    }

    /// A value that is no container ended before `end`.
    fn end_scalar(&mut self, end: usize) {
        self.pass(self.place, end);
        self.end_value(end);
    }

    /// A value ended before `end`; the container around it, if any, goes on.
    fn end_value(&mut self, end: usize) {
        if self.role != Role::Plain && self.is_in_field() {
            let span = Some((self.value_begin, self.pieces.position(end)));
            match self.role {
                Role::Key => self.key = span,
                _ => self.cursor = span,
            }
            self.role = Role::Plain;
        }
        self.expect = if self.open.is_empty() {
            Expect::End
        } else {
            Expect::CommaOrEnd
        };
    }

    fn end_key(&mut self, chunk: &[u8], at: usize, fields: &mut Fields) {
        let range = (self.key_begin, self.pieces.position(at));
        let depth = self.open.len();
        if self.pieces.in_record() {
            if let Some(open) = self.open.last() {
                self.place = fields.field(open.inside, &self.pieces.text(chunk, range));
            }
            if self.is_in_field() {
                self.is_empty = false;
                self.role = fields.role(self.place);
            }
        } else if depth <= self.frame.path().len() && self.matched + 1 == depth {
            let key = self.pieces.text(chunk, range);
            self.on_path =
                unescape(&key).as_deref() == Some(self.frame.path()[depth - 1].as_bytes());
        }
    }

    fn end_record(
        &mut self,
        chunk: &[u8],
        end: usize,
        emit: &mut impl FnMut(Record<'_>),
    ) -> Result<(), BodyFault> {
        if !self.frame.is_array() {
            self.records = Records::Done;
        }
        let bytes = self.pieces.end_record(chunk, end)?;
        let token = |range: Option<Range>| {
            range
                .map(|(begin, end)| &bytes[begin..end])
                .filter(|token| *token != b"null")
        };
        let (key, cursor) = (token(self.key), token(self.cursor));
        emit(Record {
            bytes,
            key,
            cursor,
            is_empty: self.is_empty,
        });
        Ok(())
    }
}

/// Where the bytes that belong, from `at` on, are over.
fn end_of_run(chunk: &[u8], at: usize, belongs: impl Fn(u8) -> bool) -> usize {
    let length = chunk[at..].iter().position(|byte| !belongs(*byte));
    length.map_or(chunk.len(), |length| at + length)
}

#[derive(Deserialize)]
struct Envelope {
    meta: Option<Map<String, Value>>,
}

#[cfg(test)]
mod tests;
