//! The laws of Airbyte's protocol (airbyte.md 1) that every run is held to, written from its description and sharing
//! nothing with the connector.

use std::collections::HashMap;
use std::fs;
use std::sync::LazyLock;

use chrono::DateTime;
use jsonschema::Validator;
use serde_json::Value;

/// The validators of the schemas, by stream.
static SCHEMAS: LazyLock<HashMap<String, Validator>> = LazyLock::new(|| {
    let files = fs::read_dir("schemas")
        .unwrap()
        .map(|file| file.unwrap().path());
    files
        .map(|path| {
            let schema: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
            (
                path.file_stem().unwrap().to_str().unwrap().to_owned(),
                jsonschema::draft7::new(&schema).unwrap(),
            )
        })
        .collect()
});

/// The lines of stdout as messages: every one is a message of the protocol, every record fits its schema, and in what
/// order they come is as it should be.
pub fn messages(stdout: &str) -> Vec<Value> {
    assert!(
        stdout.is_empty() || stdout.ends_with('\n'),
        "the last line is whole"
    );
    if stdout.starts_with("source-dixa") || stdout.starts_with("Reads a Dixa account,") {
        return Vec::new();
    }
    let messages: Vec<Value> = stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    for message in &messages {
        check_message(message);
    }
    check_order(&messages);
    messages
}

fn check_message(message: &Value) {
    let payload = match message["type"].as_str().unwrap() {
        "RECORD" => "record",
        "STATE" => "state",
        "LOG" => "log",
        "SPEC" => "spec",
        "CONNECTION_STATUS" => "connectionStatus",
        "CATALOG" => "catalog",
        "TRACE" => "trace",
        other => panic!("no type of a message: {other}"),
    };
    let keys: Vec<_> = message.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["type", payload]);
    let payload = &message[payload];
    match message["type"].as_str().unwrap() {
        "RECORD" => check_record(payload),
        "STATE" => check_state(payload),
        "LOG" => {
            assert!(
                ["FATAL", "ERROR", "WARN", "INFO", "DEBUG", "TRACE"]
                    .contains(&payload["level"].as_str().unwrap())
            );
            assert!(payload["message"].is_string());
        }
        "SPEC" => assert!(payload["connectionSpecification"].is_object()),
        "CONNECTION_STATUS" => match payload["status"].as_str().unwrap() {
            "SUCCEEDED" => assert!(payload.get("message").is_none()),
            "FAILED" => assert!(payload["message"].is_string()),
            other => panic!("no status of a connection: {other}"),
        },
        "CATALOG" => assert!(payload["streams"].is_array()),
        _ => check_trace(payload),
    }
}

fn check_record(record: &Value) {
    let keys: Vec<_> = record.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["stream", "data", "emitted_at"]);
    assert!(
        record["emitted_at"]
            .as_i64()
            .is_some_and(|at| at > 1_600_000_000_000)
    );
    assert!(
        record["data"]
            .as_object()
            .is_some_and(|data| !data.is_empty())
    );
    let stream = record["stream"].as_str().unwrap();
    if let Err(error) = SCHEMAS[stream].validate(&record["data"]) {
        panic!("{stream}: {error} at {}", error.instance_path());
    }
}

fn check_state(state: &Value) {
    let keys: Vec<_> = state.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        ["type", "stream", "sourceStats"],
        "no id, no legacy data, nothing of the destination's"
    );
    assert_eq!(state["type"], "STREAM");
    assert!(state["stream"]["stream_descriptor"]["name"].is_string());
    assert!(
        state["stream"]["stream_state"]
            .as_object()
            .is_some_and(|blob| !blob.is_empty())
    );
    assert!(
        state["sourceStats"]["recordCount"].is_f64(),
        "with a decimal point"
    );
}

