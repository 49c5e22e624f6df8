//! `read`: every record is written once, byte for byte.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::Duration;

use dixa_simulator::Simulator;
use dixa_simulator::api::authorization::Authorization;
use dixa_simulator::api::faults::{Fault, Kind};
use dixa_simulator::api::host::Host;
use dixa_simulator::api::switches::{
    Absent, Encoding, ErrorBody, Framing, Layout, Order, Switches,
};
use dixa_simulator::data::account::Account;
use dixa_simulator::data::row::Row;
use dixa_simulator::data::settings::{HEADER, SECRET_KEY};
use serde_json::{Value, json};

use crate::support::expected::{check_records, without_row_hash};
use crate::support::ran::{Ran, run};
use crate::support::read::Read;
use crate::support::sim::Sim;
use crate::support::streams::stream_names;
use crate::support::test_dir::TestDir;

fn read_all(simulator: &Simulator, mode: &str) -> Ran {
    let ran = Read::of(simulator)
        .streams(stream_names())
        .mode(mode)
        .run()
        .succeeded();
    assert!(
        simulator
            .log()
            .iter()
            .all(|request| request.refused.is_none() && !request.leaked_token)
    );
    ran
}

/// The records of each stream as they must be written: webhooks without their secrets.
fn rows(simulator: &Simulator) -> BTreeMap<&'static str, Vec<Row>> {
    let mut rows = simulator.account(|account| account.rows());
    for row in rows.get_mut("webhooks").into_iter().flatten() {
        let hidden = [SECRET_KEY, &format!("{HEADER}\\n"), HEADER];
        let shown = |json: String, secret: &&str| json.replace(*secret, "***");
        row.json = hidden.iter().fold(row.json.to_string(), shown).into();
    }
    rows
}

/// JSON without the whitespace between its tokens.
fn without_blanks(json: &str) -> String {
    let (mut in_string, mut escaped) = (false, false);
    let compact = json.chars().filter(|character| {
        if in_string {
            in_string = escaped || *character != '"';
            escaped = !escaped && *character == '\\';
            return true;
        }
        in_string = *character == '"';
        !character.is_ascii_whitespace()
    });
    compact.collect()
}

fn check_every_stream(ran: &Ran, simulator: &Simulator) {
    let rows = rows(simulator);
    for name in stream_names() {
        let mut expected: Vec<_> = rows[name].iter().map(|row| row.json.to_string()).collect();
        let records = ran.records(name).into_iter().map(without_row_hash);
        let mut records: Vec<_> = records.map(|record| without_blanks(&record)).collect();
        assert!(!records.is_empty(), "{name}");
        expected.sort();
        records.sort();
        assert_eq!(records, expected, "{name}");
    }
}

#[test]
fn every_record_of_every_stream_is_written_byte_for_byte() {
    let simulator = Sim::new().start();
    let ran = read_all(&simulator, "full_refresh");
    let rows = rows(&simulator);
    for name in stream_names() {
        let expected: Vec<_> = rows[name].iter().map(|row| &*row.json).collect();
        let records = ran.records(name).into_iter();
        let mut records: Vec<_> = records.map(without_row_hash).collect();
        // Concurrent windows and child streams write their records in any order.
        records.sort_by_key(|record| expected.iter().position(|row| row == record));
        assert_eq!(records, expected, "{name}");
        assert_eq!(
            ran.statuses(name),
            ["STARTED", "RUNNING", "COMPLETE"],
            "{name}"
        );
    }
}

#[test]
fn the_records_are_the_same_whatever_the_form_of_the_responses() {
    let forms = [
        Switches {
            layout: Layout::Pretty,
            ..Switches::default()
        },
        Switches {
            layout: Layout::PrettyCrLf,
            encoding: Encoding::Gzip,
            ..Switches::default()
        },
        Switches {
            encoding: Encoding::Gzip,
            write_bytes: 7,
            ..Switches::default()
        },
        Switches {
            order: Order::Shuffled,
            framing: Framing::Length,
            ..Switches::default()
        },
        Switches {
            order: Order::Descending,
            write_bytes: 1,
            ..Switches::default()
        },
        Switches {
            absent: Absent::Null,
            error_body: ErrorBody::Html,
            ..Switches::default()
        },
    ];
    for switches in forms {
        let form = format!("{switches:?}");
        let omitted = switches.absent == Absent::Omitted;
        let simulator = Sim::new().switches(switches).start();
        let ran = read_all(&simulator, "full_refresh");
        if omitted {
            check_every_stream(&ran, &simulator);
        }
        for (name, rows) in rows(&simulator)
            .into_iter()
            .filter(|(name, _)| stream_names().contains(name))
        {
            assert_eq!(ran.records(name).len(), rows.len(), "{name} under {form}");
        }
    }
}

#[test]
fn each_host_receives_its_form_of_the_token_and_our_user_agent() {
    let simulator = Sim::new().start();
    read_all(&simulator, "incremental");
    for request in simulator.log() {
        let form = if request.host == Host::Exports {
            Authorization::Bearer
        } else {
            Authorization::Bare
        };
        assert_eq!(request.authorization, form);
        assert_eq!(
            request.header("user-agent"),
            Some(concat!("source-dixa/", env!("CARGO_PKG_VERSION")))
        );
        let is_post = request.path == "/v1/analytics/records" && request.method == "POST";
        assert!(is_post || request.method == "GET", "{request:?}");
    }
}

