//! A token without the permission to read everything: what fails, and what `check` reports.

use serde_json::json;
use source_dixa::dixa::host::Host;
use source_dixa::streams::stream::Stream;
use source_dixa::streams::table::STREAMS;

use crate::support::expected::check_records;
use crate::support::read::{Read, check};
use crate::support::sim::Sim;

#[test]
fn a_missing_permission_fails_only_its_stream_and_is_named() {
    for status in [401, 403] {
        let simulator = Sim::new().forbid(["/v1/webhooks"], status).start();
        let ran = Read::of(&simulator)
            .streams(["webhooks", "tags", "organization"])
            .mode("full_refresh")
            .run();
        assert_eq!(ran.code, 1);
        let (kind, stream, message) = ran.error();
        assert_eq!(
            (kind.as_str(), stream.as_str()),
            ("config_error", "webhooks")
        );
        assert!(message.contains("webhooks (GET /v1/webhooks)"), "{message}");
        assert!(message.contains("permission to read this"), "{message}");
        check_records(&ran, &simulator, "tags");
        check_records(&ran, &simulator, "organization");
    }
}

/// Whether a stream, or its parent stream, requests a path.
fn needs(stream: &Stream, path: &str) -> bool {
    let parent = stream.parent();
    stream.path.starts_with(path) || parent.is_some_and(|parent| needs(parent, path))
}

#[test]
fn check_names_unreadable_streams_and_succeeds() {
    let paths = [
        "/v1/webhooks",
        "/v1/queues",
        "/v1/conversations/activitylog",
    ];
    let simulator = Sim::new().forbid(paths, 401).start();
    let ran = check(&simulator, json!({})).succeeded();
    assert_eq!(ran.connection_status(), ("SUCCEEDED", ""));
    let [warning] = ran.logs("WARN")[..] else {
        panic!("one warning")
    };
    for stream in STREAMS {
        let is_unreadable = paths.iter().any(|path| needs(stream, path));
        let name = stream.name;
        let is_named = warning.contains(&format!("`{name}`"));
        assert_eq!(is_named, is_unreadable, "{name}: {warning}");
    }
}

#[test]
fn check_succeeds_if_the_exports_or_any_list_can_be_read() {
    let lists = STREAMS
        .iter()
        .filter(|stream| stream.host == Host::Api)
        .map(|stream| stream.path.split('{').next().unwrap());
    for (forbidden, status, expected) in [
        (vec!["/v1/conversation_export"], 403, "SUCCEEDED"),
        (lists.collect(), 401, "SUCCEEDED"),
        (vec!["/v1/"], 403, "FAILED"),
    ] {
        let simulator = Sim::new().forbid(forbidden, status).start();
        let ran = check(&simulator, json!({})).succeeded();
        assert_eq!(ran.connection_status().0, expected);
    }
}
