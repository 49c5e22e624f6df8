//! `read`: every record once, byte for byte.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};

use crate::connector::{Connector, Ran, TOKEN, catalog, config, stream_names};
use crate::simulator::account::{Account, Row};
use crate::simulator::faults::{Fault, Kind};
use crate::simulator::log::Authorization;
use crate::simulator::rate::Limits;
use crate::simulator::rules::Host;
use crate::simulator::settings::{HEADER, SECRET_KEY};
use crate::simulator::switches::{Absent, Encoding, ErrorBody, Framing, Layout, Order, Switches};
use crate::simulator::{Scenario, Simulator};

/// A simulator without limits.
pub fn simulator(account: Account, switches: Switches) -> Simulator {
    Simulator::start(Scenario {
        account,
        switches,
        token: TOKEN.to_owned(),
        limits: Limits::none(),
        ..Scenario::default()
    })
}

/// What a stream is to bring, whatever happens on the way.
pub fn due(simulator: &Simulator, stream: &str) -> Vec<String> {
    let rows = simulator.account(|account| account.rows());
    let mut due: Vec<_> = rows[stream]
        .iter()
        .map(|row| row.json.to_string())
        .collect();
    due.sort();
    due
}

fn read_all(simulator: &Simulator, mode: &str) -> Ran {
    let names = stream_names();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let ran = Connector::new()
        .read(&config(simulator, json!({})), &catalog(&names, mode), None)
        .succeeded();
    assert!(
        simulator
            .log()
            .iter()
            .all(|request| request.refused.is_none() && !request.leaked_token)
    );
    ran
}

/// The account's rows of each stream, as its records are to come out: of webhooks, without their secrets.
fn rows(simulator: &Simulator) -> BTreeMap<&'static str, Vec<Row>> {
    let mut rows = simulator.account(|account| account.rows());
    for row in rows.get_mut("webhooks").into_iter().flatten() {
        let hidden = [SECRET_KEY, &format!("{HEADER}\\n"), HEADER];
        let shown = |json: String, secret: &&str| json.replace(*secret, "***");
        row.json = hidden.iter().fold(row.json.to_string(), shown).into();
    }
    rows
}

/// JSON without the blanks between its tokens; the tokens stay byte for byte.
fn without_blanks(json: &str) -> String {
    let (mut in_string, mut escaped) = (false, false);
    let kept = json.chars().filter(|character| {
        if in_string {
            in_string = escaped || *character != '"';
            escaped = !escaped && *character == '\\';
            return true;
        }
        in_string = *character == '"';
        !character.is_ascii_whitespace()
    });
    kept.collect()
}

fn check_records(ran: &Ran, simulator: &Simulator) {
    let rows = rows(simulator);
    for name in stream_names() {
        let mut expected: Vec<_> = rows[name.as_str()]
            .iter()
            .map(|row| row.json.to_string())
            .collect();
        let mut records: Vec<_> = ran.records(&name).into_iter().map(without_blanks).collect();
        assert!(!records.is_empty(), "{name}");
        expected.sort();
        records.sort();
        assert_eq!(records, expected, "{name}");
    }
}

#[test]
fn every_record_of_every_stream_comes_out_byte_for_byte() {
    let simulator = simulator(Account::default(), Switches::default());
    let ran = read_all(&simulator, "full_refresh");
    let rows = rows(&simulator);
    for name in stream_names() {
        let expected: Vec<_> = rows[name.as_str()].iter().map(|row| &*row.json).collect();
        let mut records = ran.records(&name);
        // Windows in flight interleave, and lists that hang on another one.
        records.sort_by_key(|record| expected.iter().position(|row| row == record));
        assert_eq!(records, expected, "{name}");
        assert_eq!(
            ran.statuses(&name),
            ["STARTED", "RUNNING", "COMPLETE"],
            "{name}"
        );
    }
}

#[test]
fn whatever_form_the_answers_have_the_records_are_the_same() {
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
        let simulator = simulator(Account::default(), switches);
        let ran = read_all(&simulator, "full_refresh");
        if omitted {
            check_records(&ran, &simulator);
        }
        for (name, rows) in rows(&simulator)
            .into_iter()
            .filter(|(name, _)| stream_names().contains(&(*name).to_owned()))
        {
            assert_eq!(ran.records(name).len(), rows.len(), "{name} under {form}");
        }
    }
}

#[test]
fn each_host_gets_the_token_in_its_own_form_and_our_name() {
    let simulator = simulator(Account::default(), Switches::default());
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
        assert_eq!(request.method, "GET");
    }
}

