//! Bodies that no server should send, and consumers that stop reading: a complete read or a clear error, in bounded memory.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use dixa_simulator::Simulator;
use dixa_simulator::api::faults::{Fault, Kind};
use dixa_simulator::api::switches::Switches;
use dixa_simulator::data::account::Account;
use dixa_simulator::data::row::Row;
use serde_json::{Value, json};

use crate::support::binary::binary;
use crate::support::config::config;
use crate::support::log_lines::waited;
use crate::support::memory::{peak_kib, wait_and_measure};
use crate::support::read::{Read, ReadCommand};
use crate::support::secrets;
use crate::support::sim::Sim;
use crate::support::test_dir::TestDir;

const EXPORT: &str = "/v1/conversation_export";
const MIB: u64 = 1024;

/// A Dixa that answers every export with this body.
fn with_body(body: String) -> Simulator {
    let fault = Fault::always(EXPORT, Kind::body(&body));
    Sim::new().fault(fault).start()
}

/// A read of conversations in one window.
fn one_window(simulator: &Simulator) -> ReadCommand {
    Read::of(simulator)
        .config(json!({"end_date": "2026-01-20"}))
        .streams(["conversations"])
        .command()
}

/// The exit code, the lines, and the peak memory in KiB of a read.
fn measured(simulator: &Simulator) -> (Option<i32>, Vec<String>, u64) {
    let mut command = one_window(simulator);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let text = thread::spawn(move || {
        let mut text = String::new();
        stdout.read_to_string(&mut text).unwrap();
        text
    });
    let (status, peak) = wait_and_measure(&mut child);
    let text = text.join().unwrap();
    secrets::check_lines(&text);
    let lines = text.lines().map(str::to_owned).collect();
    (status.code(), lines, peak)
}

