//! The schema files as the tests read them: with the marks of `typed_values` replaced by what they mean.

use std::fs;

use serde_json::{Value, json};

/// The schema of a stream's records without `typed_values`.
pub fn plain(stream: &str) -> Value {
    resolved(stream, false)
}

/// The schema of a stream's records with `typed_values`.
pub fn typed(stream: &str) -> Value {
    resolved(stream, true)
}

fn resolved(stream: &str, is_typed: bool) -> Value {
    let file = fs::read_to_string(format!("schemas/{stream}.json")).unwrap();
    let mut schema = serde_json::from_str(&file).unwrap();
    resolve(&mut schema, is_typed);
    schema
}

fn resolve(schema: &mut Value, is_typed: bool) {
    let Some(keywords) = schema.as_object_mut() else {
        return;
    };
    let mark = keywords.shift_remove("x-typed-values");
    if let (Some(mark), true) = (mark, is_typed) {
        if mark == "date-time" {
            keywords["type"] = json!(["null", "string"]);
            keywords.insert("format".to_owned(), mark);
        } else {
            keywords["type"] = json!(["null", "array"]);
        }
    }
    for keyword in keywords.values_mut() {
        resolve(keyword, is_typed);
    }
}
