//! Redaction: no text that people read shows the token, in any form, nor a character that controls a terminal. This is the
//! only place that knows what a secret can look like.

use std::borrow::Cow;
use std::cell::RefCell;
use std::cmp::Reverse;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::airbyte::log::escaped;
use crate::failure::Failure;

/// Shorter secrets are not redacted: they could be ordinary words, and replacing those would hide nothing.
const SHORTEST_SECRET: usize = 5;
/// The longest technical cause, in characters: it may hold the text of a response.
const LONGEST_CAUSE: usize = 500;
/// What a shorter token leaves in a Base64 text is less than a word.
const SHORTEST_ENCODED: usize = 8;

/// What the parts of a URL must escape; encoders differ on the rest.
const URL_RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Replaces what must not be seen.
#[derive(Default)]
pub struct Redactor {
    patterns: RefCell<Vec<String>>,
}

impl Redactor {
    /// From now on this secret is replaced too, in every form it may take.
    pub fn hide(&self, secret: &str) {
        let mut known = self.patterns.borrow_mut();
        known.extend(patterns(secret));
        // The longest first, so that no end of a form is left behind where it contains another one.
        known.sort_by_key(|pattern| Reverse(pattern.len()));
        known.dedup();
    }

    /// The text with `***` in place of secrets, and with control characters escaped.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut text = Cow::from(text);
        for pattern in self.patterns.borrow().iter() {
            if text.contains(pattern) {
                text = text.replace(pattern, "***").into();
            }
        }
        match escaped(&text) {
            Cow::Borrowed(_) => text,
            Cow::Owned(text) => text.into(),
        }
    }

    /// The failure with all its texts redacted.
    pub fn failure(&self, failure: &Failure) -> Failure {
        let redacted = |text: &String| self.text(text).into_owned();
        Failure {
            kind: failure.kind,
            subject: redacted(&failure.subject),
            message: redacted(&failure.message),
            advice: failure.advice.as_ref().map(redacted),
            // Cut after redacting, so that no part of a secret stays at the end.
            cause: failure.cause.as_ref().map(redacted).map(shortened),
        }
    }
}

/// The beginning of a longer text.
fn shortened(text: String) -> String {
    match text.char_indices().nth(LONGEST_CAUSE) {
        Some(_) => {
            let start: String = text.chars().take(LONGEST_CAUSE - 1).collect();
            format!("{start}…")
        }
        None => text,
    }
}

/// Every form in which a secret could appear: as it is, escaped for a URL or for JSON, and the part that all Base64 encodings of
/// text containing it have in common.
fn patterns(secret: &str) -> Vec<String> {
    if secret.len() < SHORTEST_SECRET {
        return Vec::new();
    }
    let json = serde_json::Value::from(secret).to_string();
    let json = &json[1..json.len() - 1];
    let mut forms = vec![secret.to_owned(), json.to_owned(), json.replace('/', "\\/")];
    for set in [NON_ALPHANUMERIC, URL_RESERVED] {
        let escaped = utf8_percent_encode(secret, set).to_string();
        forms.push(in_lower_case(&escaped));
        forms.push(escaped);
    }
    for before in 0..if secret.len() < SHORTEST_ENCODED {
        0
    } else {
        3
    } {
        let text = [&b"   "[..before], secret.as_bytes()].concat();
        // The first and the last character depend on what stands next to the token, too.
        let inner = |code: String| code[(before * 4).div_ceil(3)..text.len() * 4 / 3].to_owned();
        forms.push(inner(STANDARD_NO_PAD.encode(&text)));
        forms.push(inner(URL_SAFE_NO_PAD.encode(&text)));
    }
    forms.sort();
    forms.dedup();
    forms
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

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "tok3n-Aa+/=%\"9f86d081884c7d65";

    fn check(text: &str) {
        let forms = patterns(TOKEN);
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
            patterns(TOKEN)
                .iter()
                .all(|form| form.len() >= SHORTEST_SECRET)
        );
        assert!(patterns("word").is_empty());
    }
}