fn check_trace(trace: &Value) {
    assert!(trace["emitted_at"].is_number());
    match trace["type"].as_str().unwrap() {
        "ERROR" => {
            let error = &trace["error"];
            let kinds = ["system_error", "config_error", "transient_error"];
            assert!(kinds.contains(&error["failure_type"].as_str().unwrap()));
            assert!(!error["message"].as_str().unwrap().is_empty());
        }
        "STREAM_STATUS" => {
            let status = &trace["stream_status"];
            assert!(status["stream_descriptor"]["name"].is_string());
            assert!(
                ["STARTED", "RUNNING", "COMPLETE", "INCOMPLETE"]
                    .contains(&status["status"].as_str().unwrap())
            );
            if let Some(reasons) = status.get("reasons") {
                assert_eq!(reasons.as_array().unwrap().len(), 1);
                assert_eq!(reasons[0]["type"], "RATE_LIMITED");
                assert!(reasons[0]["rate_limited"]["quota_reset"].is_i64());
            }
        }
        other => panic!("no type of a trace: {other}"),
    }
}

/// How far the messages of one stream have come.
#[derive(Default)]
struct Progress {
    status: String,
    records: u64,
    state: Option<Value>,
}

/// Counts match, states come before COMPLETE, move forward only and are never the same with records between.
fn check_order(messages: &[Value]) {
    let mut streams: HashMap<String, Progress> = HashMap::new();
    for message in messages {
        match message["type"].as_str().unwrap() {
            "RECORD" => {
                let stream = streams
                    .entry(text(&message["record"]["stream"]))
                    .or_default();
                assert_eq!(
                    stream.status, "RUNNING",
                    "a record of a stream that does not run"
                );
                stream.records += 1;
            }
            "STATE" => {
                let stream = streams
                    .entry(text(
                        &message["state"]["stream"]["stream_descriptor"]["name"],
                    ))
                    .or_default();
                check_next_state(stream, &message["state"]);
            }
            "TRACE" if message["trace"]["type"] == "STREAM_STATUS" => {
                let status = &message["trace"]["stream_status"];
                let stream = streams
                    .entry(text(&status["stream_descriptor"]["name"]))
                    .or_default();
                let before = std::mem::replace(&mut stream.status, text(&status["status"]));
                let allowed: &[&str] = match stream.status.as_str() {
                    "STARTED" => &[""],
                    "RUNNING" => &["STARTED", "RUNNING"],
                    "COMPLETE" => &["RUNNING"],
                    _ => &["", "STARTED", "RUNNING"],
                };
                assert!(
                    allowed.contains(&before.as_str()),
                    "{} after {before:?}",
                    stream.status
                );
                if stream.status == "COMPLETE" {
                    assert!(
                        stream.state.is_some(),
                        "a stream is complete without a state"
                    );
                    assert_eq!(stream.records, 0, "records after the last state");
                }
            }
            _ => {}
        }
    }
}

#[expect(
    clippy::float_cmp,
    clippy::cast_precision_loss,
    reason = "counts are whole and small"
)]
fn check_next_state(stream: &mut Progress, state: &Value) {
    assert_eq!(
        state["sourceStats"]["recordCount"].as_f64().unwrap(),
        stream.records as f64
    );
    let blob = &state["stream"]["stream_state"];
    if let Some(before) = &stream.state {
        assert!(
            before != blob || stream.records == 0,
            "the same state twice with records between"
        );
        assert!(
            position(before) <= position(blob),
            "a state moved back: {before} {blob}"
        );
    }
    stream.records = 0;
    stream.state = Some(blob.clone());
}

/// The position of a state in milliseconds, however it is written; none in that of a list.
pub fn position(blob: &Value) -> Option<i64> {
    let instant = |text: &str| DateTime::parse_from_rfc3339(text).ok();
    let values = blob.as_object()?.values();
    let mut positions = values.filter_map(|value| match value {
        Value::String(text) => Some(instant(text)?.timestamp_millis()),
        other => other.as_i64(),
    });
    positions.next()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
