//! Objects looked into member by member, as few streams need it. What is not asked for stays as it is written.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::dixa::fields::unescape;

/// What stands in place of a secret.
const MASK: &str = r#""***""#;

/// The members of an object, repeated ones too, each name and value as it is written.
struct Members<'a>(Vec<(&'a RawValue, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Taken;
        impl<'de> Visitor<'de> for Taken {
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
        deserializer.deserialize_map(Taken)
    }
}

/// The members of a value; none if it is no object.
fn members(value: &str) -> impl Iterator<Item = (Cow<'_, [u8]>, &RawValue, &RawValue)> {
    let members = serde_json::from_str(value).map_or_else(|_| Vec::new(), |Members(all)| all);
    members.into_iter().map(|(written, value)| {
        let quoted = written.get().as_bytes();
        let name = unescape(&quoted[1..quoted.len() - 1]).unwrap_or_default();
        (name, written, value)
    })
}

/// The record with the values of these fields hidden; of an object, the values in it. Null stays null.
pub fn masked(record: &str, secrets: &[&str]) -> String {
    rewritten(record, |name, value| {
        if !secrets.iter().any(|secret| secret.as_bytes() == name) {
            value.to_owned()
        } else if value.starts_with('{') {
            rewritten(value, |_, value| hidden(value).to_owned())
        } else {
            hidden(value).to_owned()
        }
    })
}

fn hidden(value: &str) -> &str {
    if value == "null" { value } else { MASK }
}

fn rewritten(object: &str, value: impl Fn(&[u8], &str) -> String) -> String {
    let members = members(object)
        .map(|(name, written, old)| format!("{written}:{}", value(&name, old.get())));
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

/// The ids in records: their own, and those of the objects in arrays inside them, by the name of the array.
#[derive(Debug, Default)]
pub struct FoundIds {
    own: Vec<String>,
    within: BTreeMap<Vec<u8>, Vec<String>>,
}

impl FoundIds {
    /// Takes those of one record.
    pub fn take(&mut self, record: &str) {
        self.look_into(record, Some(&[]));
    }

    /// The records' own.
    pub fn own(&self) -> &[String] {
        &self.own
    }

    /// Those of the objects in the arrays of this name.
    pub fn within(&self, array: &str) -> &[String] {
        self.within.get(array.as_bytes()).map_or(&[], Vec::as_slice)
    }

    /// Looks into an object in the array of this name; of none, it is the record itself.
    fn look_into(&mut self, object: &str, array: Option<&[u8]>) {
        for (name, _, value) in members(object) {
            let value = value.get();
            match (value.as_bytes()[0], array) {
                (b'[', _) => {
                    let elements: Vec<&RawValue> = serde_json::from_str(value).unwrap_or_default();
                    for element in elements {
                        self.look_into(element.get(), Some(&name));
                    }
                }
                (b'{', _) => self.look_into(value, None),
                (b'"' | b'0'..=b'9', Some(array)) if *name == *b"id" => {
                    let id = serde_json::from_str(value).unwrap_or_else(|_| value.to_owned());
                    match array {
                        [] => self.own.push(id),
                        array => self.within.entry(array.to_vec()).or_default().push(id),
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
        assert_eq!(masked(record, &["secretKey", "headers"]), expected);
    }

    #[test]
    fn secrets_are_hidden_and_all_else_stays_as_it_is_written() {
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
    fn ids_are_found_at_any_depth_by_the_array_that_they_are_in() {
        let mut found = FoundIds::default();
        found.take(r#"{"id":"a","title":{"id":"no"},"tags":["x"],"title2":"\ud800"}"#);
        found.take(
            r#"{"id":7,"categories":[{"id":"c1","categories":[{"\u0069d":"c2","articles":[{"id":"r1"}]}]}],"articles":[{"id":"r2"},{"id":null}]}"#,
        );
        assert_eq!(found.own(), ["a", "7"]);
        assert_eq!(found.within("categories"), ["c1", "c2"]);
        assert_eq!(found.within("articles"), ["r1", "r2"]);
        assert!(found.within("other").is_empty());
    }
}
