//! Changes fields of a record by name: leaves them out, or converts their values. Everything else keeps its bytes.

use std::collections::HashMap;
use std::str;

use chrono::{DateTime, Datelike, Timelike};
use foldhash::fast::FixedState;

use crate::fields::unescape;
use crate::scan;

/// What happens to the fields of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldRules {
    by_name: HashMap<Box<[u8]>, FieldRule, FixedState>,
    /// Whether fields without a rule are left out.
    drops_others: bool,
}

/// What happens to one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldRule {
    /// It is kept as it is.
    Keep,
    /// It is left out, with its name.
    Drop,
    /// An integer, in Unix milliseconds, becomes RFC 3339 text in UTC with milliseconds, if its year is from 1 to 9999.
    Time,
    /// A text becomes a list of one text.
    List,
    /// The rules of the object that it holds, or of each object in the list that it holds.
    Inside(FieldRules),
}

impl FieldRules {
    /// Leaves out every field without a rule.
    pub fn drop_others(&mut self) {
        self.drops_others = true;
    }

    /// Sets the rule of a field.
    pub fn set(&mut self, name: &str, rule: FieldRule) {
        self.by_name.insert(name.as_bytes().into(), rule);
    }

    /// Whether a record whose fields all have a rule comes out as it is.
    pub fn keep_everything(&self) -> bool {
        self.by_name.values().all(|rule| *rule == FieldRule::Keep)
    }

    /// Appends the record after these rules. It must be a JSON object. Returns how many values are appended as they are although
    /// their rule is [`FieldRule::Time`]: neither null nor such an integer.
    pub fn apply(&self, record: &[u8], out: &mut Vec<u8>) -> u64 {
        let mut mapper = Mapper {
            record,
            at: blank_end(record, 0),
            copied: 0,
            out,
            unconverted: 0,
        };
        mapper.object(self);
        mapper.copy_to(record.len());
        mapper.unconverted
    }

    fn rule(&self, name: &[u8]) -> &FieldRule {
        let other = if self.drops_others {
            &FieldRule::Drop
        } else {
            &FieldRule::Keep
        };
        self.by_name.get(name).unwrap_or(other)
    }

    /// The rule of the field whose name stands between these quotes.
    fn rule_of(&self, written: &[u8], has_escapes: bool) -> &FieldRule {
        if !has_escapes {
            return self.rule(written);
        }
        // What is not text is no declared name.
        self.rule(&unescape(written).unwrap_or_default())
    }
}

/// Walks over a record and writes what becomes of it.
struct Mapper<'a> {
    record: &'a [u8],
    /// Before this, everything was read.
    at: usize,
    /// Before this, everything was written that is written at all.
    copied: usize,
    out: &'a mut Vec<u8>,
    unconverted: u64,
}

impl Mapper<'_> {
    /// The object that begins here.
    fn object(&mut self, rules: &FieldRules) {
        let record = self.record;
        let mut end = self.at + 1;
        let mut has_fields = false;
        loop {
            // After the bracket or comma.
            let name = blank_end(record, end);
            if record[name] == b'}' {
                self.at = name + 1;
                return;
            }
            let (name_end, has_escapes) = string_end(record, name);
            let colon = blank_end(record, name_end);
            self.at = blank_end(record, colon + 1);
            let rule = rules.rule_of(&record[name + 1..name_end - 1], has_escapes);
            // Of a field that is left out, the comma before it goes as well; before the first one that stays there is none.
            let comma = end - 1;
            if *rule == FieldRule::Drop {
                self.copy_to(if record[comma] == b',' { comma } else { end });
                self.at = value_end(record, self.at);
                self.copied = self.at;
            } else {
                if !has_fields && record[comma] == b',' {
                    self.copied = end;
                }
                has_fields = true;
                self.value(rule);
            }
            let after = blank_end(record, self.at);
            if record[after] == b'}' {
                self.at = after + 1;
                return;
            }
            end = after + 1;
        }
    }

    /// The list that begins here, whose elements have this rule.
    fn list(&mut self, rule: &FieldRule) {
        self.at += 1;
        loop {
            self.at = blank_end(self.record, self.at);
            match self.record[self.at] {
                b']' => {
                    self.at += 1;
                    return;
                }
                b',' => self.at += 1,
                _ => self.value(rule),
            }
        }
    }

    /// The value that begins here.
    fn value(&mut self, rule: &FieldRule) {
        let begin = self.at;
        match (rule, self.record[begin]) {
            (FieldRule::Inside(rules), b'{') => return self.object(rules),
            (FieldRule::Inside(_), b'[') => return self.list(rule),
            _ => self.at = value_end(self.record, begin),
        }
        match (rule, self.record[begin]) {
            (FieldRule::List, b'"') => {
                self.copy_to(begin);
                self.out.push(b'[');
                self.copy_to(self.at);
                self.out.push(b']');
            }
            (FieldRule::Time, first) if first != b'n' => match time(&self.record[begin..self.at]) {
                Some(time) => {
                    self.copy_to(begin);
                    self.out.extend_from_slice(&time);
                    self.copied = self.at;
                }
                None => self.unconverted += 1,
            },
            _ => {}
        }
    }

    /// Writes everything up to here as it is, unless it was written or left out.
    fn copy_to(&mut self, end: usize) {
        if let Some(bytes) = self.record.get(self.copied..end) {
            self.out.extend_from_slice(bytes);
            self.copied = end;
        }
    }
}

