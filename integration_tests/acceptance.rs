//! What Airbyte's acceptance tests expect beyond what other tests hold (airbyte.md 4.1; README.md here is the whole list),
//! and that the files of an Airbyte connector tell of it as it is.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::connector::{Connector, Ran, TOKEN, catalog, config, discovered, key_of, stream_names};
use crate::read::simulator;
use crate::simulator::Simulator;
use crate::simulator::account::Account;
use crate::simulator::switches::Switches;

const EXPECTED: &str = "integration_tests/expected_records.jsonl";
/// So many of each stream's records, the first by their text, are in [`EXPECTED`].
const EXPECTED_OF_EACH: usize = 2;

fn account() -> Simulator {
    simulator(Account::default(), Switches::default())
}

fn read(simulator: &Simulator, mode: &str, others: Value, state: Option<&str>) -> Ran {
    let names = stream_names();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    Connector::new()
        .read(&config(simulator, others), &catalog(&names, mode), state)
        .succeeded()
}

fn file(name: &str) -> Value {
    let text = fs::read_to_string(Path::new("integration_tests").join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The values of keys that stand alone on a line, as `key: value`, in a YAML file; or after a dash, under the key `-`.
fn yaml(name: &str, key: &str) -> Vec<String> {
    let text = fs::read_to_string(name).unwrap();
    let value = |line: &str| match key {
        "-" => line.trim().strip_prefix("- ").map(str::to_owned),
        _ => line
            .trim()
            .strip_prefix(key)?
            .strip_prefix(": ")
            .map(|value| value.trim_matches('"').to_owned()),
    };
    text.lines().filter_map(value).collect()
}

#[test]
fn the_expected_records_come() {
    let ran = read(&account(), "full_refresh", json!({}), None);
    let found: String = stream_names()
        .iter()
        .flat_map(|stream| {
            // Windows in flight bring theirs in any order.
            let mut records = ran.records(stream);
            records.sort_unstable();
            records
                .into_iter()
                .take(EXPECTED_OF_EACH)
                .map(move |data| {
                    format!("{{\"stream\":\"{stream}\",\"data\":{data},\"emitted_at\":0}}\n")
                })
                .collect::<Vec<_>>()
        })
        .collect();
    if std::env::var_os("INSTA_UPDATE").is_some_and(|update| update == "always") {
        fs::write(EXPECTED, &found).unwrap();
    }
    assert_eq!(found, fs::read_to_string(EXPECTED).unwrap());
}

#[test]
fn a_second_full_refresh_brings_the_same_records_later() {
    let account = account();
    let [first, second] = [(), ()].map(|()| read(&account, "full_refresh", json!({}), None));
    let emitted = |ran: &Ran| -> Vec<i64> {
        let records = ran.of_type("RECORD").into_iter();
        records
            .map(|message| message["record"]["emitted_at"].as_i64().unwrap())
            .collect()
    };
    for stream in stream_names() {
        let [mut before, mut after] = [&first, &second].map(|ran| ran.records(&stream));
        for record in &before {
            let record: Value = serde_json::from_str(record).unwrap();
            for field in key_of(&stream) {
                let value = &record[&field];
                assert!(value.is_string() || value.is_i64(), "{stream}.{field}");
            }
        }
        before.sort_unstable();
        after.sort_unstable();
        assert!(!before.is_empty(), "{stream}");
        assert_eq!(before, after, "{stream}");
    }
    assert!(emitted(&first).iter().max() <= emitted(&second).iter().min());
}

#[test]
fn from_each_checkpoint_the_rest_comes_and_not_everything() {
    let account = account();
    let slices = json!({"window_days": 7, "lookback_minutes": 0});
    let whole = read(&account, "incremental", slices.clone(), None);
    for (stream, cursor) in [
        ("conversations", "updated_at"),
        ("messages", "created_at"),
        ("activity_logs", "activityTimestamp"),
    ] {
        let total = whole.records(stream).len();
        let mut left = total;
        let states = whole.of_type("STATE").into_iter();
        let states: Vec<_> = states
            .map(|message| &message["state"])
            .filter(|state| state["stream"]["stream_descriptor"]["name"] == stream)
            .collect();
        assert!(states.len() > 5, "{stream}");
        for state in states {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a count of records"
            )]
            let came = state["sourceStats"]["recordCount"].as_f64().unwrap() as usize;
            left -= came;
            let saved = json!([state]).to_string();
            let rest = read(&account, "incremental", slices.clone(), Some(&saved));
            let rest = rest.records(stream).len();
            let position = &state["stream"]["stream_state"][cursor];
            assert!(rest >= left, "{stream} from {position}: {rest} of {left}");
            assert!(left == total || rest < total, "{stream} from {position}");
        }
    }
}

