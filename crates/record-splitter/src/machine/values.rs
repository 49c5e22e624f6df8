//! The machine at the beginnings and ends of values, keys and records.

use crate::buffer::Range;
use crate::fields::{Fields, unescape};
use crate::grammar::{Expect, Number};
use crate::machine::{MAX_DEPTH, Open, Records, Splitter};
use crate::record::{COMMON_DEPTH, Record, Role};
use crate::shape::NodeId;
use crate::split_error::SplitError;

impl Splitter {
    pub(super) fn begin_value(
        &mut self,
        chunk: &[u8],
        at: usize,
        byte: u8,
        fields: &mut Fields,
    ) -> Result<(), SplitError> {
        if self.buffer.in_record() {
            let begin = self.buffer.position(at);
            if self.is_in_field() {
                self.value_begin = begin;
            }
            if let Some(Open {
                is_object: false,
                inside,
            }) = self.open.last()
            {
                self.place = fields.shapes.value(*inside, b"");
            }
            let between = self.buffer.text(chunk, (self.last_end, begin));
            fields.shapes.learn(self.last, self.place, &between);
        } else {
            self.begin_frame_value(chunk, at, byte)?;
        }
        self.expect = match byte {
            b'{' | b'[' => self.open(byte == b'{', at, fields),
            b'"' => Expect::Text { is_key: false },
            b'-' | b'0'..=b'9' => {
                self.number_begin = self.buffer.position(at);
                Expect::Number(Number::first(byte))
            }
            b't' => Expect::Literal(b"rue"),
            b'f' => Expect::Literal(b"alse"),
            b'n' => Expect::Literal(b"ull"),
            _ => return Err(SplitError::NotJson("where a value was expected")),
        };
        if self.open.len() > MAX_DEPTH {
            Err(SplitError::TooDeep)
        } else {
            Ok(())
        }
    }

    /// A value outside of any record: a step on the path to the records, the beginning of a record, or something else.
    fn begin_frame_value(&mut self, chunk: &[u8], at: usize, byte: u8) -> Result<(), SplitError> {
        let depth = self.open.len();
        if self.records == Records::At(depth) {
            if byte != b'{' {
                return Err(SplitError::NoObject);
            }
            self.begin_record(chunk, at)?;
        } else if depth == 0 || self.on_path {
            let is_last = depth == self.frame.path().len();
            let expected = if is_last && self.frame.is_array() {
                b'['
            } else {
                b'{'
            };
            if byte != expected || (is_last && self.records != Records::NotYet) {
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

    fn begin_record(&mut self, chunk: &[u8], at: usize) -> Result<(), SplitError> {
        (self.key, self.cursor, self.role, self.is_empty) = (None, None, Role::Plain, true);
        (self.may_need_repair, self.has_undeclared) = (false, false);
        self.buffer.begin_record(chunk, at)
    }

    /// An opening bracket at `at`.
    fn open(&mut self, is_object: bool, at: usize, fields: &mut Fields) -> Expect {
        let inside = if !self.buffer.in_record() {
            NodeId::UNKNOWN
        } else if self.records == Records::At(self.open.len()) {
            NodeId::RECORD
        } else {
            fields.shapes.inside(self.place, is_object)
        };
        self.open.push(Open { is_object, inside });
        if let Records::At(depth) = self.records {
            self.may_need_repair |= self.open.len() > depth + COMMON_DEPTH;
        }
        self.mark_value(inside, at + 1);
        if is_object {
            Expect::KeyOrEnd
        } else {
            Expect::ValueOrEnd
        }
    }

    /// A value, or the opening bracket of one, ended before `end`.
    fn mark_value(&mut self, place: NodeId, end: usize) {
        if self.buffer.in_record() {
            (self.last, self.last_end) = (place, self.buffer.position(end));
            self.has_just_passed = true;
        }
    }

    pub(super) fn close(
        &mut self,
        is_object: bool,
        chunk: &[u8],
        at: usize,
        fields: &Fields,
    ) -> Result<(), SplitError> {
        let inside = match self.open.last() {
            Some(open) if open.is_object == is_object => open.inside,
            _ => return Err(SplitError::NotJson("a bracket that closes another")),
        };
        if !matches!(self.expect, Expect::CommaOrEnd) {
            self.mark_value(fields.shapes.outside(inside), at + 1);
        }
        if !self.buffer.in_record() && self.records == Records::At(self.open.len()) {
            self.buffer.retain(chunk, at)?;
            self.records = Records::Done;
        }
        self.open.pop();
        if !self.buffer.in_record() {
            self.matched = self.matched.min(self.open.len().saturating_sub(1));
        }
        self.end_value(at + 1);
        Ok(())
    }

    /// A value that is not a container ended before `end`.
    pub(super) fn end_scalar(&mut self, end: usize) {
        self.mark_value(self.place, end);
        self.end_value(end);
    }

    /// A value ended before `end`; the container around it, if any, continues.
    fn end_value(&mut self, end: usize) {
        if self.role != Role::Plain && self.is_in_field() {
            let span = Some((self.value_begin, self.buffer.position(end)));
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

    pub(super) fn end_key(&mut self, chunk: &[u8], at: usize, fields: &mut Fields) {
        let range = (self.key_begin, self.buffer.position(at));
        let depth = self.open.len();
        if self.buffer.in_record() {
            if let Some(open) = self.open.last() {
                self.place = fields.field(open.inside, &self.buffer.text(chunk, range));
            }
            if self.is_in_field() {
                self.is_empty = false;
                self.role = match fields.shapes.role(self.place) {
                    Role::Plain if self.place == NodeId::UNKNOWN => Role::Undeclared,
                    role => role,
                };
                if self.role == Role::Undeclared {
                    // Nothing of its value is looked at.
                    (self.role, self.has_undeclared) = (Role::Plain, true);
                }
            }
        } else if depth <= self.frame.path().len() && self.matched + 1 == depth {
            let key = self.buffer.text(chunk, range);
            self.on_path =
                unescape(&key).as_deref() == Some(self.frame.path()[depth - 1].as_bytes());
        }
    }

    pub(super) fn end_record(
        &mut self,
        chunk: &[u8],
        end: usize,
        emit: &mut impl FnMut(Record<'_>),
    ) -> Result<(), SplitError> {
        if !self.frame.is_array() {
            self.records = Records::Done;
        }
        let bytes = self.buffer.end_record(chunk, end)?;
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
            may_need_repair: self.may_need_repair,
            has_undeclared: self.has_undeclared,
        });
        Ok(())
    }
}