/// The time that an integer stands for, between quotes; `None` if it is no such integer.
fn time(token: &[u8]) -> Option<[u8; 26]> {
    let milliseconds = str::from_utf8(token).ok()?.parse().ok()?;
    let time = DateTime::from_timestamp_millis(milliseconds)?;
    let year = u32::try_from(time.year()).ok()?;
    if !(1..=9999).contains(&year) {
        return None;
    }
    let mut text = *b"\"0000-00-00T00:00:00.000Z\"";
    let mut put = |end: usize, digits: usize, mut number: u32| {
        for place in text[end - digits..end].iter_mut().rev() {
            // A digit is less than ten.
            *place = b'0' + (number % 10) as u8;
            number /= 10;
        }
    };
    put(5, 4, year);
    put(8, 2, time.month());
    put(11, 2, time.day());
    put(14, 2, time.hour());
    put(17, 2, time.minute());
    put(20, 2, time.second());
    put(24, 3, time.timestamp_subsec_millis());
    Some(text)
}

/// The end of the blanks that begin at `at`.
fn blank_end(bytes: &[u8], at: usize) -> usize {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    at + bytes[at..].iter().take_while(|byte| is_blank(byte)).count()
}

/// The end of the string whose opening quote is at `at`, and whether it has escapes.
fn string_end(bytes: &[u8], at: usize) -> (usize, bool) {
    let mut at = scan::skip_plain(bytes, at + 1);
    let has_escapes = bytes[at] == b'\\';
    while bytes[at] == b'\\' {
        at = scan::skip_plain(bytes, at + 2);
    }
    (at + 1, has_escapes)
}

