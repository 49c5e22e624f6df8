//! What a read is given: catalogs and states as clients write them, and what is no catalog or state.

use serde_json::{Value, json};

use crate::connector::{Connector, Ran, TOKEN, catalog, config, run};
use crate::read::simulator;
use crate::simulator::account::Account;
use crate::simulator::switches::Switches;

fn configured(name: &str, others: Value) -> Value {
    let mut configured = json!({"stream": {"name": name}, "sync_mode": "full_refresh", "destination_sync_mode": "append"});
    for (key, value) in others.as_object().unwrap() {
        configured[key] = value.clone();
    }
    configured
}

/// Reads these configured streams from the default account.
fn read(streams: &[Value]) -> Ran {
    let simulator = simulator(Account::default(), Switches::default());
    Connector::new().read(
        &config(&simulator, json!({})),
        &json!({ "streams": streams }),
        None,
    )
}

#[test]
fn one_bad_stream_fails_alone() {
    let cases = [
        (
            configured("conversation_export", json!({})),
            "`conversation_export` of other connectors is `conversations` here.",
        ),
        (
            configured("__AIRBYTE__stream_that_does_not_exist", json!({})),
            "does not have. It has: conversations, messages, agents",
        ),
        (
            configured("agents", json!({"sync_mode": "INVALID"})),
            "must be `full_refresh` or `incremental`",
        ),
        (
            configured("agents", json!({"sync_mode": 5})),
            "must be `full_refresh` or `incremental`",
        ),
        (
            configured(
                "conversations",
                json!({"sync_mode": "incremental", "cursor_field": ["created_at"]}),
            ),
            "`conversations` has `updated_at`",
        ),
        (
            configured(
                "conversations",
                json!({"sync_mode": "incremental", "cursor_field": ["updated_at", "x"]}),
            ),
            "`conversations` has `updated_at`",
        ),
        (
            configured(
                "agents",
                json!({"sync_mode": "incremental", "cursor_field": {"a": 1}}),
            ),
            "`agents` has no cursor field",
        ),
        (
            configured(
                "agents",
                json!({"sync_mode": "incremental", "cursor_field": ["createdAt"]}),
            ),
            "`agents` has no cursor field",
        ),
    ];
    for (bad, part) in cases {
        let name = bad["stream"]["name"].as_str().unwrap().to_owned();
        let ran = read(&[bad, configured("tags", json!({}))]);
        let (kind, stream, message) = ran.error();
        assert_eq!(
            (ran.code, kind.as_str(), stream.as_str()),
            (1, "config_error", name.as_str())
        );
        assert!(message.contains(part), "{message}");
        assert_eq!(ran.statuses(&name), ["INCOMPLETE"]);
        assert_eq!(ran.records("tags").len(), 8);
        assert_eq!(ran.statuses("tags"), ["STARTED", "RUNNING", "COMPLETE"]);
    }
}

#[test]
fn what_clients_write_is_understood() {
    let forms = [
        json!({"sync_mode": "incremental", "cursor_field": []}),
        json!({"sync_mode": "incremental", "cursor_field": null, "primary_key": null}),
        json!({"sync_mode": "incremental", "cursor_field": ["updated_at"], "generation_id": 1, "sync_id": 2, "minimum_generation_id": 0}),
        json!({"sync_mode": "full_refresh", "cursor_field": ["created_at"], "destination_sync_mode": "overwrite_dedup"}),
        json!({"sync_mode": null}),
    ];
    for form in forms {
        let ran = read(&[configured("conversations", form)]).succeeded();
        assert_eq!(ran.records("conversations").len(), 200);
    }
    for mode in ["incremental", "full_refresh"] {
        let ran = read(&[configured(
            "tags",
            json!({"sync_mode": mode, "cursor_field": []}),
        )])
        .succeeded();
        assert_eq!(ran.records("tags").len(), 8);
    }
}

#[test]
fn a_stream_that_is_listed_twice_is_read_once() {
    let ran = read(&[configured("tags", json!({})), configured("tags", json!({}))]).succeeded();
    assert_eq!(ran.records("tags").len(), 8);
}

#[test]
fn an_empty_catalog_reads_nothing() {
    assert_eq!(read(&[]).succeeded().of_type("RECORD").len(), 0);
}

#[test]
fn files_that_cannot_be_used_are_named_with_what_is_wrong() {
    let connector = Connector::new();
    let good = |name: &str| match name {
        "config" => json!({"api_token": TOKEN}).to_string(),
        "catalog" => catalog(&[], "full_refresh").to_string(),
        _ => "[]".to_owned(),
    };
    let cases = [
        ("config", None, "The config file"),
        ("catalog", None, "The catalog file"),
        ("state", None, "The state file"),
        ("config", Some("{\"api_token\": \"tok3n"), "not JSON"),
        ("catalog", Some("streams"), "not JSON"),
        (
            "catalog",
            Some("[]"),
            "must be an object with a list `streams`",
        ),
        (
            "catalog",
            Some(r#"{"streams":[{"stream":{}}]}"#),
            "stream number 1 has no name",
        ),
        ("state", Some("{"), "not JSON"),
        ("state", Some("[3]"), "entry number 1"),
        ("state", Some("7"), "must be a list"),
    ];
    for (broken, text, part) in cases {
        let mut command = Connector::command();
        command.arg("read");
        for name in ["config", "catalog", "state"] {
            let path = connector.path(&format!("{name}.json"));
            let _ = std::fs::remove_file(&path);
            if name != broken || text.is_some() {
                connector.file(
                    &format!("{name}.json"),
                    text.filter(|_| name == broken).unwrap_or(&good(name)),
                );
            }
            command.arg(format!("--{name}")).arg(path);
        }
        let ran = run(&mut command);
        let (kind, _, message) = ran.error();
        assert_eq!(
            (ran.code, kind.as_str(), ran.stderr.as_str()),
            (1, "config_error", "")
        );
        assert!(
            message.contains(part) && message.contains(&format!("{broken}.json")),
            "{broken} {text:?}: {message}"
        );
    }
}

#[test]
fn a_state_that_is_no_position_fails_its_stream_alone() {
    let simulator = simulator(Account::default(), Switches::default());
    let state = crate::connector::state_at("conversations", &json!({"updated_at": "last tuesday"}));
    let ran = Connector::new().read(
        &config(&simulator, json!({})),
        &catalog(&["conversations", "tags"], "incremental"),
        Some(&state),
    );
    let (kind, stream, message) = ran.error();
    assert_eq!(
        (ran.code, kind.as_str(), stream.as_str()),
        (1, "config_error", "conversations")
    );
    assert!(message.contains("no number of milliseconds"), "{message}");
    assert_eq!(ran.records("tags").len(), 8);
}

#[test]
fn keys_of_the_config_that_mean_nothing_are_told() {
    let simulator = simulator(Account::default(), Switches::default());
    let ran = Connector::new()
        .read(
            &config(&simulator, json!({"batch_size": 31})),
            &catalog(&["tags"], "full_refresh"),
            None,
        )
        .succeeded();
    assert!(
        ran.logs("WARN")
            .iter()
            .any(|message| message.contains("`batch_size`"))
    );
}

#[test]
fn a_file_with_a_byte_order_mark_is_read() {
    let connector = Connector::new();
    let config = connector.file(
        "config.json",
        &format!("\u{feff}{}", json!({"api_token": TOKEN})),
    );
    run(Connector::command()
        .arg("discover")
        .arg("--config")
        .arg(config))
    .succeeded();
}
