//! What Airbyte's acceptance tests expect and no other test checks (docs/airbyte-protocol.md 4.1; README.md here has the whole
//! list), and that the sample files match the connector.

use std::path::Path;
use std::{env, fs};

use dixa_simulator::Simulator;
use serde_json::{Value, json};

use crate::support::config::{TOKEN, config};
use crate::support::ran::Ran;
use crate::support::read::{Read, run_with_config};
use crate::support::sim::Sim;
use crate::support::streams::{discovered, incremental, key_of, stream_names};

/// The number of records of each stream in `expected_records.jsonl`: the first ones, sorted by their text.
const EXPECTED_OF_EACH: usize = 2;

fn read(simulator: &Simulator, mode: &str, others: Value, state: Option<&str>) -> Ran {
    Read::of(simulator)
        .config(others)
        .streams(stream_names())
        .mode(mode)
        .state_if(state)
        .run()
        .succeeded()
}

fn file(name: &str) -> Value {
    let text = fs::read_to_string(Path::new("integration_tests").join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// A file has this content. With `INSTA_UPDATE=always` it is written first.
fn check_generated(name: &str, content: &str) {
    let path = Path::new("integration_tests").join(name);
    if env::var_os("INSTA_UPDATE").is_some_and(|update| update == "always") {
        fs::write(&path, content).unwrap();
    }
    assert_eq!(content, fs::read_to_string(path).unwrap());
}

#[test]
fn the_expected_records_are_written() {
    let ran = read(&Sim::new().start(), "full_refresh", json!({}), None);
    let found: String = stream_names()
        .iter()
        .flat_map(|stream| {
            // Concurrent windows write their records in any order.
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
    check_generated("expected_records.jsonl", &found);
}

#[test]
fn the_configured_catalog_has_every_stream_incrementally_where_supported() {
    let configured = |stream: &Value| {
        let mut stream = stream.clone();
        stream["json_schema"] = json!({});
        let modes = stream["supported_sync_modes"].as_array().unwrap();
        let mode = modes.last().unwrap().clone();
        let destination = match mode.as_str() {
            Some("incremental") => "append_dedup",
            _ => "overwrite",
        };
        json!({"stream": stream, "sync_mode": mode, "destination_sync_mode": destination})
    };
    let lines = discovered()
        .iter()
        .map(|stream| configured(stream).to_string());
    let lines = lines.collect::<Vec<_>>().join(",\n");
    check_generated(
        "configured_catalog.json",
        &format!("{{\"streams\": [\n{lines}\n]}}\n"),
    );
}

#[test]
fn a_second_full_refresh_writes_the_same_records_later() {
    let account = Sim::new().start();
    let [first, second] = [(), ()].map(|()| read(&account, "full_refresh", json!({}), None));
    let emitted = |ran: &Ran| -> Vec<i64> {
        let records = ran.of_type("RECORD").into_iter();
        records
            .map(|message| message["record"]["emitted_at"].as_i64().unwrap())
            .collect()
    };
    for stream in stream_names() {
        let [mut before, mut after] = [&first, &second].map(|ran| ran.records(stream));
        for record in &before {
            let record: Value = serde_json::from_str(record).unwrap();
            for field in key_of(stream) {
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
fn a_read_from_each_checkpoint_writes_the_rest_and_not_everything() {
    let account = Sim::new().start();
    let slices = json!({"window_days": 7, "lookback_minutes": 0});
    let whole = read(&account, "incremental", slices.clone(), None);
    for (stream, cursor) in incremental() {
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
            let count = state["sourceStats"]["recordCount"].as_f64().unwrap() as usize;
            left -= count;
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
fn a_state_in_the_future_yields_no_records_and_one_state_per_stream() {
    let account = Sim::new().start();
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
    let incremental: Vec<_> = incremental().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, incremental);
    let ran = Read::of(&account)
        .streams(&names)
        .state(&state.to_string())
        .run()
        .succeeded();
    assert_eq!(ran.of_type("RECORD").len(), 0);
    for name in names {
        assert_eq!(ran.states(name).len(), 1, "{name}");
    }
}

#[test]
fn the_sample_files_match_their_names() {
    let account = Sim::new().start();
    let mut sample = config(&account, file("sample_config.json"));
    sample["api_token"] = TOKEN.into();
    let ran = run_with_config("check", &sample).succeeded();
    assert_eq!(ran.connection_status().0, "SUCCEEDED");
    let ran = run_with_config("check", &file("invalid_config.json"));
    assert_eq!(ran.connection_status().0, "FAILED");

    let configured = file("configured_catalog.json");
    let state = file("sample_state.json").to_string();
    Read::of(&account)
        .catalog(&configured)
        .state(&state)
        .run()
        .succeeded();
}
