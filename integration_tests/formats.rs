//! `--format`: what Singer and JSONL output look like, and where failures go.

use serde_json::{Value, json};

use crate::support::config::{TOKEN, config};
use crate::support::read::Read;
use crate::support::sim::Sim;
use crate::support::streams::stream_names;
use crate::support::test_dir::TestDir;

/// The lines of a read in a format other than Airbyte's.
fn lines(dir: &TestDir, config: &Value, arguments: &[&str]) -> Vec<Value> {
    let output = Read::with_config(config)
        .dir(dir)
        .args(arguments)
        .command()
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{stderr}");
    assert!(!stderr.contains(TOKEN));
    let stdout = String::from_utf8(output.stdout).unwrap();
    stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn singer_messages_follow_the_specification_and_their_state_can_be_resumed() {
    let simulator = Sim::new().start();
    let config = config(&simulator, json!({"lookback_minutes": 0}));
    let dir = TestDir::new();
    let names = stream_names().join(",");
    let all = ["--format", "singer", "--streams", &names];
    let messages = lines(&dir, &config, &all);
    let mut started = Vec::new();
    let mut records = 0;
    for message in &messages {
        let stream = message["stream"].as_str().unwrap_or_default().to_owned();
        match message["type"].as_str().unwrap() {
            "SCHEMA" => {
                assert!(message["schema"]["properties"].is_object());
                assert!(message["key_properties"].is_array());
                started.push(stream);
            }
            "RECORD" => {
                assert!(started.contains(&stream), "a record precedes its schema");
                let time = message["time_extracted"].as_str().unwrap();
                assert!(chrono::DateTime::parse_from_rfc3339(time).is_ok() && time.ends_with('Z'));
                assert!(message["record"].is_object());
                records += 1;
            }
            "STATE" => assert!(message["value"]["bookmarks"].is_object()),
            other => panic!("not a Singer message: {other}"),
        }
    }
    assert_eq!(started, stream_names());
    let rows = simulator.account(|account| account.rows());
    assert_eq!(records, rows.values().map(Vec::len).sum::<usize>());
    let schema = |name: &str| {
        let mut schemas = messages
            .iter()
            .filter(|message| message["type"] == "SCHEMA");
        schemas
            .find(|message| message["stream"] == name)
            .unwrap()
            .clone()
    };
    assert_eq!(
        schema("conversations")["bookmark_properties"],
        json!(["updated_at"])
    );
    assert_eq!(
        schema("team_members")["key_properties"],
        json!(["team_id", "id"])
    );
    assert!(schema("agents").get("bookmark_properties").is_none());

    // A target prints the value of the last STATE that it processed.
    let state = messages
        .iter()
        .rfind(|message| message["type"] == "STATE")
        .unwrap();
    assert_eq!(
        state["value"]["bookmarks"].as_object().unwrap().len(),
        stream_names().len()
    );
    dir.file("s.json", &state["value"].to_string());
    let again = [
        "--format",
        "singer",
        "--streams",
        "conversations,messages",
        "--state",
        "{}/s.json",
    ];
    let again = lines(&dir, &config, &again);
    assert!(again.iter().all(|message| message["type"] != "RECORD"));
    let state = again
        .iter()
        .rfind(|message| message["type"] == "STATE")
        .unwrap();
    assert_eq!(
        state["value"]["bookmarks"].as_object().unwrap().len(),
        stream_names().len()
    );
}

#[test]
fn jsonl_writes_the_records_of_one_stream_and_nothing_else() {
    let simulator = Sim::new().start();
    let config = config(&simulator, json!({}));
    let mut command = Read::with_config(&config)
        .args(["--format", "jsonl", "--streams", "tags"])
        .command();
    let output = command.output().unwrap();
    let rows = simulator.account(|account| account.tags.clone());
    let rows: Vec<_> = rows.iter().map(|row| &*row.json).collect();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!(stdout.lines().collect::<Vec<_>>(), rows);
    let mut command = Read::with_config(&config)
        .args(["--format", "jsonl", "--streams", "tags,teams"])
        .command();
    let output = command.output().unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(
        message.contains("error: ") && message.contains("--streams NAME"),
        "{message}"
    );
}

#[test]
fn in_other_formats_failures_are_printed_to_stderr() {
    let simulator = Sim::new().start();
    for format in ["singer", "jsonl"] {
        let mut command = Read::of(&simulator)
            .config(json!({"api_token": "another"}))
            .args(["--format", format, "--streams", "tags"])
            .command();
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(
            message.contains("error: tags (GET /v1/tags): Dixa's main API answered 401"),
            "{message}"
        );
    }
}
