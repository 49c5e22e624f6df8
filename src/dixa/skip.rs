//! Steps over a value that lies whole in a chunk, many bytes at once.
//!
//! A short cut through the state machine of [`crate::dixa::records`], which alone says what is JSON: where a step is taken,
//! the machine would have come to the same place. None is taken over what is broken, goes on in the next chunk, or is merely
//! unusual.

use wide::u8x16;

use crate::dixa::grammar;

/// So many bytes are looked at together.
pub const BLOCK: usize = 48;
pub type Block = [u8; BLOCK];

/// The length of the number or the literal that a block begins with, if it ends in it and is nothing unusual.
#[inline]
pub fn word(block: &Block) -> Option<usize> {
    match block[0] {
        b'n' => (block[..4] == *b"null").then_some(4),
        first @ b'0'..=b'9' => {
            let length = digits(block);
            let is_over = !matches!(block[length], b'0'..=b'9' | b'.' | b'e' | b'E');
            (is_over && (first != b'0' || length == 1)).then_some(length)
        }
        b't' => (block[..4] == *b"true").then_some(4),
        b'f' => (block[..5] == *b"false").then_some(5),
        _ => None,
    }
}

/// Where the string is over that begins, with a quote, as the block at `at` does.
#[inline]
pub fn string(chunk: &[u8], at: usize, block: &Block) -> Option<usize> {
    let special = special(block) & !1;
    let end = special.trailing_zeros() as usize;
    match block.get(end) {
        Some(b'"') => Some(at + end + 1),
        _ => long_string(chunk, at, special),
    }
}

/// Where the string is over that goes on in the block at `at`, in which these bytes are special.
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
        special_here = special(chunk.get(at..)?.first_chunk()?);
    }
}

/// How many digits a block begins with; of more than 32 as many.
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

/// A bit for each byte that does not stand for itself in a string: quotes, backslashes, control characters.
#[inline]
fn special(block: &Block) -> u64 {
    let (parts, _) = block.as_chunks();
    parts.iter().rev().fold(0, |special, part| {
        let bytes = u8x16::new(*part);
        // The quote changes places with the blank, so that it is right above the control characters.
        let turned = bytes ^ u8x16::splat(b'"' ^ b' ');
        let found =
            turned.min(u8x16::splat(b' ')).simd_eq(turned) | bytes.simd_eq(u8x16::splat(b'\\'));
        special << 16 | u64::from(found.to_bitmask())
    })
}

/// The first byte from `at` on that does not stand for itself in a string.
pub fn plain(chunk: &[u8], mut at: usize) -> usize {
    while let Some(block) = chunk.get(at..).and_then(|rest| rest.first_chunk()) {
        let special = special(block);
        if special != 0 {
            return at + special.trailing_zeros() as usize;
        }
        at += BLOCK;
    }
    let length = chunk[at..].iter().position(|byte| !grammar::plain(*byte));
    length.map_or(chunk.len(), |length| at + length)
}
