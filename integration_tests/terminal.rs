//! What a person sees at a terminal, played by a pseudo-terminal: on stderr only, and nothing of it anywhere else.

use std::fs::File;
use std::io::Read;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::connector::{Connector, TOKEN, catalog, config};
use crate::read::simulator;
use crate::simulator::Scenario;
use crate::simulator::Simulator;
use crate::simulator::account::Account;
use crate::simulator::faults::{Fault, Kind};
use crate::simulator::rate::Limits;
use crate::simulator::switches::{Forbidden, Switches};

/// What came of a command whose stderr is a terminal.
struct Seen {
    code: Option<i32>,
    stdout: String,
    terminal: String,
}

fn at_a_terminal(command: &mut Command) -> Seen {
    let pty = rustix_openpty::openpty(None, None).unwrap();
    let mut screen = File::from(pty.controller);
    command.env("TERM", "xterm-256color").env_remove("CI");
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::from(pty.user))
        .spawn()
        .unwrap();
    // The command keeps its end of the terminal open, too.
    command.stderr(Stdio::null());
    let seen = thread::spawn(move || {
        let (mut seen, mut block) = (Vec::new(), [0; 4096]);
        // When nobody holds the other end any more, reading it is an error.
        while let Ok(count @ 1..) = screen.read(&mut block) {
            seen.extend_from_slice(&block[..count]);
        }
        String::from_utf8_lossy(&seen).into_owned()
    });
    let mut stdout = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut stdout)
        .unwrap();
    let code = child.wait().unwrap().code();
    let terminal = seen.join().unwrap();
    assert!(!terminal.contains(TOKEN));
    Seen {
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
    simulator(Account::default(), switches)
}

fn read(connector: &Connector, simulator: &Simulator, arguments: &[&str]) -> Command {
    let streams = catalog(&["conversations", "agents"], "incremental");
    let mut command = connector.read_command(
        &config(simulator, json!({"window_days": 10})),
        &streams,
        None,
    );
    command.args(arguments);
    command
}

/// The records and states among messages.
fn essence(stdout: &str) -> Vec<String> {
    let mut essence: Vec<String> = stdout
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
    essence.sort();
    essence
}

#[test]
fn a_read_shows_how_far_each_stream_is_and_what_it_waits_for() {
    let simulator = slow();
    let seen = at_a_terminal(&mut read(&Connector::new(), &simulator, &[]));
    assert_eq!(seen.code, Some(0));
    for part in [
        "conversations",
        "/6 windows",
        "waits for Dixa",
        "agents",
        " records",
        "B/s",
    ] {
        assert!(seen.terminal.contains(part), "{part}: {}", seen.terminal);
    }
    assert!(
        seen.terminal.contains("conversations: done, "),
        "{}",
        seen.terminal
    );
    assert!(!seen.stdout.contains(['\u{1b}', '\r']));
    let unseen = read(&Connector::new(), &simulator, &[]).output().unwrap();
    assert_eq!(unseen.stderr, b"", "nothing where it is no terminal");
    let unseen = String::from_utf8(unseen.stdout).unwrap();
    assert_eq!(essence(&seen.stdout), essence(&unseen));
}

#[test]
fn the_wait_for_a_rate_limit_says_until_when() {
    let refused = Kind::Status {
        status: 429,
        headers: vec![("Retry-After".to_owned(), "2".to_owned())],
        body: String::new(),
    };
    let simulator = Simulator::start(Scenario {
        token: TOKEN.to_owned(),
        limits: Limits::none(),
        faults: vec![Fault::at("/v1/agents", 0, refused)],
        ..Scenario::default()
    });
    let seen = at_a_terminal(&mut read(&Connector::new(), &simulator, &[]));
    assert!(
        seen.terminal.contains("rate limit until 20"),
        "{}",
        seen.terminal
    );
    assert!(seen.terminal.contains("warning:"), "{}", seen.terminal);
}

#[test]
fn quiet_and_no_color_are_honoured() {
    let simulator = slow();
    let quiet = at_a_terminal(&mut read(&Connector::new(), &simulator, &["--quiet"]));
    assert!(
        !quiet.terminal.contains("windows") && !quiet.terminal.contains("done"),
        "{}",
        quiet.terminal
    );
    let colours =
        |terminal: &str| terminal.contains("\u{1b}[1;33m") || terminal.contains("\u{1b}[36m");
    let coloured = at_a_terminal(&mut read(&Connector::new(), &simulator, &[]));
    assert!(colours(&coloured.terminal), "{:?}", coloured.terminal);
    let plain = at_a_terminal(read(&Connector::new(), &simulator, &[]).env("NO_COLOR", "1"));
    assert!(
        !colours(&plain.terminal) && plain.terminal.contains("warning: "),
        "{:?}",
        plain.terminal
    );
}

#[test]
fn a_failure_is_told_in_a_line_beside_the_trace() {
    let simulator = slow();
    let connector = Connector::new();
    let mut command = connector.read_command(
        &config(&simulator, json!({"api_token": "another"})),
        &catalog(&["agents"], "full_refresh"),
        None,
    );
    let seen = at_a_terminal(&mut command);
    assert_eq!(seen.code, Some(1));
    let line = seen
        .terminal
        .lines()
        .find(|line| line.contains("error:"))
        .unwrap();
    assert!(
        line.contains("agents (GET /v1/agents): Dixa's main API answered 401"),
        "{line}"
    );
    assert!(seen.stdout.contains("\"failure_type\":\"config_error\""));
}

#[test]
fn check_reports_what_can_be_read_and_how_fast() {
    let switches = Switches {
        forbidden: vec![Forbidden {
            on: "/v1/webhooks".to_owned(),
            status: 403,
        }],
        ..Switches::default()
    };
    let simulator = simulator(Account::default(), switches);
    let connector = Connector::new();
    let config = connector.file("config.json", &config(&simulator, json!({})).to_string());
    let mut command = Connector::command();
    let seen = at_a_terminal(command.arg("check").arg("--config").arg(&config));
    for part in [
        "Dixa's Exports API (127.0.0.1) accepts the token; it is asked at most 60000 times a minute.",
        "It can read 22 of 23 streams: conversations, messages, agents,",
        "The token may not read `webhooks` (Dixa's main API answered 403 to GET /v1/webhooks)",
    ] {
        assert!(seen.terminal.contains(part), "{part}: {}", seen.terminal);
    }
    assert!(seen.stdout.contains("\"SUCCEEDED\""));
    let output = command.stderr(Stdio::piped()).output().unwrap();
    assert_eq!(output.stderr, b"");
}