#[test]
fn start_and_end_date_limit_conversations_exactly_and_lists_not_at_all() {
    let mut account = Account::default();
    let (start, end) = (1_768_000_000_500, 1_769_000_000_500);
    for at in [start - 1, start, start + 1, end - 1, end, end + 1] {
        account.add_conversation(at);
    }
    let simulator = Sim::new().account(account).start();
    let dates =
        json!({"start_date": "2026-01-09T23:06:40.500Z", "end_date": "2026-01-21T12:53:20.500Z"});
    let ran = Read::of(&simulator)
        .config(dates)
        .streams(["conversations", "agents"])
        .run()
        .succeeded();
    let cursor =
        |record: &str| serde_json::from_str::<Value>(record).unwrap()["updated_at"].as_i64();
    let numeric = |row: &&Row| {
        row.time("updated_at")
            .is_some_and(|at| (start..end).contains(&at))
    };
    let expected =
        simulator.account(|account| account.conversations.iter().filter(numeric).count());
    let cursors: Vec<_> = ran
        .records("conversations")
        .into_iter()
        .filter_map(cursor)
        .collect();
    assert_eq!(cursors.len(), expected);
    assert!(cursors.iter().all(|cursor| (start..end).contains(cursor)));
    assert!(cursors.contains(&start) && cursors.contains(&(end - 1)));
    assert!(
        ran.records("conversations")
            .into_iter()
            .any(|record| cursor(record).is_none()),
        "a record with a null cursor is never skipped"
    );
    assert_eq!(ran.records("agents").len(), 30);
    assert_eq!(
        ran.logs("WARN")
            .iter()
            .filter(|message| message.contains("`end_date` is set"))
            .count(),
        1
    );
}

#[test]
fn undeclared_fields_are_written_and_named_once() {
    let mut account = Account::empty();
    for (id, extra) in [(1, "brand_new"), (2, "brand_new"), (3, "newer")] {
        let json = format!(r#"{{"id":{id},"updated_at":1768000000000,"{extra}":{{"deep":1.10}}}}"#);
        account
            .conversations
            .push(Row::new(&id.to_string(), 1_768_000_000_000, &json));
    }
    let simulator = Sim::new().account(account).start();
    let ran = Read::of(&simulator)
        .streams(["conversations"])
        .mode("full_refresh")
        .run()
        .succeeded();
    assert!(ran.records("conversations")[0].ends_with(r#""brand_new":{"deep":1.10}}"#));
    let warnings: Vec<_> = ran
        .logs("WARN")
        .into_iter()
        .filter(|message| message.contains("does not declare"))
        .collect();
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].contains("`brand_new`, `newer`"), "{warnings:?}");
}

#[test]
fn an_empty_account_completes_every_stream() {
    let simulator = Sim::new().account(Account::empty()).start();
    let ran = read_all(&simulator, "incremental");
    for name in stream_names() {
        check_records(&ran, &simulator, name);
        assert_eq!(
            ran.statuses(name),
            ["STARTED", "RUNNING", "COMPLETE"],
            "{name}"
        );
        assert!(!ran.states(name).is_empty(), "{name}");
    }
}

#[test]
fn an_empty_record_is_skipped_with_a_warning() {
    let mut account = Account::empty();
    account.tags = vec![
        Row::new("1", 0, r#"{"id":"1","state":"Active"}"#),
        Row::new("", 0, "{ }"),
    ];
    let simulator = Sim::new().account(account).start();
    let ran = Read::of(&simulator)
        .streams(["tags"])
        .mode("full_refresh")
        .run()
        .succeeded();
    assert_eq!(ran.records("tags").len(), 1);
    assert!(ran.has_log("WARN", "empty record"));
}

#[test]
fn debug_logs_every_response_but_not_its_body() {
    let simulator = Sim::new()
        .switches(Switches {
            encoding: Encoding::Gzip,
            ..Switches::default()
        })
        .start();
    let dir = TestDir::new();
    let by_variable = Read::of(&simulator)
        .dir(&dir)
        .streams(["agents", "conversations"])
        .mode("full_refresh")
        .env("LOG_LEVEL", "debug")
        .run()
        .succeeded();
    let logged = by_variable.logs("DEBUG");
    for part in [
        "answered 200 to /v1/agents after",
        "Date: 20",
        "Content-Encoding: gzip",
        "on the wire",
    ] {
        assert!(
            logged.iter().any(|message| message.contains(part)),
            "{part}"
        );
    }
    let mut command = Read::of(&simulator)
        .dir(&dir)
        .streams(["agents"])
        .mode("full_refresh")
        .command();
    assert!(
        !run(command.arg("--debug"))
            .succeeded()
            .logs("DEBUG")
            .is_empty()
    );
    let mut command = Read::of(&simulator)
        .dir(&dir)
        .streams(["agents"])
        .mode("full_refresh")
        .command();
    assert!(run(&mut command).succeeded().logs("DEBUG").is_empty());
}

#[test]
fn received_records_are_written_while_dixa_is_silent() {
    let stall = Kind::Stall {
        after_bytes: 50_000,
        pause: Duration::from_secs(30),
    };
    let simulator = Sim::new()
        .fault(Fault::at("/v1/conversation_export", 0, stall))
        .start();
    let january = json!({"end_date": "2026-01-31"});
    let mut command = Read::of(&simulator)
        .config(january)
        .streams(["conversations"])
        .mode("full_refresh")
        .command();
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    let records = lines.filter(|line| line.as_ref().unwrap().contains(r#""type":"RECORD""#));
    assert_eq!(records.take(10).count(), 10);
    assert!(
        child.try_wait().unwrap().is_none(),
        "the body is not complete yet"
    );
    child.kill().unwrap();
    child.wait().unwrap();
}
