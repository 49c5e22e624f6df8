//! The form of the records: typed values, declared fields only, and the fields that a catalog selects.

use std::collections::{BTreeMap, HashMap};

use chrono::DateTime;
use dixa_simulator::Simulator;
use dixa_simulator::api::faults::{Fault, Kind};
use jsonschema::Validator;
use proptest::prelude::*;
use proptest::sample::subsequence;
use serde_json::{Value, json};

use crate::support::config::config;
use crate::support::ran::Ran;
use crate::support::read::{Read, run_with_config};
use crate::support::sim::Sim;
use crate::support::streams::stream_names;

/// The schema and the records of each stream of a read for Singer.
struct Tables {
    schemas: HashMap<String, Value>,
    /// The fields of the key and the cursor.
    needed: HashMap<String, Vec<String>>,
    records: BTreeMap<String, Vec<Value>>,
}

fn singer(read: &Read) -> Tables {
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
    fn sorted(&self, stream: &str) -> Vec<String> {
        let mut records: Vec<_> = self.records[stream].iter().map(Value::to_string).collect();
        records.sort();
        records
    }

    /// Every record is what its schema says, and has no other fields.
    fn check(&self) {
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

fn all(simulator: &Simulator) -> Read {
    Read::of(simulator).args(["--streams", &stream_names().join(",")])
}

/// A catalog in Singer's form.
fn selecting(stream: &str, fields: &[(&[&str], Value)]) -> Value {
    let mut metadata = vec![json!({"breadcrumb": [], "metadata": {"selected": true}})];
    for (breadcrumb, of_field) in fields {
        metadata.push(json!({"breadcrumb": breadcrumb, "metadata": of_field}));
    }
    json!({"streams": [{"tap_stream_id": stream, "stream": stream, "metadata": metadata}]})
}

/// Milliseconds, where there was a time.
fn untyped(value: &mut Value, schema: &Value) {
    match value {
        Value::Array(elements) => {
            for element in elements {
                untyped(element, &schema["items"]);
            }
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                untyped(value, &schema["properties"][name]);
            }
        }
        Value::String(text) if schema["format"] == "date-time" => {
            let time = DateTime::parse_from_rfc3339(text).unwrap();
            assert!(text.ends_with('Z') && text.len() == 24, "{text}");
            *value = time.timestamp_millis().into();
        }
        _ => {}
    }
}

#[test]
fn records_for_singer_are_what_their_schema_declares_typed_or_not() {
    let simulator = Sim::new().start();
    let plain = singer(&all(&simulator));
    let typed = singer(&all(&simulator).config(json!({"typed_values": true})));
    plain.check();
    typed.check();
    assert_eq!(plain.records.len(), stream_names().len());
    for (stream, records) in &typed.records {
        if !["conversations", "messages"].contains(&stream.as_str()) {
            assert_eq!(typed.sorted(stream), plain.sorted(stream), "{stream}");
            continue;
        }
        let schema = &typed.schemas[stream];
        let mut back: Vec<_> = records.clone();
        for record in &mut back {
            untyped(record, schema);
        }
        let mut plain: Vec<_> = plain.records[stream].clone();
        if stream == "messages" {
            let is_text = |record: &Value| record["to"].is_string();
            assert!(
                plain.iter().any(is_text),
                "some are texts without the option"
            );
            for record in plain.iter_mut().filter(|record| is_text(record)) {
                record["to"] = json!([record["to"]]);
            }
        }
        let key = |record: &Value| record.to_string();
        back.sort_by_key(key);
        plain.sort_by_key(key);
        assert!(back == plain, "{stream}");
    }
}

#[test]
fn an_undeclared_field_is_left_out_for_singer_with_a_warning_and_kept_for_airbyte() {
    let simulator = Sim::new().start();
    let read = Read::of(&simulator).streams(["conversations"]);
    let output = read
        .args(["--format", "singer"])
        .command()
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    let has_warning = stderr.lines().any(|line| {
        line.starts_with(
            "warning: conversations: Dixa sends fields that the schema does not declare: ",
        ) && line.ends_with("They are left out, since Singer targets refuse them.")
    });
    assert!(has_warning, "{stderr}");
    let airbyte = read.run();
    let records = airbyte.records("conversations");
    assert!(
        records
            .iter()
            .any(|record| record.contains("\"x_experimental\""))
    );
}

#[test]
fn a_deselected_field_is_in_no_schema_and_no_record() {
    let simulator = Sim::new().start();
    let whole = singer(&Read::of(&simulator).streams(["conversations"]));
    let catalog = selecting(
        "conversations",
        &[
            (
                &["properties", "requester_email"],
                json!({"selected": false}),
            ),
            (
                &["properties", "requester_name"],
                json!({"inclusion": "unsupported"}),
            ),
            (
                &[
                    "properties",
                    "ratings",
                    "items",
                    "properties",
                    "rating_message",
                ],
                json!({"selected": false}),
            ),
            (
                &["properties", "id"],
                json!({"inclusion": "automatic", "selected": false}),
            ),
            (&["properties", "updated_at"], json!({"selected": false})),
        ],
    );
    let selected = singer(&Read::of(&simulator).catalog(&catalog));
    selected.check();
    let properties = &selected.schemas["conversations"]["properties"];
    assert!(properties["requester_email"].is_null() && properties["requester_name"].is_null());
    assert!(properties["id"].is_object() && properties["updated_at"].is_object());
    let mut expected = whole.records["conversations"].clone();
    for record in &mut expected {
        let record = record.as_object_mut().unwrap();
        record.shift_remove("requester_email");
        record.shift_remove("requester_name");
        for rating in record
            .get_mut("ratings")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            rating
                .as_object_mut()
                .unwrap()
                .shift_remove("rating_message");
        }
    }
    let mut expected: Vec<_> = expected.iter().map(Value::to_string).collect();
    expected.sort();
    assert!(selected.sorted("conversations") == expected);
}

