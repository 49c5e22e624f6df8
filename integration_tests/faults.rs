//! Faults during a read: what is retried, what fails, and that no record is lost or duplicated.

use std::time::Duration;

use dixa_simulator::api::faults::{Cut, Fault, Kind};
use dixa_simulator::api::rate::{Limits, RollingWindow};
use dixa_simulator::api::switches::{RetryAfter, Switches};
use serde_json::{Value, json};

use crate::support::catalog::state_at;
use crate::support::config::config;
use crate::support::expected::check_records;
use crate::support::read::Read;
use crate::support::sim::Sim;
use crate::support::time::END;

const EXPORT: &str = "/v1/conversation_export";
/// The window that starts on 2026-01-31.
const SECOND_WINDOW: &str = "/v1/conversation_export?updated_after=1769817599999";

#[test]
fn a_rate_limit_pauses_its_host_for_as_long_as_asked_and_is_reported() {
    for retry_after in [RetryAfter::Seconds, RetryAfter::HttpDate] {
        // The limit is one export in four seconds: the second of two windows is rejected once.
        let limits = Limits {
            exports: RollingWindow {
                count: 1,
                period: Duration::from_secs(4),
            },
            refused_count: false,
            ..Limits::none()
        };
        let switches = Switches {
            retry_after,
            ..Switches::default()
        };
        let simulator = Sim::new().switches(switches).limits(limits).start();
        let ran = Read::of(&simulator)
            .streams(["conversations", "agents"])
            .run()
            .succeeded();
        check_records(&ran, &simulator, "conversations");
        let log: Vec<_> = simulator
            .log()
            .into_iter()
            .filter(|request| request.path == EXPORT)
            .collect();
        assert!(
            log[2].at - log[1].at >= Duration::from_millis(900),
            "{retry_after:?} {:?}",
            log[2].at - log[1].at
        );
        let limited: Vec<_> = ran
            .of_type("TRACE")
            .into_iter()
            .filter(|message| message["trace"]["stream_status"].get("reasons").is_some())
            .collect();
        assert_eq!(limited.len(), 1, "only the stream of the rate-limited host");
        let status = &limited[0]["trace"]["stream_status"];
        assert_eq!(status["stream_descriptor"]["name"], "conversations");
        let reset = status["reasons"][0]["rate_limited"]["quota_reset"]
            .as_i64()
            .unwrap();
        let at = limited[0]["trace"]["emitted_at"].as_i64().unwrap();
        assert!(
            (500..=5000).contains(&(reset - at)),
            "{retry_after:?} {}",
            reset - at
        );
        assert!(ran.has_log("WARN", "rate-limited a request (429). Waiting until"));
        assert_eq!(
            ran.statuses("conversations"),
            ["STARTED", "RUNNING", "RUNNING", "RUNNING", "COMPLETE"],
            "rate-limited, then running again"
        );
    }
}

#[test]
fn a_permanent_error_is_not_retried() {
    for (status, kind) in [
        (400, "system_error"),
        (401, "config_error"),
        (403, "config_error"),
        (404, "system_error"),
        (302, "system_error"),
    ] {
        let simulator = Sim::new()
            .fault(Fault::always(EXPORT, Kind::status(status)))
            .start();
        let ran = Read::of(&simulator)
            .streams(["conversations", "tags"])
            .run();
        let (failure, stream, message) = ran.error();
        assert_eq!(
            (ran.code, failure.as_str(), stream.as_str()),
            (1, kind, "conversations"),
            "{message}"
        );
        assert!(
            message.contains(&format!("answered {status}"))
                && message.contains("2026-01-01T00:00:00Z to"),
            "{message}"
        );
        let mut distinct: Vec<_> = simulator
            .log()
            .into_iter()
            .map(|request| (request.path, request.query))
            .collect();
        let requests = distinct.len();
        distinct.sort();
        distinct.dedup();
        assert_eq!(distinct.len(), requests, "no request is repeated");
        assert_eq!(
            ran.records("tags").len(),
            8,
            "a failed stream stops no other"
        );
        assert_eq!(ran.statuses("conversations").last(), Some(&"INCOMPLETE"));
    }
}

#[test]
fn a_window_that_fails_keeps_the_earlier_ones_and_the_next_read_starts_there() {
    let simulator = Sim::new()
        .fault(Fault::always(SECOND_WINDOW, Kind::status(503)))
        .start();
    let ran = Read::of(&simulator)
        .streams(["conversations", "tags"])
        .run();
    let (kind, stream, message) = ran.error();
    assert_eq!(
        (ran.code, kind.as_str(), stream.as_str()),
        (1, "transient_error", "conversations")
    );
    assert!(
        message.contains("2026-01-31T00:00:00Z to 2026-03-01T00:00:00Z") && message.contains("503"),
        "{message}"
    );
    assert_eq!(
        simulator
            .log()
            .iter()
            .filter(|request| request.path == EXPORT)
            .count(),
        1 + 6
    );
    assert!(!ran.records("conversations").is_empty());
    let edge = 1_769_817_600_000_i64;
    let states = ran.states("conversations");
    assert_eq!(states.len(), 1);
    assert_eq!(states[0]["updated_at"], edge);
    let healthy = Sim::new().start();
    let rest = Read::of(&healthy)
        .config(json!({"lookback_minutes": 0}))
        .streams(["conversations"])
        .state(&ran.saved())
        .run()
        .succeeded();
    let mut all = [ran.keys("conversations"), rest.keys("conversations")].concat();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 200);
}

