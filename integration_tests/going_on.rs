//! What a person at a terminal sees at the end of a read: a summary, and the command that continues from there. Ctrl-C ends a read
//! in order.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use dixa_simulator::Simulator;
use dixa_simulator::data::account::Account;
use serde_json::{Value, json};

use crate::support::binary::binary;
use crate::support::config::{config, overridden};
use crate::support::protocol;
use crate::support::pty::{TerminalRun, Watched, lines};
use crate::support::read::Read;
use crate::support::sim::Sim;
use crate::support::test_dir::TestDir;

const SLOW: u64 = 60;
const FAST: u64 = 60_000;

/// A folder with a config whose name a shell would take apart.
fn folder(simulator: &Simulator, exports_requests_per_minute: u64) -> TestDir {
    let dir = TestDir::new();
    write_config(&dir, simulator, exports_requests_per_minute);
    dir
}

fn write_config(dir: &TestDir, simulator: &Simulator, exports_requests_per_minute: u64) {
    let rates = json!({
        "exports_requests_per_minute": exports_requests_per_minute,
        "window_days": 10,
    });
    let config = overridden(config(simulator, json!({})), rates);
    dir.file("my config.json", &config.to_string());
}

/// A read of two streams into a file, at a terminal.
fn start(dir: &TestDir, file: &str, arguments: &[&str]) -> Watched {
    start_streams(dir, file, "conversations,tags", arguments)
}

fn start_streams(dir: &TestDir, file: &str, streams: &str, arguments: &[&str]) -> Watched {
    let mut command = binary();
    command
        .current_dir(dir.path(""))
        .args(["read", "--config", "my config.json"])
        .args(["--streams", streams])
        .args(arguments)
        .stdout(fs::File::create(dir.path(file)).unwrap());
    Watched::start(&mut command, 100)
}

/// Runs the command that was printed last, as a shell would, in the same folder.
fn run_printed(ran: &TerminalRun, dir: &TestDir) {
    let shown = lines(&ran.terminal);
    let command = shown.last().unwrap().trim();
    assert!(command.contains("--config 'my config.json' --streams"));
    let ended = Command::new("sh")
        .args(["-c", command])
        .current_dir(dir.path(""))
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(ended.status.success(), "{command}: {stderr}");
}

/// The messages in a file, which ends with a whole line.
fn messages(file: &Path) -> Vec<Value> {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.ends_with('\n'));
    protocol::messages(&text)
}

/// The ids of the conversations among these messages, and the log lines about their windows.
fn conversations(messages: &[Value]) -> BTreeSet<String> {
    let records = messages
        .iter()
        .filter(|message| message["record"]["stream"] == "conversations");
    records
        .map(|message| message["record"]["data"]["id"].to_string())
        .collect()
}

fn windows(messages: &[Value]) -> usize {
    let texts = messages
        .iter()
        .filter_map(|message| message["log"]["message"].as_str());
    texts
        .filter(|text| text.starts_with("conversations: window "))
        .count()
}

fn all_conversations(simulator: &Simulator) -> BTreeSet<String> {
    let ran = Read::of(simulator).streams(["conversations"]).run();
    conversations(&ran.messages)
}

#[test]
fn the_end_of_a_read_says_how_to_go_on() {
    let simulator = Sim::new().start();
    let dir = folder(&simulator, FAST);
    let ran = start(&dir, "out.jsonl", &[]).finish();
    assert_eq!(ran.code, Some(0));
    assert!(ran.terminal.contains("2 streams: "), "{}", ran.terminal);
    assert!(ran.terminal.contains("--state out.jsonl > out-2.jsonl"));
    run_printed(&ran, &dir);
    let first = messages(&dir.path("out.jsonl"));
    let second = messages(&dir.path("out-2.jsonl"));
    assert_eq!((windows(&first), windows(&second)), (6, 1));
}

#[test]
fn with_a_state_file_the_next_read_begins_from_it() {
    let simulator = Sim::new().start();
    let dir = folder(&simulator, FAST);
    let ran = start(&dir, "out.jsonl", &["--state-out", "s.json"]).finish();
    run_printed(&ran, &dir);
    assert_eq!(windows(&messages(&dir.path("out-2.jsonl"))), 1);
    assert!(dir.path("s-2.json").exists());
}

#[test]
fn ctrl_c_at_a_terminal_keeps_what_was_read_and_says_how_to_go_on() {
    let simulator = Sim::new().start();
    let dir = folder(&simulator, SLOW);
    let watched = start(&dir, "out.jsonl", &[]);
    watched.until(|seen| seen.contains("2/6 windows"));
    watched.interrupt();
    let ran = watched.finish();
    assert_eq!(ran.code, Some(130));
    let shown = lines(&ran.terminal).join(" ");
    assert!(shown.contains("Interrupted. 2 streams: "), "{shown}");
    assert!(
        shown.contains("The positions of conversations are saved."),
        "{shown}"
    );
    let first = messages(&dir.path("out.jsonl"));
    assert!((2..6).contains(&windows(&first)));
    write_config(&dir, &simulator, FAST);
    run_printed(&ran, &dir);
    let second = messages(&dir.path("out-2.jsonl"));
    // The lookback repeats a window at most.
    assert!((4..=5).contains(&windows(&second)));
    let mut both = conversations(&first);
    both.extend(conversations(&second));
    assert_eq!(both, all_conversations(&simulator));
}

/// Lists have no position, so the read that was interrupted has saved none, and its state file still holds.
#[test]
fn an_interrupted_read_without_a_new_position_is_run_again() {
    let simulator = Sim::new().start();
    let dir = folder(&simulator, FAST);
    assert_eq!(start(&dir, "a.jsonl", &[]).finish().code, Some(0));
    // The first request waits for nothing, the second one for minutes.
    write_config(&dir, &simulator, 1);
    let streams = "messages,conversations,tags";
    let watched = start_streams(&dir, "b.jsonl", streams, &["--state", "a.jsonl"]);
    watched.until(|seen| seen.contains("tags: done"));
    watched.interrupt();
    let shown = lines(&watched.finish().terminal).join(" ");
    let advice = "No position is saved yet: run the same command again.";
    assert!(shown.contains(advice), "{shown}");
}

/// The reader of stdout reads nothing, so the lines that are left cannot be written.
#[test]
fn a_second_ctrl_c_ends_a_read_at_once() {
    let simulator = Sim::new().account(Account::bulk(50_000)).start();
    let mut command = Read::of(&simulator).streams(["conversations"]).command();
    let watched = Watched::start(command.stdout(Stdio::piped()), 100);
    watched.until(|seen| seen.contains("waiting for the output's reader"));
    watched.interrupt();
    std::thread::sleep(std::time::Duration::from_millis(300));
    watched.interrupt();
    assert_eq!(watched.code(), Some(130));
}
