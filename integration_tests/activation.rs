//! `ACTIVATE_VERSION` is sent only after a table was read completely: a Singer target then removes the rows of earlier versions.

use serde_json::{Value, json};

use crate::support::sim::Sim;
use crate::support::tap::Tap;

/// The discovered catalog with these streams selected, and this one to be read as a full table.
fn full_table(tap: &Tap, streams: &[&str], full: &str) -> Value {
    let mut catalog = tap.catalog(streams);
    let mut entries = catalog["streams"].as_array_mut().unwrap().iter_mut();
    let entry = entries.find(|entry| entry["stream"] == full).unwrap();
    entry["metadata"][0]["metadata"]["replication-method"] = json!("FULL_TABLE");
    catalog
}

#[test]
fn a_full_table_is_activated_in_its_version_once_it_was_read_completely() {
    let simulator = Sim::new().forbid(["/v1/webhooks"], 403).start();
    let tap = Tap::new(
        &simulator,
        json!({"emit_activate_version_messages": true, "end_date": null}),
    );
    let streams = [
        "tags",
        "webhooks",
        "contact_endpoints",
        "conversations",
        "messages",
    ];
    let catalog = full_table(&tap, &streams, "messages");
    let file = tap.file("catalog.json", &catalog);
    let ran = tap.sync(&["--catalog", &file]);
    ran.check_failure(&["webhooks"]);
    let mut activated = ran.streams_with("ACTIVATE_VERSION");
    activated.sort_unstable();
    assert_eq!(activated, ["contact_endpoints", "messages", "tags"]);
    let version = &ran.of_type("ACTIVATE_VERSION")[0]["version"];
    assert!(version.is_i64());
    for record in ran.of_type("RECORD") {
        let expected = match record["stream"].as_str().unwrap() {
            "conversations" => &Value::Null,
            _ => version,
        };
        assert_eq!(record["version"], *expected, "{}", record["stream"]);
    }
    // The message follows all records of its table.
    let mut of_tags = ran
        .messages
        .iter()
        .filter(|message| message["stream"] == "tags");
    assert_eq!(of_tags.next_back().unwrap()["type"], "ACTIVATE_VERSION");
}

#[test]
fn a_list_of_which_a_part_was_skipped_is_not_activated() {
    let simulator = Sim::new().start();
    simulator.account(|account| account.members.get_mut("queue_members").unwrap().clear());
    let tap = Tap::new(&simulator, json!({"emit_activate_version_messages": true}));
    let catalog = tap.catalog(&["queue_members", "team_members"]);
    let catalog = tap.file("catalog.json", &catalog);
    let ran = tap.sync(&["--catalog", &catalog]).succeeded();
    assert!(
        ran.stderr.contains("queue_members: skipped"),
        "{}",
        ran.stderr
    );
    assert_eq!(ran.streams_with("ACTIVATE_VERSION"), ["team_members"]);
}

#[test]
fn what_hangs_on_a_list_with_a_skipped_part_is_not_activated() {
    let simulator = Sim::new()
        .forbid(["/v1/knowledge/collections/"], 404)
        .start();
    let tap = Tap::new(&simulator, json!({"emit_activate_version_messages": true}));
    let streams = [
        "knowledge_collections",
        "knowledge_categories",
        "knowledge_articles",
    ];
    let catalog = tap.file("catalog.json", &tap.catalog(&streams));
    let ran = tap.sync(&["--catalog", &catalog]).succeeded();
    assert_eq!(
        ran.streams_with("ACTIVATE_VERSION"),
        ["knowledge_collections"]
    );
}

#[test]
fn a_full_table_with_an_end_date_is_not_activated() {
    let simulator = Sim::new().start();
    let config = json!({"emit_activate_version_messages": true, "end_date": "2026-03-01"});
    let tap = Tap::new(&simulator, config);
    let catalog = full_table(&tap, &["messages", "tags"], "messages");
    let catalog = tap.file("catalog.json", &catalog);
    let ran = tap.sync(&["--catalog", &catalog]).succeeded();
    assert!(!ran.of_type("RECORD").is_empty());
    assert_eq!(ran.streams_with("ACTIVATE_VERSION"), ["tags"]);
}

#[test]
fn a_full_table_that_is_resumed_or_not_read_is_not_activated() {
    let simulator = Sim::new().start();
    let versions = json!({"emit_activate_version_messages": true, "end_date": null});
    let tap = Tap::new(&simulator, versions);
    let catalog = full_table(&tap, &["messages"], "messages");
    let catalog = tap.file("catalog.json", &catalog);
    let unfinished = json!({"bookmarks": {"messages": {"created_at": 1_768_000_000_000_i64, "unfinished": true}}});
    let state = tap.file("state.json", &unfinished);
    let ran = tap
        .sync(&["--catalog", &catalog, "--state", &state])
        .succeeded();
    assert!(!ran.of_type("RECORD").is_empty());
    assert!(ran.of_type("ACTIVATE_VERSION").is_empty());
    let soon = chrono::Utc::now() + chrono::Duration::hours(2);
    let later = tap.file(
        "later.json",
        &json!({"end_date": null, "start_date": soon.format("%Y-%m-%dT%H:%M:%SZ").to_string()}),
    );
    let ran = tap
        .sync(&["--config", &later, "--catalog", &catalog])
        .succeeded();
    assert!(ran.of_type("ACTIVATE_VERSION").is_empty());
}
