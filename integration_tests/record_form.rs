//! The form of the records: typed values, declared fields only, and the fields that a catalog selects.

use chrono::DateTime;
use dixa_simulator::api::faults::{Fault, Kind};
use serde_json::{Value, json};

use crate::support::config::config;
use crate::support::ran::Ran;
use crate::support::read::{Read, run_with_config};
use crate::support::sim::Sim;
use crate::support::singer::{all, selecting, singer};
use crate::support::streams::stream_names;

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
    let stderr = singer(&read).stderr;
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
        "Drop the destination table",
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
