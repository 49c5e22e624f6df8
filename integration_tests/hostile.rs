//! Bodies that nobody should send and readers that do not read: an answer or a clear error, in bounded memory.

use std::io::Read;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::connector::{Connector, TOKEN, catalog, config};
use crate::memory::peak_kib;
use crate::secrets;
use crate::simulator::account::Account;
use crate::simulator::faults::{Fault, Kind};
use crate::simulator::rate::Limits;
use crate::simulator::switches::Switches;
use crate::simulator::{Scenario, Simulator};
use crate::waited::waited;

const EXPORT: &str = "/v1/conversation_export";
const MIB: u64 = 1024;

fn simulator(fault: Fault) -> Simulator {
    Simulator::start(Scenario {
        token: TOKEN.to_owned(),
        faults: vec![fault],
        limits: Limits::none(),
        ..Scenario::default()
    })
}

/// Every window is this body.
fn with_body(body: String) -> Simulator {
    simulator(Fault::always(EXPORT, Kind::body(&body)))
}

/// Reads one window of conversations; a folder to keep, and the command.
fn january(simulator: &Simulator) -> (Connector, Command) {
    let connector = Connector::new();
    let config = config(simulator, json!({"end_date": "2026-01-20"}));
    let streams = catalog(&["conversations"], "incremental");
    let command = connector.read_command(&config, &streams, None);
    (connector, command)
}

/// The exit code, the lines, and the most memory that the process had, in KiB.
fn run(simulator: &Simulator) -> (Option<i32>, Vec<String>, u64) {
    let (_files, mut command) = january(simulator);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let text = thread::spawn(move || {
        let mut text = String::new();
        stdout.read_to_string(&mut text).unwrap();
        text
    });
    let mut peak = 0;
    let code = loop {
        peak = peak_kib(child.id()).unwrap_or(peak).max(peak);
        if let Some(status) = child.try_wait().unwrap() {
            break status.code();
        }
        thread::sleep(Duration::from_millis(2));
    };
    let text = text.join().unwrap();
    secrets::check_lines(&text);
    let lines = text.lines().map(str::to_owned).collect();
    (code, lines, peak)
}

/// It ends with an error that says so.
fn check_refused(body: String, told: &str, most_kib: u64) {
    let (code, lines, peak) = run(&with_body(body));
    assert_eq!(code, Some(1));
    let error = lines
        .iter()
        .find(|line| line.contains(r#""error":"#))
        .unwrap();
    assert!(error.contains(told), "{error}");
    assert!(peak < most_kib, "{peak} KiB");
}

#[test]
fn a_record_of_100_mb_is_refused_in_bounded_memory() {
    let body = format!(r#"[{{"id":1,"text":"{}"}}]"#, "x".repeat(100_000_000));
    check_refused(body, "one record is larger than 64 MB", 250 * MIB);
}

#[test]
fn a_million_levels_are_refused() {
    let body = format!("[{{\"a\":{}", "{\"a\":[".repeat(500_000));
    check_refused(body, "nests deeper than 512 levels", 64 * MIB);
}

#[test]
fn blanks_without_end_are_read_no_further_than_64_mb_and_asked_for_again() {
    let mut body = b"[\n".to_vec();
    body.resize(100_000_000, b' ');
    let kind = Kind::Replace {
        body,
        content_type: "application/json",
    };
    let simulator = simulator(Fault::at(EXPORT, 0, kind));
    let (code, lines, peak) = run(&simulator);
    assert_eq!(code, Some(0));
    let told = "64 MB of it brought no record";
    assert!(lines.iter().any(|line| line.contains(told)));
    assert!(peak < 64 * MIB, "{peak} KiB");
}

#[test]
fn odd_records_come_out_as_they_are() {
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
        r#"{"id":11,"updated_at":1768000000000,"text":"\ud800 and \udc00\ud800, alone"}"#,
        r#"{"id":12345678901234567890123,"updated_at":1768000000000}"#,
        r#"{"id":{"deep":[1]},"updated_at":1768000000000}"#,
        r#"{"id":13,"updated_at":1768000000000,"x":1e999,"y":-0.0,"z":""}"#,
    ];
    // What lies before the start date or after the end date is not asked for.
    let others = [
        r#"{"id":20,"updated_at":-1768000000000}"#,
        r#"{"id":21,"updated_at":99999999999999999999}"#,
        r#"{"id":22,"updated_at":4102444800000}"#,
    ];
    let body = format!("[{},{}]", records.join(","), others.join(","));
    let (code, lines, _) = run(&with_body(body));
    assert_eq!(code, Some(0));
    let front = r#"{"type":"RECORD","record":{"stream":"conversations","data":"#;
    let written = lines.iter().filter_map(|line| line.strip_prefix(front));
    let written = written.map(|rest| &rest[..rest.rfind(r#","emitted_at":"#).unwrap()]);
    assert_eq!(written.collect::<Vec<_>>(), records);
    let state = lines
        .iter()
        .rfind(|line| line.contains(r#""type":"STATE""#));
    let state: Value = serde_json::from_str(state.unwrap()).unwrap();
    assert_eq!(state["state"]["sourceStats"]["recordCount"], 16.0);
    let end = json!({"updated_at": 1_768_867_200_000_i64});
    assert_eq!(
        state["state"]["stream"]["stream_state"], end,
        "no record moves the position"
    );
}

#[test]
fn a_reader_that_rests_costs_no_memory_and_no_record_though_dixa_hangs_up_meanwhile() {
    let simulator = Simulator::start(Scenario {
        account: Account::bulk(60_000),
        token: TOKEN.to_owned(),
        limits: Limits::none(),
        switches: Switches {
            write_patience: Some(Duration::from_secs(1)),
            ..Switches::default()
        },
        ..Scenario::default()
    });
    let (_files, mut command) = january(&simulator);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut text = vec![0; 10_000];
    stdout.read_exact(&mut text).unwrap();
    let mut peak = None;
    for rest in 1..=7 {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(1500) || !simulator.is_quiet() {
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "Dixa bears with rest {rest}"
            );
            thread::sleep(Duration::from_millis(100));
        }
        peak = peak.max(peak_kib(child.id()));
        // The rest of that body, and a part of the next one.
        let mut more = vec![0; 12_000_000];
        stdout.read_exact(&mut more).unwrap();
        text.extend(more);
    }
    stdout.read_to_end(&mut text).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(peak.is_none_or(|peak| peak < 64 * MIB), "{peak:?} KiB");
    let asked = simulator.log().len();
    assert!(
        (4..=9).contains(&asked),
        "it was asked {asked} times, and never for less"
    );
    let text = String::from_utf8(text).unwrap();
    let end = text.lines().find(|line| line.contains("All streams: "));
    let [_, _, reader] = waited(end.unwrap());
    assert!(reader > 7.0, "seven rests of more than a second: {reader}");
    let mut keys: Vec<_> = text
        .lines()
        .filter_map(|line| line.split_once(r#","data":{"id":"#))
        .map(|(_, rest)| rest.split(',').next().unwrap())
        .collect();
    keys.sort_unstable();
    assert_eq!(
        keys.len(),
        59_999,
        "the first lies a millisecond before the start date"
    );
    keys.dedup();
    assert_eq!(keys.len(), 59_999, "none comes twice");
}
