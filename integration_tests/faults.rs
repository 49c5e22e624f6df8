//! What goes wrong on the way, and that no record is lost or doubled for it.

use std::io::Read;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};

use crate::connector::{Connector, Ran, TOKEN, catalog, config, state_at};
use crate::simulator::account::Account;
use crate::simulator::faults::{Cut, Fault, Kind};
use crate::simulator::rate::{Limits, Rolling};
use crate::simulator::switches::{RetryAfter, Switches};
use crate::simulator::{Scenario, Simulator};

const EXPORT: &str = "/v1/conversation_export";
/// The window from 2026-01-31 on.
const SECOND_WINDOW: &str = "/v1/conversation_export?updated_after=1769817599999";

fn simulator(switches: Switches, faults: Vec<Fault>) -> Simulator {
    let limits = Limits::none();
    Simulator::start(Scenario {
        token: TOKEN.to_owned(),
        switches,
        faults,
        limits,
        ..Scenario::default()
    })
}

fn read(simulator: &Simulator, streams: &[&str]) -> Ran {
    Connector::new().read(
        &config(simulator, json!({})),
        &catalog(streams, "incremental"),
        None,
    )
}

/// Every conversation came out once.
fn check_complete(ran: &Ran, simulator: &Simulator) {
    let expected: Vec<_> = simulator.account(|account| {
        account
            .conversations
            .iter()
            .map(|row| row.key.clone())
            .collect()
    });
    let mut keys = ran.keys("conversations");
    keys.sort_by_key(|key| expected.iter().position(|other| other == key));
    assert_eq!(keys, expected);
}