#[test]
fn a_state_in_the_future_brings_no_record_and_a_state_of_every_stream_that_has_one() {
    let account = account();
    let state = file("abnormal_state.json");
    let names: Vec<_> = state
        .as_array()
        .unwrap()
        .iter()
        .map(|state| {
            state["stream"]["stream_descriptor"]["name"]
                .as_str()
                .unwrap()
        })
        .collect();
    let incremental: Vec<_> = discovered()
        .iter()
        .filter(|stream| stream.get("default_cursor_field").is_some())
        .map(|stream| stream["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, incremental);
    let ran = Connector::new()
        .read(
            &config(&account, json!({})),
            &catalog(&names, "incremental"),
            Some(&state.to_string()),
        )
        .succeeded();
    assert_eq!(ran.of_type("RECORD").len(), 0);
    for name in names {
        assert_eq!(ran.states(name).len(), 1, "{name}");
    }
}

#[test]
fn the_sample_files_are_what_their_names_say() {
    let account = account();
    let mut sample = config(&account, file("sample_config.json"));
    sample["api_token"] = TOKEN.into();
    let connector = Connector::new();
    let ran = connector.run("check", &sample).succeeded();
    assert_eq!(
        ran.of_type("CONNECTION_STATUS")[0]["connectionStatus"]["status"],
        "SUCCEEDED"
    );
    let ran = connector.run("check", &file("invalid_config.json"));
    assert_eq!(
        ran.of_type("CONNECTION_STATUS")[0]["connectionStatus"]["status"],
        "FAILED"
    );

    let configured = file("configured_catalog.json");
    let streams: Vec<_> = configured["streams"]
        .as_array()
        .unwrap()
        .iter()
        .map(|configured| configured["stream"]["name"].clone())
        .collect();
    assert_eq!(streams, stream_names());
    let state = file("sample_state.json").to_string();
    connector
        .read(&config(&account, json!({})), &configured, Some(&state))
        .succeeded();
}

#[test]
fn the_metadata_tells_of_this_version_its_hosts_and_its_streams() {
    let metadata = "metadata.yaml";
    assert_eq!(
        yaml(metadata, "dockerImageTag"),
        [env!("CARGO_PKG_VERSION")]
    );
    let dockerfile = fs::read_to_string("Dockerfile").unwrap();
    let [name] = &yaml(metadata, "dockerRepository")[..] else {
        panic!("one repository")
    };
    assert!(dockerfile.contains(&format!("io.airbyte.name=\"{name}\"")));
    let listed = yaml(metadata, "-");
    let spec: Value = serde_json::from_str(include_str!("../spec.json")).unwrap();
    for host in ["exports_base_url", "api_base_url"] {
        let url = &spec["connectionSpecification"]["properties"][host]["default"];
        let host = url.as_str().unwrap().trim_start_matches("https://");
        assert!(listed.iter().any(|listed| listed == host), "{host}");
    }
    assert_eq!(
        yaml(metadata, "protocolVersion"),
        [spec["protocol_version"].as_str().unwrap()]
    );
}

#[test]
fn the_documentation_lists_the_fields_the_streams_and_the_version() {
    let page = fs::read_to_string("docs/dixa.md").unwrap();
    let spec: Value = serde_json::from_str(include_str!("../spec.json")).unwrap();
    let properties = spec["connectionSpecification"]["properties"]
        .as_object()
        .unwrap();
    for property in properties
        .values()
        .filter(|property| property["airbyte_hidden"] != true)
    {
        let title = property["title"].as_str().unwrap();
        let default = match property.get("default") {
            Some(Value::String(text)) => format!("`{text}`"),
            Some(number) => format!("`{number}`"),
            None if title == "API token" => "required".to_owned(),
            None => "none".to_owned(),
        };
        let row = format!("| {title} | {default} |");
        assert!(page.contains(&row), "{row}");
    }
    for stream in discovered() {
        let mode = match stream.get("default_cursor_field") {
            Some(cursor) => format!(
                "Incremental on `{}`, Full Refresh",
                cursor[0].as_str().unwrap()
            ),
            None => "Full Refresh".to_owned(),
        };
        let name = stream["name"].as_str().unwrap();
        let key: Vec<_> = key_of(name)
            .iter()
            .map(|field| format!("`{field}`"))
            .collect();
        let key = if key.is_empty() {
            "none".to_owned()
        } else {
            key.join(", ")
        };
        let row = page
            .lines()
            .find(|line| line.starts_with(&format!("| [{name}](")));
        let row = row.unwrap_or_else(|| panic!("{name} has no row"));
        let cells = format!("| {mode} | {key} |");
        assert!(row.contains(&cells), "{row}: {cells}");
    }
    for file in ["docs/dixa.md", "CHANGELOG.md"] {
        let text = fs::read_to_string(file).unwrap();
        assert!(text.contains(env!("CARGO_PKG_VERSION")), "{file}");
    }
}

/// Every test that a table of README.md here names.
#[test]
fn what_is_said_to_hold_the_expectations_exists() {
    let table = fs::read_to_string("integration_tests/README.md").unwrap();
    let sources: String = ["integration_tests", ".ci", "src"]
        .iter()
        .flat_map(|folder| fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    let named: Vec<_> = table
        .lines()
        .filter(|line| line.starts_with('|'))
        .filter_map(|line| line.trim_matches('|').split('|').nth(2))
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .collect();
    assert!(named.len() > 40, "{}", named.len());
    for name in named {
        let (_, last) = name.rsplit_once("::").unwrap_or(("", name));
        let is_there = [
            format!("fn {last}("),
            format!("\"{last}"),
            format!("def {last}("),
        ];
        let exists = is_there.iter().any(|form| sources.contains(form))
            || Path::new(".ci").join(last).exists();
        assert!(exists, "{name}");
    }
}
