//! Configured catalogs as clients write them, and what a read does with an invalid entry.

use serde_json::{Value, json};

use crate::support::catalog::state_at;
use crate::support::ran::Ran;
use crate::support::read::Read;
use crate::support::sim::Sim;
use crate::support::time::HOUR;

fn configured(name: &str, others: Value) -> Value {
    let mut configured = json!({"stream": {"name": name}, "sync_mode": "full_refresh", "destination_sync_mode": "append"});
    for (key, value) in others.as_object().unwrap() {
        configured[key] = value.clone();
    }
    configured
}

/// Reads these configured streams from the default account.
fn read(streams: &[Value]) -> Ran {
    let simulator = Sim::new().start();
    Read::of(&simulator)
        .catalog(&json!({ "streams": streams }))
        .run()
}

#[test]
fn one_bad_stream_fails_alone() {
    let cases = [
        (
            configured("conversation_export", json!({})),
            "there is no stream `conversation_export`; did you mean `conversations`?",
        ),
        (
            configured("__AIRBYTE__stream_that_does_not_exist", json!({})),
            "the streams are: conversations, messages, agents",
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
            "`conversations`, which has `updated_at`",
        ),
        (
            configured(
                "conversations",
                json!({"sync_mode": "incremental", "cursor_field": ["updated_at", "x"]}),
            ),
            "`conversations`, which has `updated_at`",
        ),
        (
            configured(
                "agents",
                json!({"sync_mode": "incremental", "cursor_field": {"a": 1}}),
            ),
            "`agents`, which has no cursor field",
        ),
        (
            configured(
                "agents",
                json!({"sync_mode": "incremental", "cursor_field": ["createdAt"]}),
            ),
            "`agents`, which has no cursor field",
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
fn the_catalogs_of_all_clients_are_accepted() {
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
fn the_catalogs_of_airbytes_api_and_of_singer_are_read_with_their_selection() {
    let api = json!({"syncCatalog": {"streams": [
        {"stream": {"name": "tags", "jsonSchema": {}}, "config": {"syncMode": "full_refresh", "selected": false}},
        {"stream": {"name": "conversations"}, "config": {"syncMode": "incremental", "selected": true, "cursorField": ["updated_at"]}},
    ]}});
    let metadata = |selected| json!([{"breadcrumb": [], "metadata": {"selected": selected}}]);
    let singer = json!({"streams": [
        {"tap_stream_id": "tags", "stream": "tags", "schema": {}, "metadata": metadata(false)},
        {"tap_stream_id": "conversations", "stream": "conversations", "schema": {}, "metadata": metadata(true)},
    ]});
    for catalog in [api, singer] {
        let simulator = Sim::new().start();
        let state = state_at(
            "conversations",
            &json!({"updated_at": 1_770_000_000_000_i64}),
        );
        let ran = Read::of(&simulator)
            .catalog(&catalog)
            .state(&state)
            .run()
            .succeeded();
        assert!(ran.statuses("tags").is_empty());
        let log = simulator.log();
        assert_eq!(
            log.len(),
            1,
            "only the selected stream, from its saved position"
        );
        assert_eq!(
            log[0].parameter("updated_after").unwrap(),
            (1_770_000_000_000 - HOUR - 1).to_string()
        );
        let none = catalog.to_string().replace("true", "false");
        let ran = Read::of(&simulator)
            .catalog(&serde_json::from_str(&none).unwrap())
            .run()
            .succeeded();
        ran.check_warning(&["selects no stream"]);
    }
}