#[test]
fn a_rate_limit_rests_the_host_as_long_as_it_says_and_is_told() {
    for retry_after in [RetryAfter::Seconds, RetryAfter::HttpDate] {
        // Of two windows the second is refused once, by an export limit of one in four seconds.
        let limits = Limits {
            exports: Rolling {
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
        let token = TOKEN.to_owned();
        let simulator = Simulator::start(Scenario {
            token,
            switches,
            limits,
            ..Scenario::default()
        });
        let ran = read(&simulator, &["conversations", "agents"]).succeeded();
        check_complete(&ran, &simulator);
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
        assert_eq!(limited.len(), 1, "the stream of the host that refused");
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
        assert!(
            ran.logs("WARN")
                .iter()
                .any(|message| message.contains("rate limit (429); waiting until"))
        );
        assert_eq!(
            ran.statuses("conversations"),
            ["STARTED", "RUNNING", "RUNNING", "RUNNING", "COMPLETE"],
            "limited, then cleared"
        );
    }
}

#[test]
fn what_can_not_pass_is_not_tried_again() {
    for (status, kind) in [
        (400, "system_error"),
        (401, "config_error"),
        (403, "config_error"),
        (404, "system_error"),
        (302, "system_error"),
    ] {
        let simulator = simulator(
            Switches::default(),
            vec![Fault::always(EXPORT, Kind::status(status))],
        );
        let ran = read(&simulator, &["conversations", "tags"]);
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
        let mut asked: Vec<_> = simulator
            .log()
            .into_iter()
            .map(|request| (request.path, request.query))
            .collect();
        let requests = asked.len();
        asked.sort();
        asked.dedup();
        assert_eq!(asked.len(), requests, "nothing is asked twice");
        assert_eq!(
            ran.records("tags").len(),
            8,
            "one stream's failure stops no other"
        );
        assert_eq!(ran.statuses("conversations").last(), Some(&"INCOMPLETE"));
    }
}

#[test]
fn a_window_given_up_keeps_what_was_read_and_the_next_read_starts_there() {
    let simulator = simulator(
        Switches::default(),
        vec![Fault::always(SECOND_WINDOW, Kind::status(503))],
    );
    let ran = read(&simulator, &["conversations", "tags"]);
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
    assert_eq!(ran.states("conversations"), [json!({"updated_at": edge})]);
    let healthy = self::simulator(Switches::default(), Vec::new());
    let config = config(&healthy, json!({"lookback_minutes": 0}));
    let rest = Connector::new()
        .read(
            &config,
            &catalog(&["conversations"], "incremental"),
            Some(&ran.saved()),
        )
        .succeeded();
    let mut all = [ran.keys("conversations"), rest.keys("conversations")].concat();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 200);
}

#[test]
fn a_window_that_fails_for_its_size_is_asked_for_in_halves() {
    let whole = format!("{SECOND_WINDOW}&updated_before=1772323200000");
    let cut = Kind::CutBody {
        after_bytes: 30_000,
        how: Cut::CleanClose,
    };
    let simulator = simulator(Switches::default(), vec![Fault::always(&whole, cut)]);
    let ran = read(&simulator, &["conversations"]).succeeded();
    check_complete(&ran, &simulator);
    assert!(
        ran.logs("WARN")
            .iter()
            .any(|message| message.contains("asked for in halves"))
    );
    let asked = simulator
        .log()
        .into_iter()
        .filter(|request| request.path == EXPORT);
    assert_eq!(
        asked.count(),
        1 + 3 + 2,
        "a good window, three tries, two halves"
    );
    let end = json!({"updated_at": 1_772_323_200_000_i64});
    assert_eq!(ran.states("conversations").last(), Some(&end));
}

#[test]
fn a_host_that_is_down_fails_its_own_streams_only() {
    let simulator = simulator(
        Switches::default(),
        vec![Fault::always("/v1/tags", Kind::status(401))],
    );
    let ran = read(&simulator, &["tags", "agents", "conversations"]);
    assert_eq!(ran.code, 1);
    assert_eq!(ran.error().1, "tags");
    check_complete(&ran, &simulator);
    assert_eq!(ran.records("agents").len(), 30);
}

#[test]
fn a_reader_that_leaves_ends_the_read_quietly_and_not_as_a_success() {
    let simulator = crate::read::simulator(Account::bulk(50_000), Switches::default());
    let connector = Connector::new();
    let mut command = connector.read_command(
        &config(&simulator, json!({})),
        &catalog(&["conversations"], "incremental"),
        None,
    );
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut some = [0; 10_000];
    child.stdout.take().unwrap().read_exact(&mut some).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn a_full_disk_is_an_error() {
    let Ok(full) = std::fs::OpenOptions::new().write(true).open("/dev/full") else {
        return;
    };
    let simulator = simulator(Switches::default(), Vec::new());
    let connector = Connector::new();
    let mut command = connector.read_command(
        &config(&simulator, json!({})),
        &catalog(&["tags"], "full_refresh"),
        None,
    );
    let output = command.stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("stdout cannot be written"));
}

#[test]
fn sigterm_ends_a_read_by_its_default_action() {
    use std::os::unix::process::ExitStatusExt;
    let switches = Switches {
        exports_latency: Duration::from_secs(30),
        ..Switches::default()
    };
    let simulator = simulator(switches, Vec::new());
    let connector = Connector::new();
    let mut command = connector.read_command(
        &config(&simulator, json!({})),
        &catalog(&["conversations"], "incremental"),
        None,
    );
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut [0; 20]).unwrap();
    let killed = std::process::Command::new("kill")
        .arg(child.id().to_string())
        .status()
        .unwrap();
    assert!(killed.success());
    assert_eq!(child.wait().unwrap().signal(), Some(15));
}