/// Adds the breadcrumbs of all fields of a schema, nested ones too.
fn add_breadcrumbs(schema: &Value, breadcrumb: &[&str], all: &mut Vec<Vec<String>>) {
    let mut breadcrumb = breadcrumb.to_vec();
    let schema = match schema.get("items") {
        Some(items) => {
            breadcrumb.push("items");
            items
        }
        None => schema,
    };
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let of_field = [&breadcrumb[..], &["properties", name]].concat();
        all.push(of_field.iter().map(|&part| part.to_owned()).collect());
        add_breadcrumbs(field, &of_field, all);
    }
}

/// Takes the field at a breadcrumb out of a record, or out of its schema.
fn remove(value: &mut Value, breadcrumb: &[String], is_schema: bool) {
    let value = match value.get_mut("properties") {
        Some(properties) if is_schema && breadcrumb[0] == "properties" => properties,
        _ => value,
    };
    match breadcrumb {
        [items, rest @ ..] if items == "items" && is_schema => {
            remove(&mut value["items"], rest, true);
        }
        [items, rest @ ..] if items == "items" => {
            let elements = value.as_array_mut().into_iter().flatten();
            elements.for_each(|element| remove(element, rest, false));
        }
        [_, name] => {
            value
                .as_object_mut()
                .and_then(|fields| fields.shift_remove(name));
        }
        [_, name, rest @ ..] => {
            value
                .get_mut(name)
                .into_iter()
                .for_each(|field| remove(field, rest, is_schema));
        }
        _ => unreachable!("a breadcrumb is a path of names"),
    }
}

