//! Repairs records that a database or another parser would reject: U+0000 is removed, and an unpaired surrogate is replaced by
//! U+FFFD. Everything else keeps its bytes.

use std::borrow::Cow;

use crate::grammar;
use crate::record::COMMON_DEPTH;
use crate::scan;

/// An repaired record.
pub struct Repaired<'a> {
    /// The repaired record; owned if something was changed.
    pub text: Cow<'a, str>,
    /// Whether common parsers reject the record because of its depth or a number beyond the range of a double.
    pub is_unusual: bool,
}

/// Inspects and repairs a record, which must be valid JSON.
pub fn repair(record: &str) -> Repaired<'_> {
    let bytes = record.as_bytes();
    let (mut at, mut kept) = (0, 0);
    let mut repaired = String::new();
    let (mut depth, mut is_unusual) = (0_usize, false);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => at = repair_string(record, at + 1, &mut kept, &mut repaired),
            b'-' | b'0'..=b'9' => {
                let rest = &record[at..];
                let length = rest
                    .find(|letter: char| !letter.is_ascii_alphanumeric() && !"+-.".contains(letter))
                    .unwrap_or(rest.len());
                let number: Option<f64> = rest[..length].parse().ok();
                is_unusual |= number.is_none_or(f64::is_infinite);
                at += length;
            }
            b'{' | b'[' => {
                depth += 1;
                is_unusual |= depth > COMMON_DEPTH;
                at += 1;
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                at += 1;
            }
            _ => at += 1,
        }
    }
    let text = if kept == 0 {
        record.into()
    } else {
        repaired.push_str(&record[kept..]);
        repaired.into()
    };
    Repaired { text, is_unusual }
}

/// Repairs the string whose content begins at `at`: what has changed is in `repaired`, up to `kept`. Returns where it ended.
fn repair_string(record: &str, mut at: usize, kept: &mut usize, repaired: &mut String) -> usize {
    let bytes = record.as_bytes();
    loop {
        at = scan::skip_plain(bytes, at);
        if matches!(bytes.get(at), None | Some(b'"')) {
            return at + 1;
        }
        let (length, replacement) = character(&bytes[at..]);
        if let Some(replacement) = replacement {
            repaired.push_str(&record[*kept..at]);
            repaired.push_str(replacement);
            *kept = at + length;
        }
        at += length;
    }
}

/// The length of the first character of a string's content, and its replacement, if it needs one.
fn character(text: &[u8]) -> (usize, Option<&'static str>) {
    let unit = |at: usize| match text.get(at..at + 2) {
        Some(br"\u") => text.get(at + 2..at + 6),
        _ => None,
    };
    let is_low = |digits: &[u8]| {
        grammar::is_null_or_surrogate(digits) && matches!(digits[1], b'c'..=b'f' | b'C'..=b'F')
    };
    let is_high = |digits: &[u8]| {
        grammar::is_null_or_surrogate(digits)
            && matches!(digits[1], b'8' | b'9' | b'a' | b'b' | b'A' | b'B')
    };
    match unit(0) {
        None if text[0] == b'\\' => (2, None),
        None => (1, None),
        Some(b"0000") => (6, Some("")),
        Some(digits) if is_high(digits) => match unit(6) {
            Some(low) if is_low(low) => (12, None),
            _ => (6, Some("\u{fffd}")),
        },
        Some(digits) if is_low(digits) => (6, Some("\u{fffd}")),
        Some(_) => (6, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(record: &str, expected: &str) {
        assert_eq!(repair(record).text, expected, "{record}");
    }

    #[test]
    fn u0000_is_removed_and_unpaired_surrogates_are_replaced_in_names_and_values() {
        check(r#"{"a\u0000b":"\u0000"}"#, r#"{"ab":""}"#);
        check(
            r#"{"a":"\ud83d","\udc00":["x\uDBFF\n"]}"#,
            "{\"a\":\"\u{fffd}\",\"\u{fffd}\":[\"x\u{fffd}\\n\"]}",
        );
        check(
            r#"{"a":"\udc00\ud83d\ud83d\ude00"}"#,
            "{\"a\":\"\u{fffd}\u{fffd}\\ud83d\\ude00\"}",
        );
        check(
            r#"{"a":"\ud83d\u0000\ude00"}"#,
            "{\"a\":\"\u{fffd}\u{fffd}\"}",
        );
    }

    #[test]
    fn surrogate_pairs_and_other_escapes_keep_their_bytes() {
        for record in [
            r#"{"a":"\ud83d\ude00 \\ud83d \\u0000 \\\\u0000 \u0001 \ufffd \uDBFF\uDFFF \ud7ff\ue000"}"#,
            r#"{ "a" : 1.50e1, "b":[ "\"\u0041", null ] }"#,
            "{}",
        ] {
            check(record, record);
        }
        check(r#"{"a":"\\\u0000"}"#, r#"{"a":"\\"}"#);
    }

    #[test]
    fn numbers_beyond_a_double_and_deep_nesting_are_reported() {
        let digits = "9".repeat(400);
        let nested = |depth: usize| {
            format!(
                "{{\"a\":{}{}}}",
                "[".repeat(depth - 1),
                "]".repeat(depth - 1)
            )
        };
        for (record, expected) in [
            (r#"{"a":1e400}"#.to_owned(), true),
            (r#"{"a":[-1E+999]}"#.to_owned(), true),
            (format!("{{\"a\":{digits}}}"), true),
            (r#"{"a":1e308,"b":1e-999,"c":"1e400"}"#.to_owned(), false),
            (nested(COMMON_DEPTH), false),
            (nested(COMMON_DEPTH + 1), true),
        ] {
            assert_eq!(repair(&record).is_unusual, expected, "{record}");
        }
    }

    proptest! {
        #[test]
        fn a_repaired_record_has_no_u0000_and_needs_no_further_repair(
            units in prop::collection::vec(prop::sample::select(vec![
                r"\u0000", r"\ud83d", r"\uDE00", r"\udbff", r"\\", r"\n", r"\u0041", "x", "é", r"\uD7FF", r#"\""#,
            ]), 0..12),
        ) {
            let text = units.concat();
            let record = format!("{{\"{text}\":\"{text}\"}}");
            let once = repair(&record).text.into_owned();
            let value: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&once).unwrap();
            prop_assert!(!value.keys().next().unwrap().contains('\0'));
            prop_assert!(matches!(repair(&once).text, Cow::Borrowed(_)));
            if let Ok(whole) = serde_json::from_str::<serde_json::Value>(&record) {
                let expected = whole.to_string().replace("\\u0000", "");
                prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&once).unwrap().to_string(), expected);
            }
        }
    }
}
