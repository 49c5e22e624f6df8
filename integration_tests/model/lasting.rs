//! Faults that last: every stream fails in time, with a message that says what happened, and stops no other stream.

use std::time::Duration;

use super::dixa::Fault;
use super::scripted::{BY_DAYS, CHILDREN, KINDS, PAGED, Stream, WINDOWED, read_with};

/// Faults of every request to an endpoint.
const LASTING: &[(&str, Fault)] = &[
    ("a refused connection", Fault::ConnectionRefused),
    ("a connection timeout", Fault::ConnectTimeout),
    ("no response", Fault::NoResponse),
    ("a stalled body", Fault::Stall(50)),
    ("a reset in the body", Fault::Reset(50)),
    ("a body that ends early", Fault::EndEarly(50)),
    ("a body that continues after its end", Fault::Append(b"]")),
    ("an HTML page", Fault::Replace(b"<html>busy</html>")),
    ("an object", Fault::Replace(b"{\"message\":\"no\"}")),
    ("a null", Fault::Replace(b"null")),
    ("garbage", Fault::Replace(b"[{\"id\":1}garbage")),
    ("invalid UTF-8", Fault::Replace(b"[{\"id\":\"\xff\"}]")),
    ("201", Fault::Status(201, None)),
    ("302", Fault::Status(302, None)),
    ("400", Fault::Status(400, None)),
    ("401", Fault::Status(401, None)),
    ("403", Fault::Status(403, None)),
    ("404", Fault::Status(404, None)),
    ("408", Fault::Status(408, None)),
    ("429", Fault::Status(429, None)),
    ("500", Fault::Status(500, None)),
    ("503", Fault::Status(503, None)),
];

/// Airbyte expects a RECORD or a STATE within three hours (metadata.yaml,
/// docs/airbyte-protocol.md 2.5); a stream must fail sooner.
const LONGEST_SILENCE: Duration = Duration::from_hours(2);

#[test]
fn a_lasting_fault_fails_its_stream_in_time_and_stops_no_other() {
    for (name, fault) in LASTING {
        // A parent that no longer exists is skipped, which is not a failure.
        let is_skipped = |kind: &Stream| [CHILDREN, BY_DAYS].contains(kind) && *name == "404";
        for (stream, path) in KINDS.into_iter().filter(|kind| !is_skipped(kind)) {
            let others = KINDS.map(|(other, _)| other);
            let (ran, _) = read_with(&others, move |target| {
                target.starts_with(path).then_some(*fault)
            });
            assert_eq!(ran.done, Some(false), "{name}");
            let errors = ran.errors();
            assert_eq!(errors.len(), 1, "{name} {errors:?}");
            assert_eq!(errors[0]["stream_descriptor"]["name"], stream);
            assert!(ran.took < LONGEST_SILENCE, "{name} took {:?}", ran.took);
            for other in others.into_iter().filter(|other| *other != stream) {
                assert_eq!(ran.records(other), 20, "{name}");
            }
        }
    }
}

/// Bodies that are not retried, or that only a list can have.
fn invalid_bodies() -> Vec<(&'static str, Stream, Fault)> {
    let replaced = |body: String| Fault::Replace(body.leak().as_bytes());
    let page = |rest: &str| replaced(format!("{{\"data\":[{{\"id\":\"a\"}}],{rest}}}"));
    vec![
        (
            "an element that is not an object",
            WINDOWED,
            Fault::Replace(b"[1]"),
        ),
        (
            "a million levels",
            WINDOWED,
            replaced(format!("[{{\"a\":{}", "[".repeat(1_000_000))),
        ),
        (
            "a record of 65 MB",
            WINDOWED,
            replaced(format!("[{{\"a\":\"{}\"}}]", "x".repeat(65 << 20))),
        ),
        (
            "a frame of 2 MB",
            PAGED,
            page(&format!("\"x\":\"{}\"", "x".repeat(2 << 20))),
        ),
        (
            "a link that is not a string",
            PAGED,
            page("\"meta\":{\"next\":3}"),
        ),
        (
            "a link to another host",
            PAGED,
            page("\"meta\":{\"next\":\"https://example.org/\"}"),
        ),
        (
            "a link to itself",
            PAGED,
            page("\"meta\":{\"next\":\"/v1/agents?pageLimit=1000\"}"),
        ),
        (
            "a link of 65 KB",
            PAGED,
            page(&format!(
                "\"meta\":{{\"next\":\"/v1/agents?pageKey={}\"}}",
                "x".repeat(65 << 10)
            )),
        ),
        (
            "an id of 65 KB",
            (CHILDREN.0, "/v1/teams"),
            replaced(format!(
                "{{\"data\":[{{\"id\":\"{}\"}}]}}",
                "x".repeat(65 << 10)
            )),
        ),
        (
            "an id of 90 KB when escaped",
            (CHILDREN.0, "/v1/teams"),
            replaced(format!(
                "{{\"data\":[{{\"id\":\"{}\"}}]}}",
                "/".repeat(30 << 10)
            )),
        ),
    ]
}

#[test]
fn the_message_of_each_failure_matches_its_snapshot() {
    let lasting = LASTING
        .iter()
        .map(|(name, fault)| (*name, WINDOWED, *fault));
    let mut messages = Vec::new();
    for (name, (stream, path), fault) in lasting.chain(invalid_bodies()) {
        let (ran, _) = read_with(&[stream], move |target| {
            target.starts_with(path).then_some(fault)
        });
        let errors = ran.errors();
        assert_eq!(errors.len(), 1, "{name}");
        let text = |key: &str| errors[0][key].as_str().unwrap_or_default().to_owned();
        let kind = text("failure_type");
        messages.push(format!("{name}: {kind}\n  {}", text("message")));
    }
    insta::with_settings!({snapshot_path => "../snapshots"}, { insta::assert_snapshot!(messages.join("\n")) });
}
