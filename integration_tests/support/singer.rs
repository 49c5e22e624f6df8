//! A read for Singer, taken apart, and catalogs in Singer's form.

use std::collections::{BTreeMap, HashMap};

use dixa_simulator::Simulator;
use jsonschema::Validator;
use serde_json::{Value, json};

use super::read::Read;
use super::streams::stream_names;

/// The schema and the records of each stream of a read for Singer, and what it printed to stderr.
#[derive(Clone)]
pub struct Tables {
    pub schemas: HashMap<String, Value>,
    /// The fields of the key and the cursor.
    pub needed: HashMap<String, Vec<String>>,
    pub records: BTreeMap<String, Vec<Value>>,
    pub stderr: String,
}

pub fn singer(read: &Read) -> Tables {
    let output = read
        .args(["--format", "singer"])
        .command()
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{stderr}");
    let mut tables = Tables {
        schemas: HashMap::new(),
        needed: HashMap::new(),
        records: BTreeMap::new(),
        stderr,
    };
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let mut message: Value = serde_json::from_str(line).unwrap();
        let stream = message["stream"].as_str().unwrap_or_default().to_owned();
        match message["type"].as_str().unwrap() {
            "SCHEMA" => {
                let lists = ["key_properties", "bookmark_properties"].map(|key| &message[key]);
                let names = lists.into_iter().filter_map(Value::as_array).flatten();
                let names = names
                    .map(|name| name.as_str().unwrap().to_owned())
                    .collect();
                tables.needed.insert(stream.clone(), names);
                tables.schemas.insert(stream, message["schema"].take());
            }
            "RECORD" => {
                let records = tables.records.entry(stream).or_default();
                records.push(message["record"].take());
            }
            _ => {}
        }
    }
    tables
}

impl Tables {
    /// The records of a stream, sorted, since windows are read at the same time.
    pub fn sorted(&self, stream: &str) -> Vec<String> {
        let mut records: Vec<_> = self.records[stream].iter().map(Value::to_string).collect();
        records.sort();
        records
    }

    /// Every record is what its schema says, and has no other fields.
    pub fn check(&self) {
        for (stream, records) in &self.records {
            let schema = &self.schemas[stream];
            let validator: Validator = jsonschema::draft7::options()
                .should_validate_formats(true)
                .build(schema)
                .unwrap();
            for record in records {
                let error = validator.iter_errors(record).next();
                assert!(error.is_none(), "{stream}: {error:?}");
                for field in record.as_object().unwrap().keys() {
                    assert!(schema["properties"][field].is_object(), "{stream}.{field}");
                }
            }
        }
    }
}

pub fn all(simulator: &Simulator) -> Read {
    Read::of(simulator).args(["--streams", &stream_names().join(",")])
}

/// A catalog in Singer's form.
pub fn selecting(stream: &str, fields: &[(&[&str], Value)]) -> Value {
    let mut metadata = vec![json!({"breadcrumb": [], "metadata": {"selected": true}})];
    for (breadcrumb, of_field) in fields {
        metadata.push(json!({"breadcrumb": breadcrumb, "metadata": of_field}));
    }
    json!({"streams": [{"tap_stream_id": stream, "stream": stream, "metadata": metadata}]})
}