#[test]
fn what_a_reader_sees_of_a_failure_is_this() {
    let simulator = simulator(
        Switches::default(),
        vec![Fault::always(EXPORT, Kind::status(401))],
    );
    let state = state_at(
        "conversations",
        &json!({"updated_at": 1_769_817_600_000_i64}),
    );
    let ran = Connector::new().read(
        &config(&simulator, json!({})),
        &catalog(&["conversations", "nonsense"], "incremental"),
        Some(&state),
    );
    let mut messages = ran.messages.clone();
    for message in &mut messages {
        if message["trace"].is_object() {
            message["trace"]["emitted_at"] = Value::from(0);
        }
        let told = message["log"]["message"].as_str().unwrap_or_default();
        if let Some((moved, _)) = told.split_once("; it took ") {
            message["log"]["message"] = format!("{moved}; it took …").into();
        }
    }
    let lines: Vec<_> = messages.iter().map(Value::to_string).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn records_without_a_key_are_not_doubled_by_a_second_try_and_twins_both_stay() {
    let records = br#"[{"id":null,"updated_at":1768000000000},{"id":null,"updated_at":1768000000000},{"updated_at":5}]"#;
    let cut = |body: &[u8]| Kind::Replace {
        body: body.to_vec(),
        content_type: "application/json",
    };
    let faults = vec![
        Fault::at(EXPORT, 0, cut(&records[..records.len() - 1])),
        Fault::at(EXPORT, 1, cut(records)),
    ];
    let simulator = simulator(Switches::default(), faults);
    let dates = json!({"start_date": "1970-01-01", "end_date": "1970-01-15"});
    let mut config = config(&simulator, dates);
    config["end_date"] = json!("1970-01-15");
    let ran = Connector::new()
        .read(&config, &catalog(&["conversations"], "incremental"), None)
        .succeeded();
    assert_eq!(
        ran.records("conversations"),
        [r#"{"updated_at":5}"#],
        "what lies after the end date does not belong"
    );
    let simulator = self::simulator(
        Switches::default(),
        vec![
            Fault::at(EXPORT, 0, cut(&records[..records.len() - 1])),
            Fault::at(EXPORT, 1, cut(records)),
        ],
    );
    let config = self::config(
        &simulator,
        json!({"start_date": "2026-01-01", "end_date": "2026-01-20"}),
    );
    let ran = Connector::new()
        .read(&config, &catalog(&["conversations"], "incremental"), None)
        .succeeded();
    assert_eq!(ran.records("conversations").len(), 2);
}

#[test]
fn a_record_that_every_window_brings_is_written_once() {
    let body = r#"[{"id":1,"updated_at":null},{"id":2},{"id":3,"name":"no cursor either"}]"#;
    let simulator = simulator(
        Switches::default(),
        vec![Fault::always(EXPORT, Kind::body(body))],
    );
    let config = config(&simulator, json!({"window_days": 5}));
    let ran = Connector::new()
        .read(&config, &catalog(&["conversations"], "incremental"), None)
        .succeeded();
    assert_eq!(simulator.log().len(), 12);
    let mut keys = ran.keys("conversations");
    keys.sort();
    assert_eq!(keys, ["1", "2", "3"]);
}

#[test]
fn an_answer_without_content_is_empty_in_any_encoding() {
    let headers = vec![("Content-Encoding".to_owned(), "gzip".to_owned())];
    let empty = Kind::Status {
        status: 204,
        headers,
        body: String::new(),
    };
    let simulator = simulator(Switches::default(), vec![Fault::always("/v1", empty)]);
    let ran = read(&simulator, &["conversations", "agents", "tags"]).succeeded();
    assert_eq!(ran.of_type("RECORD").len(), 0);
    assert!(
        simulator
            .log()
            .iter()
            .all(|request| request.status == Some(204))
    );
}

#[test]
fn a_reader_that_has_left_is_noticed_between_empty_answers_too() {
    let simulator = crate::read::simulator(Account::empty(), Switches::default());
    let slow = json!({"start_date": "2020-01-01", "exports_requests_per_minute": 60});
    let connector = Connector::new();
    let mut command = connector.read_command(
        &config(&simulator, slow),
        &catalog(&["conversations"], "incremental"),
        None,
    );
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    child
        .stdout
        .take()
        .unwrap()
        .read_exact(&mut [0; 20])
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert!(simulator.log().len() < 10, "of some 76 windows");
}
