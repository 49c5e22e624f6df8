//! The fast path: over the values of a record that is like earlier ones, with `shape` and `scan`. It only ever skips work: where it
//! stops, the machine is in the state that it would have reached by itself (see the contract in `lib.rs`).

use crate::fields::Fields;
use crate::grammar::Expect;
use crate::machine::{Open, Records, Splitter, end_of_run};
use crate::record::Role;
use crate::scan::{self, Block};
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
        let mut here = (begin, self.last);
        loop {
            here = if fields.shapes.has_breaks {
                self.follow_transitions::<true>(chunk, here, fields)?
            } else {
                self.follow_transitions::<false>(chunk, here, fields)?
            };
            // Mostly the end of the record, which is the machine's.
            if matches!(chunk.get(here.0), Some(b'}' | b']')) {
                break;
            }
            match self.next_value(chunk, here, fields)? {
                (after, true) => here = after,
                (after, false) => {
                    here = after;
                    break;
                }
            }
        }
        let (at, last) = here;
        if at > begin {
            self.resync(last, at, fields);
        }
        Ok(at)
    }

    /// Skips values while they are where earlier records had them. Only with `BREAKS` may a transition have line breaks: looking for
    /// them costs 5 % of a body that has none.
    fn follow_transitions<const BREAKS: bool>(
        &mut self,
        chunk: &[u8],
        (mut at, mut last): (usize, NodeId),
        fields: &Fields,
    ) -> Result<(usize, NodeId), SplitError> {
        while let Some(rest) = chunk.get(at..)
            && let Some((step, value)) = fields.shapes.step(last, rest)
        {
            let begin = at + step.length;
            let Some(after) = value_end(chunk, begin, value, (step.to, step.role), fields) else {
                break;
            };
            if BREAKS {
                for (first, end) in step.breaks() {
                    self.buffer.retain_except(chunk, (at + first, at + end))?;
                }
            }
            (at, last) = after;
            self.note(step.role, begin, at);
        }
        Ok((at, last))
    }

    /// Skips the next value wherever it is known to be, past the ends of containers before it. Where that stopped, and whether at a
    /// value.
    #[inline(never)]
    fn next_value(
        &mut self,
        chunk: &[u8],
        (gap_begin, gap): (usize, NodeId),
        fields: &mut Fields,
    ) -> Result<((usize, NodeId), bool), SplitError> {
        let (mut at, mut last) = (gap_begin, gap);
        loop {
            let (to, begin) = match fields.shapes.next(last, chunk, at) {
                Some(Next::Value { to, begin }) => (to, begin),
                Some(Next::End { value, end }) => {
                    self.drop_breaks(chunk, at, end)?;
                    (at, last) = (end, value);
                    continue;
                }
                None => return Ok(((at, last), false)),
            };
            let role = fields.shapes.role(to);
            let value = chunk.get(begin..).and_then(|rest| rest.first_chunk());
            let after = value.and_then(|value| value_end(chunk, begin, value, (to, role), fields));
            let Some((end, inside)) = after else {
                return Ok(((at, last), false));
            };
            fields
                .shapes
                .learn_after_miss(gap, to, &chunk[gap_begin..begin]);
            self.drop_breaks(chunk, at, begin)?;
            self.note(role, begin, end);
            return Ok(((end, inside), true));
        }
    }

    /// Notes what the role of a value says.
    #[inline]
    fn note(&mut self, role: Role, begin: usize, end: usize) {
        if role != Role::Plain {
            let span = Some((self.buffer.position(begin), self.buffer.position(end)));
            match role {
                Role::Key => self.key = span,
                Role::Cursor => self.cursor = span,
                Role::Undeclared | Role::Plain => self.has_undeclared = true,
            }
        }
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

/// The end of the value at a node, and the node there; of a container with values, the end of its opening bracket. `None` if the
/// machine must look at it.
#[inline]
fn value_end(
    chunk: &[u8],
    begin: usize,
    value: &Block,
    (to, role): (NodeId, Role),
    fields: &Fields,
) -> Option<(usize, NodeId)> {
    match value[0] {
        b'"' => Some((scan::string(chunk, begin, value)?, to)),
        first @ (b'[' | b'{') if role <= Role::Undeclared => {
            if value[1] == first + 2 {
                return Some((begin + 2, to));
            }
            let inside = fields.shapes.known_inside(to, first == b'{');
            (inside != NodeId::UNKNOWN).then_some((begin + 1, inside))
        }
        _ => Some((begin + scan::number_or_literal(value)?, to)),
    }
}
