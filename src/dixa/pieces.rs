//! The bytes of a record, or of the frame around all of them, that came in pieces: a record that lies in one chunk is not
//! copied, one that spans several is put together, and the frame is kept as a whole.

use std::borrow::Cow;

use crate::dixa::error::BodyFault;

/// The largest record that is taken, in bytes.
pub const MAX_RECORD: usize = 64 * 1024 * 1024;
/// The largest frame that is taken, in bytes.
pub const MAX_FRAME: usize = 1024 * 1024;

/// From one byte of a record or of the frame to another.
pub type Range = (usize, usize);

/// What is kept of a body. Of the current chunk, what lies before `segment` is kept or dropped already.
#[derive(Default)]
pub struct Pieces {
    in_record: bool,
    record: Vec<u8>,
    frame: Vec<u8>,
    segment: usize,
}

impl Pieces {
    pub fn in_record(&self) -> bool {
        self.in_record
    }

    pub fn begin_chunk(&mut self) {
        self.segment = 0;
    }

    /// Where a byte of the chunk lies in the current record, or in the frame.
    pub fn position(&self, at: usize) -> usize {
        let kept = if self.in_record {
            &self.record
        } else {
            &self.frame
        };
        kept.len() + at - self.segment
    }

    /// Keeps what the chunk holds up to `end`.
    pub fn keep(&mut self, chunk: &[u8], end: usize) -> Result<(), BodyFault> {
        let (kept, limit, fault) = if self.in_record {
            (&mut self.record, MAX_RECORD, BodyFault::RecordTooLarge)
        } else {
            (&mut self.frame, MAX_FRAME, BodyFault::FrameTooLarge)
        };
        kept.extend_from_slice(&chunk[self.segment..end]);
        self.segment = end;
        if kept.len() > limit {
            Err(fault)
        } else {
            Ok(())
        }
    }

    /// Keeps what the chunk holds up to `begin`, but not what is from there to `end`.
    pub fn keep_but(&mut self, chunk: &[u8], (begin, end): Range) -> Result<(), BodyFault> {
        self.keep(chunk, begin)?;
        self.segment = end;
        Ok(())
    }

    /// What is kept and what the chunk adds to it, of the current record or of the frame, in one piece.
    pub fn text<'a>(&self, chunk: &'a [u8], (begin, end): Range) -> Cow<'a, [u8]> {
        let kept = if self.in_record {
            &self.record
        } else {
            &self.frame
        };
        let in_chunk = |position: usize| self.segment + position - kept.len();
        match kept.get(begin..) {
            None | Some([]) => chunk[in_chunk(begin)..in_chunk(end)].into(),
            Some(first) if end <= kept.len() => first[..end - begin].to_vec().into(),
            Some(first) => [first, &chunk[self.segment..in_chunk(end)]].concat().into(),
        }
    }

    /// A record begins at `at`; what stands before it belongs to the frame.
    pub fn begin_record(&mut self, chunk: &[u8], at: usize) -> Result<(), BodyFault> {
        self.keep(chunk, at)?;
        self.record.clear();
        self.in_record = true;
        Ok(())
    }

    /// The record ended before `end`: all of it, in valid UTF-8.
    pub fn end_record<'a>(
        &'a mut self,
        chunk: &'a [u8],
        end: usize,
    ) -> Result<&'a [u8], BodyFault> {
        let last = &chunk[self.segment..end];
        self.segment = end;
        self.in_record = false;
        let bytes = if self.record.is_empty() {
            last
        } else {
            self.record.extend_from_slice(last);
            &self.record
        };
        if bytes.len() > MAX_RECORD {
            return Err(BodyFault::RecordTooLarge);
        }
        simdutf8::basic::from_utf8(bytes).map_err(|_| BodyFault::NotUtf8)?;
        Ok(bytes)
    }

    /// The frame, in valid UTF-8; where the records were is nothing.
    pub fn frame(&self) -> Result<&str, BodyFault> {
        simdutf8::basic::from_utf8(&self.frame).map_err(|_| BodyFault::NotUtf8)
    }
}
