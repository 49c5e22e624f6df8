//! Skips the byte order mark that some servers put before the JSON.

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A piece without a byte order mark at the start of the body, preceded by what looked like one but is not.
pub fn without_mark<'a>(mark: &mut Option<usize>, piece: &'a [u8]) -> [&'a [u8]; 2] {
    let Some(begun) = *mark else {
        return [b"", piece];
    };
    let expected = &BYTE_ORDER_MARK[begun..];
    let matched = piece
        .iter()
        .zip(expected)
        .take_while(|(byte, of_mark)| byte == of_mark);
    let matched = matched.count();
    if matched == piece.len() && matched < expected.len() {
        *mark = Some(begun + matched);
        return [b"", b""];
    }
    *mark = None;
    if matched == expected.len() {
        [b"", &piece[matched..]]
    } else {
        [&BYTE_ORDER_MARK[..begun], piece]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_order_mark_is_skipped_however_the_body_is_cut() {
        for (body, expected) in [
            (&b"\xef\xbb\xbf[]"[..], &b"[]"[..]),
            (b"[]", b"[]"),
            (b"\xef\xbb[]", b"\xef\xbb[]"),
            (b"\xef\xbb\xbf\xef\xbb\xbf[]", b"\xef\xbb\xbf[]"),
            (b"\xef", b""),
            (b"", b""),
        ] {
            for length in 1..=8 {
                let mut mark = Some(0);
                let pieces = body.chunks(length);
                let seen: Vec<_> = pieces
                    .flat_map(|piece| without_mark(&mut mark, piece))
                    .collect();
                assert_eq!(seen.concat(), expected, "{body:?} in pieces of {length}");
            }
        }
    }
}
