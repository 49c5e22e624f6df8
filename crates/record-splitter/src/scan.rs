//! Skips a value that is complete within a chunk, many bytes at a time.
//!
//! This is a fast path. The state machine in [`crate::machine`] alone decides what is JSON, and would have reached the same
//! state. Values that are invalid, continue in the next chunk, or are merely unusual are left to it.

use wide::u8x16;

use crate::grammar;

/// The number of bytes examined at once.
pub const BLOCK: usize = 48;
pub type Block = [u8; BLOCK];

/// The most runs of line breaks that the text between two values may have.
const MAX_BREAKS: usize = 3;
/// Where each run begins and ends; `(0, 0)` if there are fewer.
pub type Breaks = [(u8, u8); MAX_BREAKS];

/// The length of the number or literal at the start of a block, if it ends within the block and is not unusual.
#[inline]
pub fn number_or_literal(block: &Block) -> Option<usize> {
    match block[0] {
        b'n' => (block[..4] == *b"null").then_some(4),
        first @ b'0'..=b'9' => {
            let length = digits(block);
            let has_ended = !matches!(block[length], b'0'..=b'9' | b'.' | b'e' | b'E');
            (has_ended && (first != b'0' || length == 1)).then_some(length)
        }
        b't' => (block[..4] == *b"true").then_some(4),
        b'f' => (block[..5] == *b"false").then_some(5),
        _ => None,
    }
}

/// The end of the string whose opening quote is at `at`, where this block starts.
#[inline]
pub fn string(chunk: &[u8], at: usize, block: &Block) -> Option<usize> {
    let special = special_mask(block) & !1;
    let end = special.trailing_zeros() as usize;
    match block.get(end) {
        Some(b'"') => Some(at + end + 1),
        _ => long_string(chunk, at, special),
    }
}

/// The end of the string that continues in the block at `at`, in which these bytes are special.
#[inline(never)]
fn long_string(chunk: &[u8], mut at: usize, mut special_here: u64) -> Option<usize> {
    loop {
        while special_here != 0 {
            let begin = special_here.trailing_zeros() as usize;
            let rest = &chunk[at + begin..];
            match rest[0] {
                b'"' => return Some(at + begin + 1),
                b'\\' => {
                    let end = begin + grammar::escape(rest)?;
                    if end >= BLOCK {
                        at += end - BLOCK;
                        break;
                    }
                    special_here &= u64::MAX << end;
                }
                _ => return None,
            }
        }
        at += BLOCK;
        special_here = special_mask(chunk.get(at..)?.first_chunk()?);
    }
}

/// The number of digits at the start of a block, at most 32.
#[inline]
fn digits(block: &Block) -> usize {
    let (parts, _) = block.as_chunks();
    let count = |part| {
        let values = u8x16::new(part) - u8x16::splat(b'0');
        let digits = values.min(u8x16::splat(9)).simd_eq(values).to_bitmask();
        digits.trailing_ones() as usize
    };
    match count(parts[0]) {
        16 => 16 + count(parts[1]),
        count => count,
    }
}

/// A bit for each byte that does not represent itself in a string: quotes, backslashes and control characters.
#[inline]
fn special_mask(block: &Block) -> u64 {
    let (parts, _) = block.as_chunks();
    parts.iter().rev().fold(0, |special, part| {
        let bytes = u8x16::new(*part);
        // Swaps the quote and the space, so that the quote is next to the control characters.
        let swapped = bytes ^ u8x16::splat(b'"' ^ b' ');
        let found =
            swapped.min(u8x16::splat(b' ')).simd_eq(swapped) | bytes.simd_eq(u8x16::splat(b'\\'));
        special << 16 | u64::from(found.to_bitmask())
    })
}

/// The position of the first byte, from `at` on, that does not represent itself in a string.
pub fn skip_plain(chunk: &[u8], mut at: usize) -> usize {
    while let Some(block) = chunk.get(at..).and_then(|rest| rest.first_chunk()) {
        let special = special_mask(block);
        if special != 0 {
            return at + special.trailing_zeros() as usize;
        }
        at += BLOCK;
    }
    let length = chunk[at..]
        .iter()
        .position(|byte| !grammar::is_plain(*byte));
    length.map_or(chunk.len(), |length| at + length)
}

/// The position of the first byte, from `at` on, that is not whitespace.
#[inline]
pub fn skip_blank(chunk: &[u8], mut at: usize) -> usize {
    while let Some(part) = chunk.get(at..).and_then(|rest| rest.first_chunk()) {
        if part[0] > b' ' {
            return at;
        }
        let bytes = u8x16::new(*part);
        let is = |byte| bytes.simd_eq(u8x16::splat(byte));
        let blank = is(b' ') | is(b'\n') | is(b'\r') | is(b'\t');
        let length = blank.to_bitmask().trailing_ones() as usize;
        at += length;
        if length < 16 {
            return at;
        }
    }
    let length = chunk[at.min(chunk.len())..]
        .iter()
        .position(|byte| !matches!(byte, b' ' | b'\n' | b'\r' | b'\t'));
    length.map_or(chunk.len(), |length| at + length)
}

/// The name between the quotes at `at`, if it is short and has no escapes.
#[inline]
pub fn name(chunk: &[u8], at: usize) -> Option<&[u8]> {
    let block: &Block = chunk.get(at..)?.first_chunk()?;
    let end = (special_mask(block) & !1).trailing_zeros() as usize;
    let is_name = block[0] == b'"' && block.get(end) == Some(&b'"');
    is_name.then(|| &chunk[at + 1..at + end])
}

/// Where each run of line breaks begins and ends, and whether there is one; `None` if there are too many.
pub fn runs_of_breaks(text: &[u8]) -> Option<(Breaks, bool)> {
    let is_break = |byte: &u8| matches!(byte, b'\n' | b'\r');
    let mut breaks = [(0, 0); MAX_BREAKS];
    if !text.iter().any(is_break) {
        return Some((breaks, false));
    }
    let mut runs = 0;
    for (at, byte) in (0..).zip(text) {
        if !is_break(byte) {
            continue;
        }
        match breaks[..runs].last_mut() {
            Some((_, end)) if *end == at => *end += 1,
            _ => {
                *breaks.get_mut(runs)? = (at, at + 1);
                runs += 1;
            }
        }
    }
    Some((breaks, true))
}