/// The read fails with this message, in less memory than this.
fn check_rejected(body: String, message: &str, limit_kib: u64) {
    let (code, lines, peak) = measured(&with_body(body));
    assert_eq!(code, Some(1));
    let error = lines
        .iter()
        .find(|line| line.contains(r#""error":"#))
        .unwrap();
    assert!(error.contains(message), "{error}");
    assert!(peak < limit_kib, "{peak} KiB");
}

#[test]
fn a_record_of_100_mb_is_rejected_in_bounded_memory() {
    let body = format!(r#"[{{"id":1,"text":"{}"}}]"#, "x".repeat(100_000_000));
    check_rejected(body, "one record is larger than 64 MB", 250 * MIB);
}

#[test]
fn a_million_levels_are_rejected() {
    let body = format!("[{{\"a\":{}", "{\"a\":[".repeat(500_000));
    check_rejected(body, "nests deeper than 512 levels", 64 * MIB);
}

#[test]
fn endless_whitespace_is_read_up_to_64_mb_and_requested_again() {
    let mut body = b"[\n".to_vec();
    body.resize(100_000_000, b' ');
    let kind = Kind::Replace {
        body,
        content_type: "application/json",
    };
    let simulator = Sim::new().fault(Fault::at(EXPORT, 0, kind)).start();
    let (code, lines, peak) = measured(&simulator);
    assert_eq!(code, Some(0));
    let warning = "64 MB of it held no record";
    assert!(lines.iter().any(|line| line.contains(warning)));
    assert!(peak < 64 * MIB, "{peak} KiB");
}

#[test]
fn unusual_records_are_written_unchanged() {
    let records = [
        r#"{"id":1,"updated_at":"1768000000000","note":"a cursor as text"}"#,
        r#"{"id":2,"updated_at":1768000000000.75,"note":"as a fraction"}"#,
        r#"{"id":3,"updated_at":1.768e12,"note":"with an exponent"}"#,
        r#"{"id":4,"updated_at":null}"#,
        r#"{"id":5}"#,
        r#"{"id":6,"updated_at":[1]}"#,
        r#"{"id":null,"updated_at":1768000000000}"#,
        r#"{"updated_at":1768000000001}"#,
        r#"{"id":"seven","updated_at":1768000000000}"#,
        r#"{"id":8,"updated_at":5,"updated_at":1768000000000,"note":"the last one counts"}"#,
        r#"{"id":9,"updated\u005fat":1768000000000}"#,
        r#"{"\u0069d":10,"updated_at":1768000000000}"#,
        r#"{"id":12345678901234567890123,"updated_at":1768000000000}"#,
        r#"{"id":{"deep":[1]},"updated_at":1768000000000}"#,
        r#"{"id":13,"updated_at":1768000000000,"x":1e999,"y":-0.0,"z":""}"#,
        r#"{"id":14,"updated_at":-1768000000000}"#,
        r#"{"id":15,"updated_at":99999999999999999999}"#,
        r#"{"id":16,"updated_at":4102444800000}"#,
        r#"{"id":17,"updated_at":0}"#,
        r#"{"id":18,"updated_at":1768000000}"#,
        r#"{"id":19,"updated_at":1768000000000000}"#,
    ];
    // A record is skipped only for a plausible time before the start date, or at or after the end date.
    let others = [
        r#"{"id":20,"updated_at":1568000000000}"#,
        r#"{"id":21,"updated_at":1795000000000}"#,
    ];
    let body = format!("[{},{}]", records.join(","), others.join(","));
    let (code, lines, _) = measured(&with_body(body));
    assert_eq!(code, Some(0));
    let front = r#"{"type":"RECORD","record":{"stream":"conversations","data":"#;
    let written = lines.iter().filter_map(|line| line.strip_prefix(front));
    let written = written.map(|rest| &rest[..rest.rfind(r#","emitted_at":"#).unwrap()]);
    assert_eq!(written.collect::<Vec<_>>(), records);
    let state = lines
        .iter()
        .rfind(|line| line.contains(r#""type":"STATE""#));
    let state: Value = serde_json::from_str(state.unwrap()).unwrap();
    assert_eq!(state["state"]["sourceStats"]["recordCount"], 21.0);
    assert_eq!(
        state["state"]["stream"]["stream_state"]["updated_at"], 1_768_867_200_000_i64,
        "the cursors of the records do not move the position"
    );
}

#[test]
fn a_slow_consumer_costs_neither_memory_nor_records_when_dixa_closes_the_connection() {
    let simulator = Sim::new()
        .account(Account::bulk(60_000))
        .switches(Switches {
            write_timeout: Some(Duration::from_secs(1)),
            ..Switches::default()
        })
        .start();
    let mut command = one_window(&simulator);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut text = vec![0; 10_000];
    stdout.read_exact(&mut text).unwrap();
    let mut peak = None;
    for pause in 1..=7 {
        let started = Instant::now();
        while started.elapsed() < Duration::from_millis(1500) || !simulator.is_quiet() {
            assert!(
                started.elapsed() < Duration::from_secs(60),
                "the simulator does not time out at pause {pause}"
            );
            thread::sleep(Duration::from_millis(100));
        }
        peak = peak.max(peak_kib(child.id()));
        // The rest of this body, and part of the next one.
        let mut more = vec![0; 12_000_000];
        stdout.read_exact(&mut more).unwrap();
        text.extend(more);
    }
    stdout.read_to_end(&mut text).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(peak.is_none_or(|peak| peak < 64 * MIB), "{peak:?} KiB");
    let requests = simulator.log().len();
    assert!(
        (4..=9).contains(&requests),
        "{requests} requests; the window is not split"
    );
    let text = String::from_utf8(text).unwrap();
    let end = text.lines().find(|line| line.contains("All streams: "));
    let [_, _, reader] = waited(end.unwrap());
    assert!(reader > 7.0, "seven pauses of more than a second: {reader}");
    let mut keys: Vec<_> = text
        .lines()
        .filter_map(|line| line.split_once(r#","data":{"id":"#))
        .map(|(_, rest)| rest.split(',').next().unwrap())
        .collect();
    keys.sort_unstable();
    assert_eq!(
        keys.len(),
        59_999,
        "the first is a millisecond before the start date"
    );
    keys.dedup();
    assert_eq!(keys.len(), 59_999, "no record is written twice");
}

/// Text that no database stores, in a name and in a value, in every kind of stream and every format.
#[test]
fn text_that_no_database_stores_is_repaired_and_counted_in_every_stream_and_format() {
    let odd = r#""n\u0000ame":"\ud83d!\u0000","fine":"\\u0000 \ud83d\ude00""#;
    let expected = "\"name\":\"\u{fffd}!\",\"fine\":\"\\\\u0000 \\ud83d\\ude00\"";
    let list = |row: &str| Kind::body(&format!(r#"{{"data":[{row}]}}"#));
    let bodies = [
        (
            "/v1/conversation_export",
            Kind::body(&format!(r#"[{{"id":1,"updated_at":1768000000000,{odd}}}]"#)),
        ),
        ("/v1/agents", list(&format!(r#"{{"id":"a",{odd}}}"#))),
        (
            "/v1/webhooks",
            list(&format!(r#"{{"id":"w",{odd},"secretKey":"s"}}"#)),
        ),
        (
            "/v1/organization",
            Kind::body(&format!(r#"{{"data":{{"id":"o",{odd}}}}}"#)),
        ),
    ];
    let mut account = Account::default();
    account.queues = vec![Row::new("\"q\"", 0, r#"{"id":"q"}"#)];
    let member = format!(r#"{{"agentId":"m",{odd},"queue_id":"x"}}"#);
    let members = vec![Row::new("\"m\"", 0, &member)];
    let members = BTreeMap::from([("q".to_owned(), members)]);
    account.members.insert("queue_members", members);
    let faults = bodies.map(|(path, body)| Fault::always(path, body));
    let simulator = Sim::new().account(account).faults(faults).start();
    let dir = TestDir::new();
    let config = config(&simulator, json!({"end_date": "2026-01-20"}));
    let config = dir.file("config.json", &config.to_string());
    for (stream, record) in [
        (
            "conversations",
            format!(r#"{{"id":1,"updated_at":1768000000000,{expected}}}"#),
        ),
        ("agents", format!(r#"{{"id":"a",{expected}}}"#)),
        (
            "queue_members",
            format!(r#"{{"queue_id":"q","agentId":"m",{expected}}}"#),
        ),
        (
            "webhooks",
            format!(r#"{{"id":"w",{expected},"secretKey":"***"}}"#),
        ),
        ("organization", format!(r#"{{"id":"o",{expected}}}"#)),
    ] {
        for format in ["airbyte", "singer", "jsonl"] {
            let ran = binary()
                .args(["read", "--streams", stream, "--format", format, "--config"])
                .arg(&config)
                .output()
                .unwrap();
            let stdout = String::from_utf8(ran.stdout).unwrap();
            let logged = format!("{stdout}{}", String::from_utf8_lossy(&ran.stderr));
            assert!(ran.status.success(), "{stream} {format}: {logged}");
            // In Singer, fields that the schema does not declare are left out.
            let is_written = stdout.contains(&record) || format == "singer";
            assert!(is_written, "{stream} {format}: {stdout}");
            let warning = format!("{stream}: 1 record changed");
            assert!(logged.contains(&warning), "{stream} {format}: {logged}");
        }
    }
}

#[test]
fn records_skipped_for_their_dates_are_counted_except_those_in_the_overlap() {
    let start = 1_767_225_600_000_i64; // 2026-01-01, and the end is 2026-01-20
    let end = start + 19 * 86_400_000;
    let times = [
        start - 1,
        start,
        end - 1,
        end,
        end + 1,
        start - 2,
        end + 2,
        start - 86_400_000,
    ];
    let rows = times.iter().enumerate();
    let rows = rows.map(|(id, at)| format!(r#"{{"id":{id},"updated_at":{at}}}"#));
    let body = format!("[{}]", rows.collect::<Vec<_>>().join(","));
    let (code, lines, _) = measured(&with_body(body));
    assert_eq!(code, Some(0));
    let records = lines.iter().filter(|line| line.contains(r#""RECORD""#));
    assert_eq!(records.count(), 2);
    let warning = "conversations: 3 records skipped";
    assert!(lines.iter().any(|line| line.contains(warning)), "{lines:?}");
}

#[test]
fn records_that_common_parsers_refuse_are_written_and_counted() {
    let deep = format!("{}{}", "[".repeat(250), "]".repeat(250));
    let rows = [
        r#"{"id":1,"updated_at":1768000000000,"x":1e400}"#.to_owned(),
        format!(r#"{{"id":2,"updated_at":1768000000000,"x":{deep}}}"#),
        r#"{"id":3,"updated_at":1768000000000,"x":1e300}"#.to_owned(),
    ];
    let (code, lines, _) = measured(&with_body(format!("[{}]", rows.join(","))));
    assert_eq!(code, Some(0));
    for row in rows {
        assert!(lines.iter().any(|line| line.contains(&row)), "{row}");
    }
    let warning = "conversations: 2 records written although common JSON parsers reject them";
    assert!(lines.iter().any(|line| line.contains(warning)));
}