#[test]
fn a_window_that_keeps_failing_is_requested_in_halves() {
    let whole = format!("{SECOND_WINDOW}&updated_before=1772323200000");
    let cut = Kind::CutBody {
        after_bytes: 30_000,
        how: Cut::CleanClose,
    };
    let simulator = Sim::new().fault(Fault::always(&whole, cut)).start();
    let ran = Read::of(&simulator)
        .streams(["conversations"])
        .run()
        .succeeded();
    check_records(&ran, &simulator, "conversations");
    assert!(ran.has_log("WARN", "Requesting it in halves"));
    let requests = simulator
        .log()
        .into_iter()
        .filter(|request| request.path == EXPORT);
    assert_eq!(
        requests.count(),
        1 + 3 + 2,
        "a good window, three attempts, two halves"
    );
    let last = ran.states("conversations").pop().unwrap();
    assert_eq!(last["updated_at"], END);
}

#[test]
fn a_host_that_is_down_fails_its_own_streams_only() {
    let simulator = Sim::new()
        .fault(Fault::always("/v1/tags", Kind::status(401)))
        .start();
    let ran = Read::of(&simulator)
        .streams(["tags", "agents", "conversations"])
        .run();
    assert_eq!(ran.code, 1);
    assert_eq!(ran.error().1, "tags");
    check_records(&ran, &simulator, "conversations");
    assert_eq!(ran.records("agents").len(), 30);
}

#[test]
fn the_output_of_a_failure_matches_its_snapshot() {
    let simulator = Sim::new()
        .fault(Fault::always(EXPORT, Kind::status(401)))
        .start();
    let state = state_at(
        "conversations",
        &json!({"updated_at": 1_769_817_600_000_i64}),
    );
    let ran = Read::of(&simulator)
        .streams(["conversations", "nonsense"])
        .state(&state)
        .run();
    let mut messages = ran.messages.clone();
    for message in &mut messages {
        if message["trace"].is_object() {
            message["trace"]["emitted_at"] = Value::from(0);
        }
        let logged = message["log"]["message"].as_str().unwrap_or_default();
        if let Some((counts, _)) = logged.split_once("; it took ") {
            message["log"]["message"] = format!("{counts}; it took …").into();
        }
    }
    let lines: Vec<_> = messages.iter().map(Value::to_string).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn a_retry_does_not_duplicate_records_without_a_key_and_keeps_identical_ones() {
    let records = br#"[{"id":null,"updated_at":1768000000000},{"id":null,"updated_at":1768000000000},{"updated_at":5}]"#;
    let cut = |body: &[u8]| Kind::Replace {
        body: body.to_vec(),
        content_type: "application/json",
    };
    let faults = vec![
        Fault::at(EXPORT, 0, cut(&records[..records.len() - 1])),
        Fault::at(EXPORT, 1, cut(records)),
    ];
    let simulator = Sim::new().faults(faults).start();
    let dates = json!({"start_date": "1970-01-01", "end_date": "1970-01-15"});
    let mut config = config(&simulator, dates);
    config["end_date"] = json!("1970-01-15");
    let ran = Read::with_config(&config)
        .streams(["conversations"])
        .run()
        .succeeded();
    assert_eq!(
        ran.records("conversations"),
        [r#"{"updated_at":5}"#],
        "records after the end date are skipped"
    );
    let simulator = Sim::new()
        .faults([
            Fault::at(EXPORT, 0, cut(&records[..records.len() - 1])),
            Fault::at(EXPORT, 1, cut(records)),
        ])
        .start();
    let config = self::config(
        &simulator,
        json!({"start_date": "2026-01-01", "end_date": "2026-01-20"}),
    );
    let ran = Read::with_config(&config)
        .streams(["conversations"])
        .run()
        .succeeded();
    assert_eq!(
        ran.records("conversations").len(),
        3,
        "both of 2026, and the one without a plausible cursor"
    );
}

#[test]
fn a_record_in_every_window_is_written_once() {
    let body = r#"[{"id":1,"updated_at":null},{"id":2},{"id":3,"name":"no cursor either"}]"#;
    let simulator = Sim::new()
        .fault(Fault::always(EXPORT, Kind::body(body)))
        .start();
    let ran = Read::of(&simulator)
        .config(json!({"window_days": 5}))
        .streams(["conversations"])
        .run()
        .succeeded();
    assert_eq!(simulator.log().len(), 12);
    let mut keys = ran.keys("conversations");
    keys.sort();
    assert_eq!(keys, ["1", "2", "3"]);
}

#[test]
fn a_response_without_content_is_empty_in_any_encoding() {
    let headers = vec![("Content-Encoding".to_owned(), "gzip".to_owned())];
    let empty = Kind::Status {
        status: 204,
        headers,
        body: String::new(),
    };
    let simulator = Sim::new().fault(Fault::always("/v1", empty)).start();
    let ran = Read::of(&simulator)
        .streams(["conversations", "agents", "tags"])
        .run()
        .succeeded();
    assert_eq!(ran.of_type("RECORD").len(), 0);
    assert!(
        simulator
            .log()
            .iter()
            .all(|request| request.status == Some(204))
    );
}