/// The end of the value that begins at `at`.
fn value_end(bytes: &[u8], mut at: usize) -> usize {
    let mut depth = 0_usize;
    loop {
        match bytes[at] {
            b'"' => (at, _) = string_end(bytes, at),
            b'{' | b'[' => {
                depth += 1;
                at += 1;
                continue;
            }
            b'}' | b']' => {
                depth -= 1;
                at += 1;
            }
            b',' | b':' | b' ' | b'\t' | b'\n' | b'\r' => {
                at += 1;
                continue;
            }
            _ => {
                let is_in_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
                at += bytes[at..]
                    .iter()
                    .take_while(|byte| is_in_token(byte))
                    .count();
            }
        }
        if depth == 0 {
            return at;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn rules(fields: &[(&str, FieldRule)]) -> FieldRules {
        let mut rules = FieldRules::default();
        for (name, rule) in fields {
            rules.set(name, rule.clone());
        }
        rules
    }

    fn applied(rules: &FieldRules, record: &str) -> (String, u64) {
        let mut out = Vec::new();
        let unconverted = rules.apply(record.as_bytes(), &mut out);
        (String::from_utf8(out).unwrap(), unconverted)
    }

    fn check(rules: &FieldRules, record: &str, expected: &str) {
        assert_eq!(applied(rules, record).0, expected, "{record}");
    }

    #[test]
    fn a_field_is_left_out_with_its_comma_wherever_it_is() {
        let drop = rules(&[("a", FieldRule::Drop)]);
        check(&drop, r#"{"a":1,"b":2}"#, r#"{"b":2}"#);
        check(&drop, r#"{"b":2,"a":{"x":[1,{}]}}"#, r#"{"b":2}"#);
        check(&drop, r#"{"b":2,"a":"}\"","c":3}"#, r#"{"b":2,"c":3}"#);
        check(&drop, r#"{"a":1}"#, "{}");
        check(
            &drop,
            r#"{"\u0061":1,"a":2,"b":{"a":3}}"#,
            r#"{"b":{"a":3}}"#,
        );
        check(&drop, "{}", "{}");
        check(&drop, "{ }", "{ }");
        check(&drop, r#"{ "a" : 1 , "b" : 2 }"#, r#"{ "b" : 2 }"#);
    }

    #[test]
    fn only_fields_with_a_rule_are_kept_if_others_are_left_out() {
        let mut keep = FieldRules::default();
        keep.drop_others();
        keep.set("id", FieldRule::Keep);
        check(
            &keep,
            r#"{"x":1,"id":1.50,"":null,"\ud800":0}"#,
            r#"{"id":1.50}"#,
        );
    }

    #[test]
    fn milliseconds_become_times_within_the_years_1_to_9999() {
        let time = rules(&[("t", FieldRule::Time)]);
        for (value, expected, unconverted) in [
            ("0", r#""1970-01-01T00:00:00.000Z""#, 0),
            ("-1", r#""1969-12-31T23:59:59.999Z""#, 0),
            ("1795744202726", r#""2026-11-27T01:50:02.726Z""#, 0),
            ("253402300799999", r#""9999-12-31T23:59:59.999Z""#, 0),
            ("253402300800000", "253402300800000", 1),
            ("-62135596800000", r#""0001-01-01T00:00:00.000Z""#, 0),
            ("-62135596800001", "-62135596800001", 1),
            ("99999999999999999999", "99999999999999999999", 1),
            ("1e3", "1e3", 1),
            ("1.0", "1.0", 1),
            (r#""x""#, r#""x""#, 1),
            ("[1]", "[1]", 1),
            ("null", "null", 0),
        ] {
            let mapped = applied(&time, &format!(r#"{{"t":{value},"u":1}}"#));
            let expected = format!(r#"{{"t":{expected},"u":1}}"#);
            assert_eq!(mapped, (expected, unconverted));
        }
    }

    #[test]
    fn a_text_becomes_a_list_and_a_list_stays_one() {
        let list = rules(&[("to", FieldRule::List)]);
        check(&list, r#"{"to":"a,b"}"#, r#"{"to":["a,b"]}"#);
        check(&list, r#"{"to":["a"]}"#, r#"{"to":["a"]}"#);
        check(&list, r#"{"to":null}"#, r#"{"to":null}"#);
    }

    #[test]
    fn rules_reach_into_objects_and_into_the_objects_of_lists() {
        let inside = rules(&[("d", FieldRule::Drop), ("t", FieldRule::Time)]);
        let outer = rules(&[("o", FieldRule::Inside(inside))]);
        check(
            &outer,
            r#"{"o":[ {"d":1,"t":0}, 5 ,[{"d":1}],{}],"d":1}"#,
            r#"{"o":[ {"t":"1970-01-01T00:00:00.000Z"}, 5 ,[{}],{}],"d":1}"#,
        );
        check(&outer, r#"{"o":{"d":1}}"#, r#"{"o":{}}"#);
        check(&outer, r#"{"o":"d"}"#, r#"{"o":"d"}"#);
    }

    /// Values with texts that look like structure.
    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[a-c{}\\[\\]\",:\\\\\u{e9} ]{0,60}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-c\"]{1,2}", inner, 0..4)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_selection_gives_exactly_those_fields(
            fields in prop::collection::btree_map("[a-d\\\\\"]{1,2}", value(), 0..6),
            dropped in prop::collection::btree_set("[a-d\\\\\"]{1,2}", 0..6),
            is_pretty in any::<bool>(),
        ) {
            let mut record = Value::Object(fields.into_iter().collect());
            let text = if is_pretty { serde_json::to_string_pretty(&record) } else { serde_json::to_string(&record) }.unwrap();
            let mut rules = FieldRules::default();
            for name in &dropped {
                rules.set(name, FieldRule::Drop);
            }
            let mapped: Value = serde_json::from_str(&applied(&rules, &text).0).unwrap();
            record.as_object_mut().unwrap().retain(|name, _| !dropped.contains(name));
            prop_assert_eq!(mapped, record);
            prop_assert_eq!(applied(&FieldRules::default(), &text).0, text);
        }
    }
}