#[test]
fn start_and_end_date_cut_conversations_exactly_and_lists_not_at_all() {
    let mut account = Account::default();
    let (start, end) = (1_768_000_000_500, 1_769_000_000_500);
    for at in [start - 1, start, start + 1, end - 1, end, end + 1] {
        account.add_conversation(at);
    }
    let simulator = simulator(account, Switches::default());
    let dates =
        json!({"start_date": "2026-01-09T23:06:40.500Z", "end_date": "2026-01-21T12:53:20.500Z"});
    let ran = Connector::new()
        .read(
            &config(&simulator, dates),
            &catalog(&["conversations", "agents"], "incremental"),
            None,
        )
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
        "a null cursor is never cut"
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
fn fields_that_the_schema_does_not_declare_are_kept_and_named_once() {
    let mut account = Account::empty();
    for (id, extra) in [(1, "brand_new"), (2, "brand_new"), (3, "newer")] {
        let json = format!(r#"{{"id":{id},"updated_at":1768000000000,"{extra}":{{"deep":1.10}}}}"#);
        account
            .conversations
            .push(Row::new(&id.to_string(), 1_768_000_000_000, &json));
    }
    let simulator = simulator(account, Switches::default());
    let ran = Connector::new()
        .read(
            &config(&simulator, json!({})),
            &catalog(&["conversations"], "full_refresh"),
            None,
        )
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
fn an_empty_account_is_read_to_its_end() {
    let simulator = simulator(Account::empty(), Switches::default());
    let ran = read_all(&simulator, "incremental");
    for name in stream_names() {
        let records = usize::from(name == "organization");
        assert_eq!(ran.records(&name).len(), records, "{name}");
        assert_eq!(
            ran.statuses(&name),
            ["STARTED", "RUNNING", "COMPLETE"],
            "{name}"
        );
        assert!(!ran.states(&name).is_empty(), "{name}");
    }
}

#[test]
fn an_empty_record_is_left_out_with_a_warning() {
    let mut account = Account::empty();
    account.tags = vec![
        Row::new("1", 0, r#"{"id":"1","state":"Active"}"#),
        Row::new("", 0, "{ }"),
    ];
    let simulator = simulator(account, Switches::default());
    let ran = Connector::new()
        .read(
            &config(&simulator, json!({})),
            &catalog(&["tags"], "full_refresh"),
            None,
        )
        .succeeded();
    assert_eq!(ran.records("tags").len(), 1);
    assert!(
        ran.logs("WARN")
            .iter()
            .any(|message| message.contains("empty record"))
    );
}

#[test]
fn debug_tells_of_each_answer_and_of_no_body() {
    let simulator = simulator(
        Account::default(),
        Switches {
            encoding: Encoding::Gzip,
            ..Switches::default()
        },
    );
    let connector = Connector::new();
    let mut command = connector.read_command(
        &config(&simulator, json!({})),
        &catalog(&["agents", "conversations"], "full_refresh"),
        None,
    );
    let by_variable = crate::connector::run(command.env("LOG_LEVEL", "debug")).succeeded();
    let told = by_variable.logs("DEBUG");
    for part in [
        "answered 200 to /v1/agents after",
        "Date: 20",
        "Content-Encoding: gzip",
        "on the wire",
    ] {
        assert!(told.iter().any(|message| message.contains(part)), "{part}");
    }
    let mut command = connector.read_command(
        &config(&simulator, json!({})),
        &catalog(&["agents"], "full_refresh"),
        None,
    );
    assert!(
        !crate::connector::run(command.arg("--debug"))
            .succeeded()
            .logs("DEBUG")
            .is_empty()
    );
    let mut command = connector.read_command(
        &config(&simulator, json!({})),
        &catalog(&["agents"], "full_refresh"),
        None,
    );
    assert!(
        crate::connector::run(&mut command)
            .succeeded()
            .logs("DEBUG")
            .is_empty()
    );
}

#[test]
fn records_that_have_come_leave_while_dixa_is_silent() {
    let stall = Kind::Stall {
        after_bytes: 50_000,
        pause: Duration::from_secs(30),
    };
    let simulator = Simulator::start(Scenario {
        token: TOKEN.to_owned(),
        limits: Limits::none(),
        faults: vec![Fault::at("/v1/conversation_export", 0, stall)],
        ..Scenario::default()
    });
    let connector = Connector::new();
    let january = json!({"end_date": "2026-01-31"});
    let streams = catalog(&["conversations"], "full_refresh");
    let mut command = connector.read_command(&config(&simulator, january), &streams, None);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    let records = lines.filter(|line| line.as_ref().unwrap().contains(r#""type":"RECORD""#));
    assert_eq!(records.take(10).count(), 10);
    assert!(
        child.try_wait().unwrap().is_none(),
        "the body has not ended yet"
    );
    child.kill().unwrap();
    child.wait().unwrap();
}
