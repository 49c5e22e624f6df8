//! Buffers the bytes of the current record and of the envelope around all records. A record within one chunk is not copied, a record
//! that spans chunks is assembled, and the envelope is kept in full.

use std::borrow::Cow;

use crate::split_error::SplitError;

/// The maximum size of a record, in bytes.
pub const MAX_RECORD: usize = 64 * 1024 * 1024;
/// The maximum size of the envelope, in bytes.
pub const MAX_ENVELOPE: usize = 1024 * 1024;

/// A range of bytes in a record or in the envelope: its start and its end.
pub type Range = (usize, usize);

/// The retained bytes of a body. The part of the current chunk before `segment` has already been retained or dropped.
#[derive(Default)]
pub struct RecordBuffer {
    in_record: bool,
    record: Vec<u8>,
    envelope: Vec<u8>,
    segment: usize,
}

impl RecordBuffer {
    pub fn in_record(&self) -> bool {
        self.in_record
    }

    pub fn begin_chunk(&mut self) {
        self.segment = 0;
    }

    /// The position of a byte of the chunk in the current record, or else in the envelope.
    pub fn position(&self, at: usize) -> usize {
        let kept = if self.in_record {
            &self.record
        } else {
            &self.envelope
        };
        kept.len() + at - self.segment
    }

    /// Retains the chunk up to `end`.
    pub fn retain(&mut self, chunk: &[u8], end: usize) -> Result<(), SplitError> {
        let (kept, limit, fault) = if self.in_record {
            (&mut self.record, MAX_RECORD, SplitError::RecordTooLarge)
        } else {
            (
                &mut self.envelope,
                MAX_ENVELOPE,
                SplitError::EnvelopeTooLarge,
            )
        };
        kept.extend_from_slice(&chunk[self.segment..end]);
        self.segment = end;
        if kept.len() > limit {
            Err(fault)
        } else {
            Ok(())
        }
    }

    /// Retains the chunk up to `begin`, and drops the bytes from there to `end`.
    pub fn retain_except(&mut self, chunk: &[u8], (begin, end): Range) -> Result<(), SplitError> {
        self.retain(chunk, begin)?;
        self.segment = end;
        Ok(())
    }

    /// A range of the current record, or else of the envelope, including the bytes that are still in the chunk.
    pub fn text<'a>(&self, chunk: &'a [u8], (begin, end): Range) -> Cow<'a, [u8]> {
        let kept = if self.in_record {
            &self.record
        } else {
            &self.envelope
        };
        let in_chunk = |position: usize| self.segment + position - kept.len();
        match kept.get(begin..) {
            None | Some([]) => chunk[in_chunk(begin)..in_chunk(end)].into(),
            Some(first) if end <= kept.len() => first[..end - begin].to_vec().into(),
            Some(first) => [first, &chunk[self.segment..in_chunk(end)]].concat().into(),
        }
    }

    /// Starts a record at `at`. The bytes before it belong to the envelope.
    pub fn begin_record(&mut self, chunk: &[u8], at: usize) -> Result<(), SplitError> {
        self.retain(chunk, at)?;
        self.record.clear();
        self.in_record = true;
        Ok(())
    }

    /// Ends the record before `end`, and returns it as valid UTF-8.
    pub fn end_record<'a>(
        &'a mut self,
        chunk: &'a [u8],
        end: usize,
    ) -> Result<&'a [u8], SplitError> {
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
            return Err(SplitError::RecordTooLarge);
        }
        simdutf8::basic::from_utf8(bytes).map_err(|_| SplitError::NotUtf8)?;
        Ok(bytes)
    }

    /// The envelope without the records, as valid UTF-8.
    pub fn envelope(&self) -> Result<&str, SplitError> {
        simdutf8::basic::from_utf8(&self.envelope).map_err(|_| SplitError::NotUtf8)
    }
}
