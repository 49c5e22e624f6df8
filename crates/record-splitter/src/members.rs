//! Edits and inspects objects member by member, which few streams need. Everything else keeps its bytes.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::fields::unescape;

/// Replaces a secret.
const MASK: &str = r#""***""#;
/// The maximum length of an id, in bytes. No request can carry a longer one.
const MAX_ID: usize = 64 * 1024;

/// The members of an object, including repeated ones, with each name and value as written.
struct Members<'a>(Vec<(&'a RawValue, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;
        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(MembersVisitor)
    }
}

/// The members of a value; none if it is not an object.
fn members(value: &str) -> impl Iterator<Item = (Cow<'_, [u8]>, &RawValue, &RawValue)> {
    let members = serde_json::from_str(value).map_or_else(|_| Vec::new(), |Members(all)| all);
    members.into_iter().map(|(written, value)| {
        let quoted = written.get().as_bytes();
        let name = unescape(&quoted[1..quoted.len() - 1]).unwrap_or_default();
        (name, written, value)
    })
}

/// The record with the values of these fields masked. If the value is an object, the values in it are masked instead. Null stays
/// null.
pub fn mask_fields(record: &str, secrets: &[&str]) -> String {
    map_values(record, |name, value| {
        if !secrets.iter().any(|secret| secret.as_bytes() == name) {
            value.to_owned()
        } else if value.starts_with('{') {
            map_values(value, |_, value| masked(value).to_owned())
        } else {
            masked(value).to_owned()
        }
    })
}

/// The record without the fields of this name; `None` if there are none.
pub fn without_field(record: &str, field: &str) -> Option<String> {
    let is_removed = |name: &[u8]| name == field.as_bytes();
    members(record)
        .any(|(name, ..)| is_removed(&name))
        .then(|| {
            let others = members(record).filter(|(name, ..)| !is_removed(name));
            let others = others.map(|(_, written, value)| format!("{written}:{value}"));
            format!("{{{}}}", others.collect::<Vec<_>>().join(","))
        })
}

fn masked(value: &str) -> &str {
    if value == "null" { value } else { MASK }
}

fn map_values(object: &str, value: impl Fn(&[u8], &str) -> String) -> String {
    let members = members(object)
        .map(|(name, written, old)| format!("{written}:{}", value(&name, old.get())));
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

/// The position of an object.
#[derive(Clone, Copy)]
enum Position<'a> {
    /// The record itself.
    Record,
    /// An element of the array of this name.
    Array(&'a [u8]),
    /// A member of another object.
    Object,
}

/// Collects the ids of records, and those of objects in arrays within them, by the name of the array.
#[derive(Debug, Default)]
pub struct IdCollector {
    own: Vec<String>,
    within: BTreeMap<Vec<u8>, Vec<String>>,
    /// Whether an id was longer than [`MAX_ID`] and was dropped.
    pub has_too_long: bool,
}

impl IdCollector {
    /// Collects the ids in one record.
    pub fn collect(&mut self, record: &str) {
        self.visit(record, Position::Record);
    }

    /// The ids of the records themselves.
    pub fn record_ids(&self) -> &[String] {
        &self.own
    }

    /// The ids of the objects in arrays of this name.
    pub fn nested_ids(&self, array: &str) -> &[String] {
        self.within.get(array.as_bytes()).map_or(&[], Vec::as_slice)
    }

    fn visit(&mut self, object: &str, position: Position<'_>) {
        for (name, _, value) in members(object) {
            let value = value.get();
            match (value.as_bytes()[0], position) {
                (b'[', _) => {
                    let elements: Vec<&RawValue> = serde_json::from_str(value).unwrap_or_default();
                    for element in elements {
                        self.visit(element.get(), Position::Array(&name));
                    }
                }
                (b'{', _) => self.visit(value, Position::Object),
                (b'"' | b'0'..=b'9', Position::Record | Position::Array(_)) if *name == *b"id" => {
                    let id = serde_json::from_str(value).unwrap_or_else(|_| value.to_owned());
                    if id.len() > MAX_ID {
                        self.has_too_long = true;
                        continue;
                    }
                    match position {
                        Position::Array(array) => {
                            self.within.entry(array.to_vec()).or_default().push(id);
                        }
                        _ => self.own.push(id),
                    }
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_masked(record: &str, expected: &str) {
        assert_eq!(mask_fields(record, &["secretKey", "headers"]), expected);
    }

    #[test]
    fn secrets_are_masked_and_everything_else_keeps_its_bytes() {
        check_masked(
            r#"{ "id" : 1.50, "secretKey": "s", "x":{"secretKey":"of no webhook"},"headers":{"A\n":"t","b": ["t"], "c":null} }"#,
            r#"{"id":1.50,"secretKey":"***","x":{"secretKey":"of no webhook"},"headers":{"A\n":"***","b":"***","c":null}}"#,
        );
        check_masked(
            r#"{"secret\u004bey":{"a":"s"},"secretKey":["s"],"headers":"s","\ud800":"\udc00"}"#,
            r#"{"secret\u004bey":{"a":"***"},"secretKey":"***","headers":"***","\ud800":"\udc00"}"#,
        );
        check_masked(
            r#"{"secretKey":null,"headers":{}}"#,
            r#"{"secretKey":null,"headers":{}}"#,
        );
    }

    #[test]
    fn ids_are_found_at_any_depth_by_the_name_of_their_array() {
        let mut found = IdCollector::default();
        found.collect(r#"{"id":"a","title":{"id":"no"},"tags":["x"],"title2":"\ud800"}"#);
        found.collect(
            r#"{"id":7,"categories":[{"id":"c1","categories":[{"\u0069d":"c2","articles":[{"id":"r1"}]}]}],"articles":[{"id":"r2"},{"id":null}]}"#,
        );
        assert_eq!(found.record_ids(), ["a", "7"]);
        assert_eq!(found.nested_ids("categories"), ["c1", "c2"]);
        assert_eq!(found.nested_ids("articles"), ["r1", "r2"]);
        assert!(found.nested_ids("other").is_empty());
        assert!(!found.has_too_long);
    }

    #[test]
    fn an_id_over_64_kb_is_dropped() {
        let mut found = IdCollector::default();
        let id = "x".repeat(MAX_ID);
        found.collect(&format!(r#"{{"id":"{id}"}}"#));
        assert_eq!((found.record_ids().len(), found.has_too_long), (1, false));
        found.collect(&format!(r#"{{"id":"{id}x"}}"#));
        assert_eq!((found.record_ids().len(), found.has_too_long), (1, true));
    }

    #[test]
    fn an_empty_name_is_a_name_like_any_other() {
        let mut found = IdCollector::default();
        found.collect(r#"{"":[{"id":"a","":{"id":"b"}}],"id":"c","x":{"":[{"id":"d"}]}}"#);
        assert_eq!(found.record_ids(), ["c"]);
        assert_eq!(found.nested_ids(""), ["a", "d"]);
    }

    #[test]
    fn a_field_is_removed_however_it_is_escaped_and_repeated() {
        let record = r#"{"a": 1e400, "q\u005fid":"x","q_id":[2],"":"\ud800","b":{"q_id":3}}"#;
        let expected = r#"{"a":1e400,"":"\ud800","b":{"q_id":3}}"#;
        assert_eq!(without_field(record, "q_id").as_deref(), Some(expected));
        assert_eq!(
            without_field(r#"{"q_id":1}"#, "q_id").as_deref(),
            Some("{}")
        );
        assert_eq!(without_field(r#"{"a":1}"#, "q_id"), None);
    }
}
