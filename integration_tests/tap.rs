//! The program as `tap-dixa`: the command line of Singer's SDK, and its catalog.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use serde_json::{Value, json};

use crate::support::config::TOKEN;
use crate::support::sim::Sim;
use crate::support::streams::stream_names;
use crate::support::tap::{Tap, ended};

/// The streams that are read only if someone selects them.
const OPT_IN: [&str; 3] = ["messages", "activity_logs", "analytics_record_data"];

#[test]
fn the_catalog_says_what_can_be_selected_in_short_lines() {
    let simulator = Sim::new().start();
    let tap = Tap::new(&simulator, json!({}));
    let ran = tap.run(&["--discover"]).succeeded();
    assert!(ran.stdout.lines().all(|line| line.len() < 64 * 1024));
    let catalog: Value = serde_json::from_str(&ran.stdout).unwrap();
    let entries = catalog["streams"].as_array().unwrap();
    let names: Vec<_> = entries
        .iter()
        .map(|entry| entry["tap_stream_id"].as_str().unwrap())
        .collect();
    assert_eq!(names, stream_names());
    for entry in entries {
        let metadata = entry["metadata"].as_array().unwrap();
        let of_stream = &metadata[0]["metadata"];
        let name = entry["stream"].as_str().unwrap();
        assert_eq!(of_stream["selected-by-default"], !OPT_IN.contains(&name));
        let cursor = entry["replication_key"].as_str();
        let method = if cursor.is_some() || name == "analytics_record_data" {
            "INCREMENTAL"
        } else {
            "FULL_TABLE"
        };
        assert_eq!(of_stream["forced-replication-method"], method);
        assert_eq!(of_stream["valid-replication-keys"][0].as_str(), cursor);
        let keys = entry["key_properties"].as_array().unwrap();
        let mut fields = entry["schema"]["properties"].as_object().unwrap().clone();
        for part in &metadata[1..] {
            if let [_, name] = part["breadcrumb"].as_array().unwrap().as_slice() {
                let is_needed = keys.contains(name) || name.as_str() == cursor;
                let inclusion = if is_needed { "automatic" } else { "available" };
                assert_eq!(part["metadata"]["inclusion"], inclusion, "{name}");
                assert!(fields.shift_remove(name.as_str().unwrap()).is_some());
            }
        }
        assert!(fields.is_empty(), "{fields:?}");
        // Meltano cannot name the fields of lists, and would deselect them.
        assert!(!json!(metadata).to_string().contains("\"items\""));
    }
}

#[test]
fn options_come_in_any_order_and_those_not_needed_do_not_matter() {
    let simulator = Sim::new().start();
    let tap = Tap::new(&simulator, json!({}));
    let state = tap.file("state.json", &json!({}));
    let discovered = tap.run(&["--discover"]).stdout;
    for arguments in [
        vec!["--config", &tap.config, "--discover", "--state", &state],
        vec!["-d", "-c", &tap.config, "-s", &state, "-s", &state],
        vec![
            "--state",
            &state,
            "--discover",
            "--config",
            &tap.config,
            "--catalog",
            "none",
        ],
    ] {
        assert_eq!(tap.run(&arguments).succeeded().stdout, discovered);
    }
    let catalog = tap.file("catalog.json", &tap.catalog(&["tags"]));
    let no_token = tap.file("no_token.json", &json!({}));
    let ran = tap.run(&["--config", &no_token, "--discover"]).succeeded();
    assert_eq!(ran.stdout, discovered);
    let ran = tap.run(&[
        "--properties",
        &catalog,
        "--state",
        &state,
        "--config",
        &tap.config,
    ]);
    assert_eq!(ran.succeeded().streams_with("SCHEMA"), ["tags"]);
    assert!(tap.run(&["--version"]).stdout.starts_with("tap-dixa "));
    for (format, part) in [
        ("json", "\"capabilities\""),
        ("MARKDOWN", "| `window_days` | integer, default 30 |"),
        ("text", "api_token (string, required)"),
    ] {
        let about = tap.run(&["--about", "--format", format]).succeeded().stdout;
        assert!(about.contains(part) && about.contains("emit_activate_version_messages"));
    }
}

#[test]
fn without_a_catalog_all_but_the_opt_in_streams_are_read() {
    let simulator = Sim::new().start();
    let tap = Tap::new(&simulator, json!({}));
    let ran = tap.sync(&[]).succeeded();
    let mut expected = stream_names();
    expected.retain(|name| !OPT_IN.contains(name));
    assert_eq!(ran.streams_with("SCHEMA"), expected);
    assert!(ran.of_type("ACTIVATE_VERSION").is_empty());
    assert!(!ran.stdout.contains("\"version\""));
}

