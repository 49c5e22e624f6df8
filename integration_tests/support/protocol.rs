//! The rules of Airbyte's protocol (docs/airbyte-protocol.md 1), checked for every run. Written from its description, and
//! independent of the connector.

use std::collections::HashMap;
use std::sync::LazyLock;

use chrono::DateTime;
use jsonschema::Validator;
use serde_json::Value;

use super::schemas;
use super::streams::stream_names;

/// The validators of each stream's records, without and with `typed_values`.
static VALIDATORS: LazyLock<HashMap<&str, [Validator; 2]>> = LazyLock::new(|| {
    let validators = |name| {
        let schemas = [schemas::plain(name), schemas::typed(name)];
        let build = |schema| jsonschema::draft7::new(&schema).unwrap();
        (name, schemas.map(build))
    };
    stream_names().into_iter().map(validators).collect()
});

/// The lines of stdout as messages: each is valid, each record fits its schema, and their order is correct.
pub fn messages(stdout: &str) -> Vec<Value> {
    checked(stdout, LastState::CountsAll)
}

/// The same for a read on a machine with a wrong clock: Dixa's clock may hold the position back, and a state that did not
/// change is not written again after more records.
pub fn messages_under_a_wrong_clock(stdout: &str) -> Vec<Value> {
    checked(stdout, LastState::MayPrecedeRecords)
}

/// Whether a complete stream has a state after its last record.
#[derive(Clone, Copy, PartialEq, Eq)]
enum LastState {
    CountsAll,
    MayPrecedeRecords,
}

fn checked(stdout: &str, last: LastState) -> Vec<Value> {
    assert!(
        stdout.is_empty() || stdout.ends_with('\n'),
        "the last line is incomplete"
    );
    if stdout.starts_with("source-dixa")
        || stdout.starts_with("Reads conversations and lists from a Dixa account")
    {
        return Vec::new();
    }
    let messages: Vec<Value> = stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    for message in &messages {
        check_message(message);
    }
    check_order(&messages, last);
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
        other => panic!("not a message type: {other}"),
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
            other => panic!("not a connection status: {other}"),
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
    let [plain, typed] = &VALIDATORS[stream];
    if let Err(error) = plain.validate(&record["data"])
        && !typed.is_valid(&record["data"])
    {
        panic!("{stream}: {error} at {}", error.instance_path());
    }
}

fn check_state(state: &Value) {
    let keys: Vec<_> = state.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        ["type", "stream", "sourceStats"],
        "no id, no legacy data, no statistics of the destination"
    );
    assert_eq!(state["type"], "STREAM");
    assert!(state["stream"]["stream_descriptor"]["name"].is_string());
    assert!(
        state["stream"]["stream_state"]
            .as_object()
            .is_some_and(|stream_state| !stream_state.is_empty())
    );
    assert!(
        state["sourceStats"]["recordCount"].is_f64(),
        "recordCount has a decimal point"
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
        other => panic!("not a trace type: {other}"),
    }
}

/// The progress of one stream within the messages.
#[derive(Default)]
struct Progress {
    status: String,
    records: u64,
    state: Option<Value>,
}

/// Counts match, states precede COMPLETE, never move back, and differ when there are records between them.
fn check_order(messages: &[Value], last: LastState) {
    let mut streams: HashMap<String, Progress> = HashMap::new();
    for message in messages {
        match message["type"].as_str().unwrap() {
            "RECORD" => {
                let stream = streams
                    .entry(text(&message["record"]["stream"]))
                    .or_default();
                assert_eq!(
                    stream.status, "RUNNING",
                    "a record of a stream that is not running"
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
                    // A stream without requests and without a saved state has no state.
                    assert!(
                        stream.records == 0 || last == LastState::MayPrecedeRecords,
                        "records after the last state"
                    );
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
    let stream_state = &state["stream"]["stream_state"];
    if let Some(before) = &stream.state {
        assert!(
            before != stream_state || stream.records == 0,
            "the same state twice, with records between"
        );
        assert!(
            position(before) <= position(stream_state),
            "a state moved back: {before} {stream_state}"
        );
    }
    stream.records = 0;
    stream.state = Some(stream_state.clone());
}

/// The position of a state in milliseconds, in any of its formats; `None` for a list.
pub fn position(stream_state: &Value) -> Option<i64> {
    let instant = |text: &str| DateTime::parse_from_rfc3339(text).ok();
    let values = stream_state.as_object()?.iter();
    let values = values.filter(|(key, _)| *key != "covered_from");
    let mut positions = values.filter_map(|(_, value)| match value {
        Value::String(text) => Some(instant(text)?.timestamp_millis()),
        other => other.as_i64(),
    });
    positions.next()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
