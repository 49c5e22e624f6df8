//! The progress display on a terminal: on stderr only. A pseudo-terminal stands in for the terminal.

use std::process::Stdio;
use std::time::Duration;

use dixa_simulator::Simulator;
use dixa_simulator::api::faults::Fault;
use dixa_simulator::api::switches::Switches;
use serde_json::{Value, json};

use crate::support::binary::binary;
use crate::support::config::config;
use crate::support::faults::rate_limited;
use crate::support::pty::{Watched, at_a_terminal, both_at_a_terminal, lines};
use crate::support::read::{Read, ReadCommand};
use crate::support::sim::Sim;
use crate::support::streams::stream_names;
use crate::support::test_dir::TestDir;

fn slow() -> Simulator {
    let switches = Switches {
        exports_latency: Duration::from_millis(250),
        main_latency: Duration::from_millis(250),
        ..Switches::default()
    };
    Sim::new().switches(switches).start()
}

fn read(simulator: &Simulator, arguments: &[&str]) -> ReadCommand {
    Read::of(simulator)
        .config(json!({"window_days": 10}))
        .streams(["conversations", "agents"])
        .args(arguments)
        .command()
}

/// The records and states of these messages, sorted.
fn records_and_states(stdout: &str) -> Vec<String> {
    let mut found: Vec<String> = stdout
        .lines()
        .filter_map(|line| {
            let message: Value = serde_json::from_str(line).unwrap();
            match message["type"].as_str().unwrap() {
                "RECORD" => Some(message["record"]["data"].to_string()),
                "STATE" => Some(message["state"]["stream"].to_string()),
                _ => None,
            }
        })
        .collect();
    found.sort();
    found
}

#[test]
fn a_read_shows_the_progress_of_each_stream_and_what_it_waits_for() {
    let simulator = slow();
    let ran = at_a_terminal(&mut read(&simulator, &[]));
    assert_eq!(ran.code, Some(0));
    for part in [
        "conversations",
        "/6 windows",
        "waiting for Dixa",
        "agents",
        " records",
        "B/s\r\n",
        " left, ",
        "2 streams: ",
    ] {
        assert!(ran.terminal.contains(part), "{part}: {}", ran.terminal);
    }
    assert!(
        ran.terminal.contains("conversations: done, "),
        "{}",
        ran.terminal
    );
    assert!(!ran.stdout.contains(['\u{1b}', '\r']));
    let without_terminal = read(&simulator, &[]).output().unwrap();
    assert_eq!(
        without_terminal.stderr, b"",
        "no progress without a terminal"
    );
    let without_terminal = String::from_utf8(without_terminal.stdout).unwrap();
    assert_eq!(
        records_and_states(&ran.stdout),
        records_and_states(&without_terminal)
    );
}

#[test]
fn the_wait_for_a_rate_limit_shows_its_end() {
    let simulator = Sim::new()
        .fault(Fault::at("/v1/agents", 0, rate_limited("2")))
        .start();
    let ran = at_a_terminal(&mut read(&simulator, &[]));
    assert!(
        ran.terminal.contains("rate limit until 20"),
        "{}",
        ran.terminal
    );
    assert!(ran.terminal.contains("warning:"), "{}", ran.terminal);
}

#[test]
fn quiet_and_no_color_are_respected() {
    let simulator = slow();
    let quiet = at_a_terminal(&mut read(&simulator, &["--quiet"]));
    assert!(
        !quiet.terminal.contains("windows") && !quiet.terminal.contains("done"),
        "{}",
        quiet.terminal
    );
    let colours =
        |terminal: &str| terminal.contains("\u{1b}[1;33m") || terminal.contains("\u{1b}[36m");
    let coloured = at_a_terminal(&mut read(&simulator, &[]));
    assert!(colours(&coloured.terminal), "{:?}", coloured.terminal);
    let plain = at_a_terminal(read(&simulator, &[]).env("NO_COLOR", "1"));
    assert!(
        !colours(&plain.terminal) && plain.terminal.contains("warning: "),
        "{:?}",
        plain.terminal
    );
}

#[test]
fn a_failure_is_printed_in_addition_to_the_trace() {
    let simulator = slow();
    let mut command = Read::of(&simulator)
        .config(json!({"api_token": "another"}))
        .streams(["agents"])
        .mode("full_refresh")
        .command();
    let ran = at_a_terminal(&mut command);
    assert_eq!(ran.code, Some(1));
    let line = ran
        .terminal
        .lines()
        .find(|line| line.contains("error:"))
        .unwrap();
    assert!(
        line.contains("agents (GET /v1/agents): Dixa's main API answered 401"),
        "{line}"
    );
    assert!(
        !ran.terminal.contains("--state"),
        "there is nothing to resume"
    );
    assert!(ran.stdout.contains("\"failure_type\":\"config_error\""));
}

