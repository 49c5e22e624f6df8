//! A column, from a stream's schema file and, for its known values, from what Dixa documents (`openapi.json`).

use std::collections::BTreeSet;
use std::fmt;
use std::fs;

use serde_json::Value;

/// A field at any depth.
pub struct Column {
    /// From the top of the record, as in `ratings[].rating_score`.
    pub path: String,
    /// Its types, and the unit of a time.
    pub kind: String,
    pub description: String,
    /// The values that Dixa documents, if it documents them.
    values: BTreeSet<String>,
    joins: Vec<Join>,
}

/// A column of a stream with the same values.
pub struct Join {
    pub stream: String,
    pub column: String,
}

impl fmt::Display for Join {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.stream, self.column)
    }
}

impl Column {
    pub fn joins(&self) -> &[Join] {
        &self.joins
    }

    /// The description, and the documented values if it does not name them.
    pub fn meaning(&self) -> String {
        let is_named = |value: &String| self.description.contains(value.as_str());
        if self.values.iter().all(is_named) {
            return self.description.clone();
        }
        let values: Vec<_> = self.values.iter().map(String::as_str).collect();
        format!("{} Values: {}.", self.description, values.join(", "))
    }

    /// Whether the name is that of an id.
    pub fn is_id(&self) -> bool {
        let name = self.path.rsplit('.').next().unwrap_or_default();
        name == "id"
            || ["_id", "Id", "Ids", "By"]
                .iter()
                .any(|end| name.ends_with(end))
    }

    /// Whether the record can have several values.
    pub fn is_repeated(&self) -> bool {
        self.path.contains("[]") || self.kind.contains("array")
    }
}

/// What a stream holds.
pub fn description(stream: &str) -> String {
    text(&schema(stream))
}

/// The columns of a stream, in the order of its schema file.
pub fn columns(stream: &str) -> Vec<Column> {
    let mut found = Vec::new();
    collect(stream, &schema(stream), &documented(stream), "", &mut found);
    found
}

fn schema(stream: &str) -> Value {
    let file = fs::read_to_string(format!("schemas/{stream}.json")).unwrap();
    serde_json::from_str(&file).unwrap()
}

/// What Dixa documents for a record: the members of a union, or one. None for the streams of the Exports API.
fn documented(stream: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("../openapi.json")).unwrap();
    let Some(list) = all.get(stream) else {
        return Vec::new();
    };
    let steps = list["record"].as_str().unwrap().split('/').skip(1);
    let record = steps.fold(&list["answer"], |schema, step| match step {
        "*" => &schema["items"],
        name => &schema["properties"][name],
    });
    members(record)
}

/// The members of a union, or the elements of an array; otherwise the schema itself.
fn members(schema: &Value) -> Vec<Value> {
    match (&schema["anyOf"], &schema["items"]) {
        (Value::Array(union), _) => union.iter().flat_map(members).collect(),
        (_, items @ Value::Object(_)) => members(items),
        _ => vec![schema.clone()],
    }
}

fn collect(
    stream: &str,
    schema: &Value,
    documented: &[Value],
    front: &str,
    found: &mut Vec<Column>,
) {
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let known = documented
            .iter()
            .map(|member| match &member["properties"][name] {
                Value::Null => &member["additionalProperties"],
                property => property,
            });
        let known: Vec<_> = known.flat_map(members).collect();
        let path = format!("{front}{name}");
        let description = text(field);
        let values = known.iter().filter_map(|member| member["enum"].as_array());
        let values: BTreeSet<_> = values
            .flatten()
            .map(|value| value.as_str().unwrap().to_owned())
            .collect();
        found.push(Column {
            joins: joins(stream, &description),
            kind: kind(field),
            path: path.clone(),
            description,
            values,
        });
        collect(stream, field, &known, &format!("{path}."), found);
        collect(
            stream,
            &field["items"],
            &known,
            &format!("{path}[]."),
            found,
        );
    }
}

fn text(schema: &Value) -> String {
    schema["description"].as_str().unwrap().to_owned()
}

/// Every "`column` in stream" of a description.
fn joins(stream: &str, description: &str) -> Vec<Join> {
    let mut joins = Vec::new();
    let mut parts = description.split('`').skip(1);
    while let (Some(column), Some(after)) = (parts.next(), parts.next()) {
        let Some(rest) = after.strip_prefix(" in ") else {
            continue;
        };
        let named = rest.split(|char: char| !char.is_ascii_lowercase() && char != '_');
        joins.push(Join {
            stream: match named.into_iter().next().unwrap_or_default() {
                "this" => stream.to_owned(),
                named => named.to_owned(),
            },
            column: column.to_owned(),
        });
    }
    joins
}

/// The types other than null. Every column can be null.
fn kind(field: &Value) -> String {
    let types = field["type"].as_array().unwrap().iter();
    let names = types
        .filter_map(Value::as_str)
        .filter(|name| *name != "null");
    let spelled = |name| match name {
        "array" => format!("array of {}", element(&field["items"])),
        other => other.to_owned(),
    };
    let names: Vec<_> = names.map(spelled).collect();
    let unit = match (&field["x-typed-values"], &field["format"]) {
        (Value::String(mark), _) if mark == "date-time" => " (ms)",
        (_, Value::String(format)) if format == "date-time" => " (date-time)",
        _ => "",
    };
    format!("{}{unit}", names.join(" or "))
}

/// The type of an array's elements: one name, or a list with null.
fn element(items: &Value) -> &str {
    let mut names = match &items["type"] {
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        name => name.as_str().into_iter().collect::<Vec<_>>(),
    };
    names.retain(|name| *name != "null");
    names.first().copied().unwrap()
}
