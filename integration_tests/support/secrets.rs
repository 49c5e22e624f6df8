//! The token appears nowhere: the output of every run, apart from its records, is searched for it in all its forms.
//! They are computed here independently of the connector.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::config::TOKEN;

/// The number of forms that are the whole token; the others are parts of Base64 texts.
const ESCAPED: usize = 6;

/// The token itself, escaped as in JSON and in a URL, and the part that is common to all Base64 texts with the token at the
/// same offset modulo three.
static FORMS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let url = |unescaped: &str, digits: fn(u32) -> String| -> String {
        let escaped = |character: char| {
            if character.is_ascii_alphanumeric() || unescaped.contains(character) {
                character.to_string()
            } else {
                digits(u32::from(character))
            }
        };
        TOKEN.chars().map(escaped).collect()
    };
    let upper = |byte: u32| format!("%{byte:02X}");
    let lower = |byte: u32| format!("%{byte:02x}");
    let mut forms = vec![
        TOKEN.to_owned(),
        TOKEN.replace('/', "\\/"),
        url("", upper),
        url("", lower),
        url("-._~", upper),
        url("-._~", lower),
    ];
    for before in ["", "b", "be"] {
        let text = BASE64_STANDARD.encode(format!("{before}{TOKEN}"));
        let (first, last) = ((before.len() * 4).div_ceil(3), text.len() - 4);
        let common = &text[first..last];
        forms.push(common.to_owned());
        forms.push(common.replace('+', "-").replace('/', "_"));
    }
    forms
});

/// Panics if the text contains the token.
pub fn check(written: &str) {
    let written = written.to_lowercase();
    for form in FORMS.iter() {
        let is_found = written.contains(&form.to_lowercase());
        assert!(!is_found, "the token was written, as {form}");
    }
}

/// Panics if one of these lines, other than a record, contains the token.
pub fn check_lines(lines: &str) {
    for line in lines
        .lines()
        .filter(|line| !line.starts_with(r#"{"type":"RECORD""#))
    {
        check(line);
    }
}

/// The forms of the whole token: plain, and escaped as in JSON and in a URL.
pub fn escaped_forms() -> &'static [String] {
    &FORMS[..ESCAPED]
}
