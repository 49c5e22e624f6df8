//! The fast path: over the values of a record that is like earlier ones, with `shape` and `scan`. It only ever skips work: where it
//! stops, the machine is in the state that it would have reached by itself (see the contract in `lib.rs`).

use crate::fields::Fields;
use crate::grammar::Expect;
use crate::machine::{Open, Records, Splitter, end_of_run};
use crate::record::Role;
use crate::scan;
use crate::shape::{Next, NodeId};
use crate::split_error::SplitError;

impl Splitter {
    /// Skips values of a record while they are known and complete in the chunk; where it stopped.
    pub(super) fn fast_forward(
        &mut self,
        chunk: &[u8],
        begin: usize,
        fields: &mut Fields,
    ) -> Result<usize, SplitError> {
        let (mut at, mut last) = (begin, self.last);
        // Where the text before the next value begins, and what it follows.
        let (mut gap, mut gap_begin) = (last, begin);
        while let Some(rest) = chunk.get(at..) {
            let (to, role, begin, value, has_matched) = match fields.shapes.step(last, rest) {
                Some((step, value)) => (step.to, step.role, at + step.length, value, true),
                None => match fields.shapes.next(last, chunk, at) {
                    Some(Next::Value { to, begin }) => match chunk[begin..].first_chunk() {
                        Some(value) => (to, fields.shapes.role(to), begin, value, false),
                        None => break,
                    },
                    Some(Next::End { value, end }) => {
                        self.drop_breaks(chunk, at, end)?;
                        (at, last) = (end, value);
                        continue;
                    }
                    None => break,
                },
            };
            let (end, inside) = match value[0] {
                b'"' => (scan::string(chunk, begin, value), to),
                b'[' | b'{' if role > Role::Undeclared => break,
                first @ (b'[' | b'{') if value[1] == first + 2 => (Some(begin + 2), to),
                first @ (b'[' | b'{') => {
                    let inside = fields.shapes.known_inside(to, first == b'{');
                    let is_known = inside != NodeId::UNKNOWN;
                    (is_known.then_some(begin + 1), inside)
                }
                _ => {
                    let length = scan::number_or_literal(value);
                    (length.map(|length| begin + length), to)
                }
            };
            let Some(end) = end else { break };
            if !has_matched {
                fields
                    .shapes
                    .learn_after_miss(gap, to, &chunk[gap_begin..begin]);
                self.drop_breaks(chunk, at, begin)?;
            }
            (at, last) = (end, inside);
            (gap, gap_begin) = (last, at);
            if role != Role::Plain {
                let span = Some((self.buffer.position(begin), self.buffer.position(end)));
                match role {
                    Role::Key => self.key = span,
                    Role::Cursor => self.cursor = span,
                    Role::Undeclared | Role::Plain => self.has_undeclared = true,
                }
            }
        }
        if at > begin {
            self.resync(last, at, fields);
        }
        Ok(at)
    }

    /// Drops the line breaks between two tokens of a record.
    fn drop_breaks(&mut self, chunk: &[u8], begin: usize, end: usize) -> Result<(), SplitError> {
        let is_break = |byte: u8| matches!(byte, b'\n' | b'\r');
        let mut at = begin;
        while let Some(length) = chunk[at..end].iter().position(|byte| is_break(*byte)) {
            let first = at + length;
            at = end_of_run(chunk, first, is_break);
            self.buffer.retain_except(chunk, (first, at))?;
        }
        Ok(())
    }

    /// Sets everything that the machine would know here if it had looked at every byte.
    fn resync(&mut self, last: NodeId, at: usize, fields: &Fields) {
        let Records::At(depth) = self.records else {
            return;
        };
        self.open.truncate(depth + 1);
        let open = fields
            .shapes
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
        (self.last, self.last_end) = (last, self.buffer.position(at));
        self.is_empty = false;
    }
}
