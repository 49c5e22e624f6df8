//! The API token: where it may go, and what it must not be seen as.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::dixa::Host;

/// Shorter texts than this are words, and nothing is kept secret by crossing out words.
const SHORTEST_SECRET: usize = 5;
/// What a shorter token leaves in a Base64 text is less than a word.
const SHORTEST_ENCODED: usize = 8;

/// What the parts of a URL must escape; writers differ on the rest.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// An API token. It goes into the header of a request and nowhere else.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The `Authorization` header's value: `Bearer` on the Exports API, the bare token on the main API
    /// (dixa-api.md 1.3 and 2.1).
    pub(super) fn authorization(&self, host: Host) -> String {
        match host {
            Host::Exports => format!("Bearer {}", self.0),
            Host::Api => self.0.clone(),
        }
    }

    /// Every text by which the token could be known: as it is, escaped for a URL or for JSON, and what any Base64 text
    /// that it is part of has in common.
    pub fn forms(&self) -> Vec<String> {
        if self.0.len() < SHORTEST_SECRET {
            return Vec::new();
        }
        let json = serde_json::Value::from(self.0.as_str()).to_string();
        let json = &json[1..json.len() - 1];
        let mut forms = vec![self.0.clone(), json.to_owned(), json.replace('/', "\\/")];
        for set in [NON_ALPHANUMERIC, RESERVED] {
            let escaped = utf8_percent_encode(&self.0, set).to_string();
            forms.push(in_lower_case(&escaped));
            forms.push(escaped);
        }
        for before in 0..if self.0.len() < SHORTEST_ENCODED {
            0
        } else {
            3
        } {
            let text = [&b"   "[..before], self.0.as_bytes()].concat();
            // The first and the last character depend on what stands beside the token, too.
            let inner =
                |code: String| code[(before * 4).div_ceil(3)..text.len() * 4 / 3].to_owned();
            forms.push(inner(STANDARD_NO_PAD.encode(&text)));
            forms.push(inner(URL_SAFE_NO_PAD.encode(&text)));
        }
        forms.sort();
        forms.dedup();
        forms
    }
}

/// The same URL-escaped text with the digits of its escapes in lower case.
fn in_lower_case(escaped: &str) -> String {
    let mut parts = escaped.split('%');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let (digits, rest) = part.split_at(2.min(part.len()));
        format!("{text}%{}{rest}", digits.to_lowercase())
    })
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "tok3n-Aa+/=%\"9f86d081884c7d65";

    fn check(text: &str) {
        let forms = Token::new(TOKEN).forms();
        assert!(
            forms.iter().any(|form| text.contains(form.as_str())),
            "{text}"
        );
    }

    #[test]
    fn the_token_is_known_in_every_form() {
        check(TOKEN);
        check(&utf8_percent_encode(TOKEN, NON_ALPHANUMERIC).to_string());
        check("tok3n-Aa%2b%2f%3d%25%229f86d081884c7d65");
        check(&serde_json::Value::from(TOKEN).to_string());
        check("tok3n-Aa+\\/=%\\\"9f86d081884c7d65");
        for before in ["", "b", "be", "bearer:", "Bearer ", "x"] {
            for after in ["", "z", "zz", "zzz"] {
                let text = format!("{before}{TOKEN}{after}");
                check(&STANDARD_NO_PAD.encode(&text));
                check(&URL_SAFE_NO_PAD.encode(&text));
            }
        }
    }

    #[test]
    fn no_form_is_a_word() {
        assert!(
            Token::new(TOKEN)
                .forms()
                .iter()
                .all(|form| form.len() >= SHORTEST_SECRET)
        );
        assert!(Token::new("word").forms().is_empty());
    }

    #[test]
    fn a_token_prints_as_stars() {
        assert_eq!(format!("{:?}", Token::new(TOKEN)), "***");
    }
}