#[test]
fn check_reports_what_can_be_read_and_how_fast() {
    let simulator = Sim::new().forbid(["/v1/webhooks"], 403).start();
    let dir = TestDir::new();
    let config = dir.file("config.json", &config(&simulator, json!({})).to_string());
    let mut command = binary();
    let ran = at_a_terminal(command.arg("check").arg("--config").arg(&config));
    let streams = stream_names().len();
    let readable = format!("It can read {} of {streams} streams: ", streams - 1);
    for part in [
        "Dixa's Exports API (127.0.0.1) accepts the token. Rate limit: 60,000 requests per minute.",
        &readable,
        "The token is not allowed to read `webhooks` (Dixa's main API answered 403 to GET /v1/webhooks)",
    ] {
        // Lines are wrapped, at words.
        let shown = lines(&ran.terminal).join(" ");
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(ran.stdout.contains("\"SUCCEEDED\""));
    let output = command.stderr(Stdio::piped()).output().unwrap();
    assert_eq!(output.stderr, b"");
}

/// On a terminal that shows stdout as well, what the messages there say is not said a second time.
#[test]
fn a_warning_is_seen_once() {
    let simulator = Sim::new().forbid(["/v1/webhooks"], 403).start();
    let config = config(&simulator, json!({"a_key": 1}));
    let read = |streams: &[&str]| {
        let command = Read::with_config(&config).streams(streams.to_vec());
        command.mode("full_refresh").command()
    };
    let warning = "Ignoring unknown config keys";
    let ran = both_at_a_terminal(&mut read(&["tags"]));
    assert_eq!(ran.terminal.matches(warning).count(), 1, "{}", ran.terminal);
    let ran = at_a_terminal(&mut read(&["tags"]));
    assert_eq!(ran.terminal.matches(warning).count(), 1, "{}", ran.terminal);
    let ran = both_at_a_terminal(&mut read(&["webhooks"]));
    assert_eq!(ran.code, Some(1));
    assert!(ran.terminal.contains("error:"), "{}", ran.terminal);
}

#[test]
fn what_is_printed_fits_into_60_columns_and_breaks_between_words() {
    let simulator = slow();
    let arguments = ["--streams", "conversations,agents"];
    let mut command = read(&simulator, &arguments);
    let ran = Watched::start(command.stdout(Stdio::null()), 60).finish();
    let shown = lines(&ran.terminal);
    assert!(shown.iter().any(|line| line.contains("/6 windows  about ")));
    for line in shown {
        assert!(line.chars().count() <= 60, "{line}");
    }
    let config = config(&simulator, json!({"a_key": 1}));
    let mut command = Read::with_config(&config).streams(["tags"]).command();
    let ran = Watched::start(command.stdout(Stdio::null()), 60).finish();
    let shown = lines(&ran.terminal);
    let begin = shown.iter().position(|line| line.starts_with("warning: "));
    let warning = shown[begin.unwrap()..].join(" ");
    assert!(
        warning.contains("warning: Ignoring unknown config keys"),
        "{warning}"
    );
    assert!(warning.contains("`a_key`"), "{warning}");
}

/// A bar of some 80 columns takes two rows once the terminal has 50.
#[test]
fn bars_survive_a_narrower_terminal() {
    let simulator = slow();
    let mut command = read(&simulator, &[]);
    let watched = Watched::start(command.stdout(Stdio::null()), 100);
    watched.until(|seen| seen.contains("about ") && !seen.contains("agents: done"));
    let begin = watched.terminal().len();
    watched.resize(50);
    let ran = watched.finish();
    let after = &ran.terminal[begin..];
    let removal = |rows: usize| after.find(&format!("\u{1b}[{rows}A\u{1b}[J"));
    let reflowed = removal(4).or_else(|| removal(3)).unwrap();
    for line in lines(&after[reflowed..]) {
        assert!(line.chars().count() <= 50, "{line}");
    }
}

#[test]
fn debug_says_each_thing_once_with_the_time_of_day() {
    let simulator = slow();
    let ran = at_a_terminal(&mut read(&simulator, &["--debug"]));
    let shown = lines(&ran.terminal);
    for part in [" info: agents: done, ", " info: All streams: "] {
        let of_part: Vec<_> = shown.iter().filter(|line| line.contains(part)).collect();
        assert_eq!(of_part.len(), 1, "{of_part:?}");
        let time = of_part[0].split_once(' ').unwrap().0;
        assert!(
            time.len() == "12:34:56.789Z".len() && time.ends_with('Z'),
            "{time}"
        );
    }
    for once in ["agents: done, ", "2 streams: "] {
        let count = ran.terminal.matches(once).count();
        assert_eq!(count, usize::from(once.starts_with("agents")), "{once}");
    }
}