#[test]
fn any_selection_of_fields_gives_exactly_those_of_the_whole_records() {
    let simulator = Sim::new().start();
    let read = |typed: bool| all(&simulator).config(json!({"typed_values": typed}));
    let whole = [singer(&read(false)), singer(&read(true))];
    let mut fields = Vec::new();
    for (stream, schema) in &whole[0].schemas {
        let mut breadcrumbs = Vec::new();
        add_breadcrumbs(schema, &[], &mut breadcrumbs);
        let is_selectable = |breadcrumb: &Vec<String>| {
            let needed = &whole[0].needed[stream];
            breadcrumb.len() > 2 || !needed.contains(&breadcrumb[1])
        };
        breadcrumbs.retain(is_selectable);
        fields.extend(
            breadcrumbs
                .into_iter()
                .map(|breadcrumb| (stream.clone(), breadcrumb)),
        );
    }
    let all_of_them = fields.len();
    assert!(all_of_them > 300, "{all_of_them}");
    let config = ProptestConfig {
        cases: 10,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest!(config, |(left_out in subsequence(fields, 0..=all_of_them), is_typed in any::<bool>())| {
        let mut catalog = json!({"streams": []});
        let whole = &whole[usize::from(is_typed)];
        let mut schemas = whole.schemas.clone();
        let mut records = whole.records.clone();
        for stream in stream_names() {
            let left_out = left_out.iter().filter(|(of_stream, _)| of_stream == stream);
            let left_out: Vec<_> = left_out.map(|(_, breadcrumb)| breadcrumb).collect();
            let names: Vec<Vec<&str>> =
                left_out.iter().map(|parts| parts.iter().map(String::as_str).collect()).collect();
            let deselected: Vec<_> =
                names.iter().map(|parts| (&parts[..], json!({"selected": false}))).collect();
            let entry = selecting(stream, &deselected)["streams"][0].take();
            catalog["streams"].as_array_mut().unwrap().push(entry);
            // The innermost fields first.
            for breadcrumb in left_out.iter().rev() {
                remove(schemas.get_mut(stream).unwrap(), breadcrumb, true);
                records.get_mut(stream).unwrap().iter_mut().for_each(|record| remove(record, breadcrumb, false));
            }
        }
        let expected = Tables { schemas, records, needed: whole.needed.clone() };
        let selected = singer(&Read::of(&simulator).config(json!({"typed_values": is_typed})).catalog(&catalog));
        selected.check();
        for stream in stream_names() {
            prop_assert_eq!(&selected.schemas[stream], &expected.schemas[stream]);
            prop_assert!(selected.sorted(stream) == expected.sorted(stream), "{}", stream);
        }
    });
}

#[test]
fn an_unknown_field_in_a_selection_fails_its_stream_and_names_the_nearest() {
    let simulator = Sim::new().start();
    let field: &[&str] = &["properties", "requester_emial"];
    let catalog = selecting("conversations", &[(field, json!({"selected": false}))]);
    let ran = Read::of(&simulator).catalog(&catalog).run();
    assert_eq!(ran.code, 1);
    assert!(
        ran.stderr.contains(
            "In the catalog: `conversations` has no field `requester_emial`; did you mean `requester_email`?"
        ),
        "{}",
        ran.stderr
    );
    assert!(simulator.log().is_empty());
}

#[test]
fn discover_shows_the_types_that_a_read_writes() {
    let simulator = Sim::new().start();
    let config = config(&simulator, json!({"typed_values": true}));
    let ran = run_with_config("discover", &config);
    let streams = ran.messages[0]["catalog"]["streams"].as_array().unwrap();
    let messages = streams
        .iter()
        .find(|stream| stream["name"] == "messages")
        .unwrap();
    let created_at = &messages["json_schema"]["properties"]["created_at"];
    assert_eq!(created_at["format"], "date-time");
    assert_eq!(created_at["airbyte_type"], "timestamp_with_timezone");
}

#[test]
fn switching_typed_values_warns_and_its_states_stay_integers() {
    let simulator = Sim::new().start();
    let read = Read::of(&simulator).streams(["conversations", "activity_logs"]);
    let typed = read.config(json!({"typed_values": true}));
    let has_warning = |ran: &Ran| ran.has_log("WARN", "`typed_values` was switched");
    let first = typed.run();
    assert!(!has_warning(&first));
    let state = first.states("conversations").pop().unwrap();
    assert!(state["updated_at"].is_i64(), "{state}");
    assert!(!has_warning(&typed.state(&first.saved()).run()));
    let off = read.state(&first.saved()).run();
    off.check_warning(&[
        "conversations: `typed_values` was switched off",
        "Clear the destination table",
    ]);
    let untyped = read.run();
    assert!(!untyped.stdout.contains("typed_values"));
    let on = typed.state(&untyped.saved()).run();
    on.check_warning(&["conversations: `typed_values` was switched on"]);
}

#[test]
fn a_time_that_cannot_be_typed_is_passed_on_and_counted() {
    let body =
        r#"[{"id":1,"updated_at":1767312000000,"closed_at":9223372036854775807,"queued_at":null}]"#;
    let simulator = Sim::new()
        .faults([Fault::at("/v1/conversation_export", 0, Kind::body(body))])
        .start();
    // Its schema does not allow the record, so the rules of `run` do not, either.
    let read = Read::of(&simulator).streams(["conversations"]);
    let output = read
        .config(json!({"typed_values": true}))
        .command()
        .output();
    let stdout = String::from_utf8(output.unwrap().stdout).unwrap();
    let record = r#"{"id":1,"updated_at":"2026-01-02T00:00:00.000Z","closed_at":9223372036854775807,"queued_at":null}"#;
    assert!(stdout.contains(record), "{stdout}");
    let warning = "conversations: 1 time written as Dixa sent them";
    assert_eq!(stdout.matches(warning).count(), 1, "{stdout}");
}
