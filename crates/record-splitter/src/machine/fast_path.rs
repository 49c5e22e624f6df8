//! The fast path: over the values of a record that is like earlier ones, with `shape` and `scan`. It only ever skips work: where it
//! stops, the machine is in the state that it would have reached by itself (see the contract in `lib.rs`).

use crate::fields::Fields;
use crate::grammar::Expect;
use crate::machine::{Open, Records, Splitter};
use crate::record::Role;
use crate::scan;
use crate::shape::NodeId;

impl Splitter {
    /// Skips values of a record while they are where earlier records had them and are complete in the chunk; where it stopped.
    pub(super) fn fast_forward(&mut self, chunk: &[u8], begin: usize, fields: &Fields) -> usize {
        let mut at = begin;
        let mut last = self.last;
        while let Some(rest) = chunk.get(at..)
            && let Some((step, value)) = fields.shapes.step(last, rest)
        {
            let (role, begin) = (step.role, at + step.length);
            let end = match value[0] {
                b'"' => scan::string(chunk, begin, value),
                first @ (b'[' | b'{') if role <= Role::Undeclared => {
                    if role == Role::Undeclared {
                        self.has_undeclared = true;
                    }
                    if value[1] == first + 2 {
                        Some(begin + 2)
                    } else {
                        let inside = fields.shapes.known_inside(step.to, first == b'{');
                        if inside == NodeId::UNKNOWN {
                            break;
                        }
                        (at, last) = (begin + 1, inside);
                        continue;
                    }
                }
                _ => scan::number_or_literal(value).map(|length| begin + length),
            };
            let Some(end) = end else { break };
            (at, last) = (end, step.to);
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
        at
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
