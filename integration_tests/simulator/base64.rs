//! Base64 for page keys and Basic credentials.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Standard alphabet, padded.
pub fn encoded(bytes: &[u8]) -> String {
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = three
            .iter()
            .fold(0, |bits, &byte| bits << 8 | usize::from(byte))
            << (8 * (3 - three.len()));
        for place in 0..4 {
            let digit = ALPHABET[bits >> (18 - 6 * place) & 63];
            text.push(if place <= three.len() {
                digit.into()
            } else {
                '='
            });
        }
    }
    text
}

/// `None` for anything that `encoded` would not have written.
pub fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for four in text.as_bytes().chunks(4) {
        let digits = four.iter().take_while(|&&digit| digit != b'=');
        let values: Option<Vec<usize>> = digits
            .map(|digit| ALPHABET.iter().position(|known| known == digit))
            .collect();
        let values = values?;
        let bits =
            values.iter().fold(0, |bits, value| bits << 6 | value) << (6 * (4 - values.len()));
        let three = [bits >> 16 & 255, bits >> 8 & 255, bits & 255];
        let known = values.len().checked_sub(1)?;
        bytes.extend(
            three[..known]
                .iter()
                .filter_map(|&byte| u8::try_from(byte).ok()),
        );
    }
    (encoded(&bytes) == text).then_some(bytes)
}
