//! The top-level fields of records: which are null, which are omitted, which no schema declares, and of which type.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::commands::probe::report::Answer;
use crate::streams::record_form::RecordForm;
use crate::streams::stream::Stream;
use crate::streams::table::STREAMS;

/// At most this many different names are kept per stream.
const MAX_NAMES: usize = 300;
/// At most this many undeclared fields of a stream are named.
const MAX_SHOWN: usize = 30;
const MAX_NAME: usize = 41;
/// A name with more digits may be an id or a telephone number.
const MAX_DIGITS: usize = 3;

/// How often each field had which type.
#[derive(Default)]
pub struct FieldFacts {
    records: u64,
    types: BTreeMap<String, BTreeMap<&'static str, u64>>,
}

/// The type of a value, as in JSON.
pub fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

impl FieldFacts {
    pub fn add(&mut self, record: &Value) {
        let Some(fields) = record.as_object() else {
            return;
        };
        self.records += 1;
        for (name, value) in fields {
            if self.types.len() >= MAX_NAMES && !self.types.contains_key(name) {
                continue;
            }
            let types = self.types.entry(name.clone()).or_default();
            *types.entry(type_of(value)).or_default() += 1;
        }
    }

    pub fn merge(&mut self, other: &Self) {
        self.records += other.records;
        for (name, types) in &other.types {
            let all = self.types.entry(name.clone()).or_default();
            for (kind, count) in types {
                *all.entry(kind).or_default() += count;
            }
        }
    }

    /// In how many of the declared fields some record has null, and how many some record omits.
    fn absent(&self, declared: &BTreeSet<String>) -> (usize, usize) {
        let count = |name: &String, kind: &str| {
            let types = self.types.get(name);
            types
                .and_then(|types| types.get(kind))
                .copied()
                .unwrap_or(0)
        };
        let present = |name: &String| {
            let types = self.types.get(name);
            types.map_or(0, |types| types.values().sum::<u64>())
        };
        let null = declared.iter().filter(|name| count(name, "null") > 0);
        let omitted = declared.iter().filter(|name| present(name) < self.records);
        (null.count(), omitted.count())
    }

    /// The undeclared fields with the types of their values; and how many have a name that is not shown.
    fn undeclared(&self, declared: &BTreeSet<String>) -> (Map<String, Value>, usize) {
        let undeclared = self
            .types
            .iter()
            .filter(|(name, _)| !declared.contains(*name));
        let (shown, hidden): (Vec<_>, Vec<_>) =
            undeclared.partition(|(name, _)| is_identifier(name));
        let hidden = hidden.len() + shown.len().saturating_sub(MAX_SHOWN);
        let shown = shown.into_iter().take(MAX_SHOWN);
        let shown = shown.map(|(name, types)| {
            let types: Vec<_> = types.keys().copied().collect();
            (name.clone(), types.join(" or ").into())
        });
        (shown.collect(), hidden)
    }
}

/// Whether a name is one that a program gave to a field, and not data used as a name.
fn is_identifier(name: &str) -> bool {
    let digits = name.bytes().filter(u8::is_ascii_digit).count();
    name.len() <= MAX_NAME
        && digits <= MAX_DIGITS
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The fields that the schema of a stream declares.
fn declared(stream: &'static Stream) -> BTreeSet<String> {
    let catalog = RecordForm::default().discovered(stream).to_json();
    let properties = catalog["json_schema"]["properties"].as_object();
    properties
        .into_iter()
        .flat_map(Map::keys)
        .cloned()
        .collect()
}

/// The facts of all streams that had records, by their names.
pub type AllFields = BTreeMap<&'static str, FieldFacts>;

fn with_records(facts: &AllFields) -> impl Iterator<Item = (&'static Stream, &FieldFacts)> {
    STREAMS.iter().filter_map(|stream| {
        let facts = facts.get(stream.name)?;
        (facts.records > 0).then_some((stream, facts))
    })
}

/// Whether fields without a value are null or omitted.
pub fn absent_values(facts: &AllFields) -> Answer {
    let mut answer = Answer::new(
        "absent_values",
        "Are fields without a value null, or omitted?",
        "doubt 11, 1.7",
    );
    let mut streams = 0;
    for (stream, facts) in with_records(facts) {
        let (nulls, omitted) = facts.absent(&declared(stream));
        let found =
            json!({"records": facts.records, "fields_null": nulls, "fields_omitted": omitted});
        answer = answer.found(stream.name, found);
        streams += 1;
    }
    if streams == 0 {
        return answer.not_settled("no list had a record");
    }
    answer.holds(
        "both are read: null and omitted are passed on as they are, and no field but the key is required",
    )
}

/// Fields that no schema declares.
pub fn undeclared_fields(facts: &AllFields) -> Answer {
    let mut answer = Answer::new(
        "undeclared_fields",
        "Which top-level fields does no schema declare?",
        "1.7, 1.8, 2.7",
    );
    let (mut streams, mut undeclared) = (0, 0);
    for (stream, facts) in with_records(facts) {
        streams += 1;
        let (mut shown, hidden) = facts.undeclared(&declared(stream));
        if hidden > 0 {
            shown.insert("names not shown".to_owned(), hidden.into());
        }
        if !shown.is_empty() {
            undeclared += 1;
            answer = answer.found(stream.name, shown);
        }
    }
    match (streams, undeclared) {
        (0, _) => answer.not_settled("no list had a record"),
        (_, 0) => answer.holds("the schemas know every field"),
        _ => answer.differs(
            "Dixa sends fields that the schemas do not know",
            "They are passed on unchanged, and a read warns once of each. Please report them, so that the schemas can declare them.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_look_like_identifiers_are_shown() {
        for (name, expected) in [
            ("updated_at", true),
            ("_type", true),
            ("formSubmission", true),
            ("address2", true),
            ("2nd", false),
            ("anna@example.com", false),
            ("Anna Berg", false),
            ("phone_4520123456", false),
            ("3f2504e0-4f89", false),
            ("größe", false),
            (&"a".repeat(42), false),
        ] {
            assert_eq!(is_identifier(name), expected, "{name}");
        }
    }

    #[test]
    fn null_and_omitted_fields_are_counted_apart() {
        let mut facts = FieldFacts::default();
        facts.add(&json!({"id": 1, "name": null, "surplus": 1.5}));
        facts.add(&json!({"id": 2, "surplus": "x", "+45 20": 1}));
        let declared = ["id", "name"].map(str::to_owned).into();
        assert_eq!(facts.absent(&declared), (1, 1));
        let (shown, hidden) = facts.undeclared(&declared);
        assert_eq!(
            (Value::Object(shown), hidden),
            (json!({"surplus": "number or string"}), 1)
        );
    }
}
