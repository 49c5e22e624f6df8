//! The progress display on a terminal: on stderr only. A pseudo-terminal stands in for the terminal.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use dixa_simulator::Simulator;
use dixa_simulator::api::faults::Fault;
use dixa_simulator::api::switches::Switches;
use serde_json::{Value, json};

use crate::support::binary::binary;
use crate::support::config::{TOKEN, config};
use crate::support::faults::rate_limited;
use crate::support::read::{Read, ReadCommand};
use crate::support::sim::Sim;
use crate::support::streams::stream_names;
use crate::support::test_dir::TestDir;

/// The output of a command whose stderr is a terminal.
struct TerminalRun {
    code: Option<i32>,
    stdout: String,
    terminal: String,
}

fn at_a_terminal(command: &mut Command) -> TerminalRun {
    command.stdout(Stdio::piped());
    with_terminal(command, |command, terminal| command.stderr(terminal))
}

/// The terminal shows stdout, too.
fn both_at_a_terminal(command: &mut Command) -> TerminalRun {
    with_terminal(command, |command, terminal| {
        command.stdout(terminal.try_clone().unwrap());
        command.stderr(terminal)
    })
}

fn with_terminal(
    command: &mut Command,
    attach: impl Fn(&mut Command, OwnedFd) -> &mut Command,
) -> TerminalRun {
    let pty = rustix_openpty::openpty(None, None).unwrap();
    let mut screen = File::from(pty.controller);
    command.env("TERM", "xterm-256color").env_remove("CI");
    let mut child = attach(command, pty.user).spawn().unwrap();
    // Otherwise the command would keep its end of the terminal open.
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let seen = thread::spawn(move || {
        let (mut seen, mut block) = (Vec::new(), [0; 4096]);
        // Reading fails once the other end is closed.
        while let Ok(count @ 1..) = screen.read(&mut block) {
            seen.extend_from_slice(&block[..count]);
        }
        String::from_utf8_lossy(&seen).into_owned()
    });
    let mut stdout = String::new();
    if let Some(mut piped) = child.stdout.take() {
        piped.read_to_string(&mut stdout).unwrap();
    }
    let code = child.wait().unwrap().code();
    let terminal = seen.join().unwrap();
    assert!(!terminal.contains(TOKEN));
    TerminalRun {
        code,
        stdout,
        terminal,
    }
}

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
        "B/s",
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
        "Dixa's Exports API (127.0.0.1) accepts the token. Rate limit: 60000 requests per minute.",
        &readable,
        "The token is not allowed to read `webhooks` (Dixa's main API answered 403 to GET /v1/webhooks)",
    ] {
        assert!(ran.terminal.contains(part), "{part}: {}", ran.terminal);
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