#[test]
fn the_config_may_be_in_several_files_and_in_the_environment() {
    let simulator = Sim::new().start();
    let tap = Tap::new(
        &simulator,
        json!({"api_token": "wrong", "typed_values": true}),
    );
    let token = tap.file("token.json", &json!({"api_token": TOKEN}));
    let catalog = tap.file("catalog.json", &tap.catalog(&["tags"]));
    tap.sync(&["--catalog", &catalog])
        .check_failure(&["tags", "401"]);
    tap.sync(&["--config", &token, "--catalog", &catalog])
        .succeeded();
    let mut command = tap.command(&[
        "--config",
        &tap.config,
        "--config",
        "ENV",
        "--catalog",
        &catalog,
    ]);
    command
        .env("TAP_DIXA_API_TOKEN", TOKEN)
        .env("TAP_DIXA_TYPED_VALUES", "False");
    command.env("TAP_DIXA_EMIT_ACTIVATE_VERSION_MESSAGES", "true");
    let ran = ended(command.output().unwrap()).succeeded();
    assert_eq!(ran.of_type("ACTIVATE_VERSION").len(), 1);
    for (text, sent) in [("YES", 1), ("0", 0), ("", 0), (" ", 0)] {
        command.env("TAP_DIXA_EMIT_ACTIVATE_VERSION_MESSAGES", text);
        let ran = ended(command.output().unwrap()).succeeded();
        assert_eq!(ran.of_type("ACTIVATE_VERSION").len(), sent, "{text}");
    }
    let not_text = OsStr::from_bytes(b"\xff");
    let mut unreadable = tap.command(&["--config", "ENV"]);
    unreadable.env("TAP_DIXA_START_DATE", not_text);
    ended(unreadable.output().unwrap())
        .check_failure(&["The variable TAP_DIXA_START_DATE is not UTF-8 text"]);
    command.env("TAP_DIXA_WINDOW_DAYS", "many");
    ended(command.output().unwrap())
        .check_failure(&["`window_days` must be an integer from 1 to 31", "TAP_DIXA_"]);
}

#[test]
fn the_last_state_of_a_target_resumes_the_next_run() {
    let simulator = Sim::new().start();
    let tap = Tap::new(&simulator, json!({"lookback_minutes": 0}));
    let catalog = tap.file("catalog.json", &tap.catalog(&["conversations"]));
    let ran = tap.sync(&["--catalog", &catalog]).succeeded();
    let state = ran.of_type("STATE").last().unwrap()["value"].clone();
    for state in [state.clone(), json!({"singer_state": state})] {
        let state = tap.file("state.json", &state);
        let next = tap
            .sync(&["--catalog", &catalog, "--state", &state])
            .succeeded();
        assert!(
            next.of_type("RECORD").len() < 10,
            "{}",
            next.of_type("RECORD").len()
        );
    }
}

#[test]
fn bad_input_ends_in_one_clear_line() {
    let simulator = Sim::new().start();
    let tap = Tap::new(&simulator, json!({}));
    let foreign = json!({"streams": [
        {"tap_stream_id": "issues", "schema": {}, "metadata": [{"breadcrumb": [], "metadata": {"selected": true}}]}]});
    let foreign = tap.file("foreign.json", &foreign);
    tap.sync(&["--catalog", &foreign]).check_failure(&[
        "selects `issues`",
        "another tap",
        "--discover",
    ]);
    let mut unknown = tap.catalog(&["tags"]);
    let extra = json!({"breadcrumb": ["properties", "nmae"], "metadata": {"selected": false}});
    for entry in unknown["streams"].as_array_mut().unwrap() {
        if entry["stream"] == "tags" {
            entry["metadata"]
                .as_array_mut()
                .unwrap()
                .push(extra.clone());
        }
    }
    let unknown = tap.file("unknown.json", &unknown);
    tap.sync(&["--catalog", &unknown])
        .check_failure(&["`tags` has no field `nmae`", "`name`"]);
    let invalid = tap.file("invalid.json", &json!({"window_days": 99}));
    tap.sync(&["--config", &invalid])
        .check_failure(&["`window_days` must be an integer from 1 to 31"]);
    let invalid = tap.file(
        "invalid.json",
        &json!({"emit_activate_version_messages": "x"}),
    );
    tap.sync(&["--config", &invalid])
        .check_failure(&["must be true or false"]);
    assert!(simulator.log().is_empty());
    for (arguments, part) in [
        (&["--bogus"][..], "unexpected argument '--bogus'"),
        (&[], "no API token was given"),
    ] {
        let ran = tap.run(arguments);
        assert_eq!(ran.code, Some(2));
        assert!(ran.stdout.is_empty(), "{}", ran.stdout);
        assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
        assert!(ran.stderr.contains(part), "{}", ran.stderr);
        assert!(ran.stderr.contains("tap-dixa --help"), "{}", ran.stderr);
    }
}

#[test]
fn test_tells_a_good_token_from_a_bad_one() {
    let simulator = Sim::new().start();
    let tap = Tap::new(&simulator, json!({}));
    for kind in [&["--test"][..], &["--test=all"]] {
        let ran = tap.sync(kind).succeeded();
        assert!(ran.stdout.is_empty(), "{}", ran.stdout);
        assert!(
            ran.stderr.contains("It can read 24 of 24 streams"),
            "{}",
            ran.stderr
        );
    }
    let bad = tap.file("bad.json", &json!({"api_token": "wrong"}));
    let ran = tap.sync(&["--config", &bad, "--test"]);
    ran.check_failure(&["The API token was not accepted"]);
    assert!(fs::metadata(tap.dir.path("tap-dixa")).is_ok());
}
