//! `--state-out` saves the latest state of all streams, and never one that is ahead of the written records.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{fs, thread};

use dixa_simulator::api::switches::Switches;
use serde_json::{Value, json};

use crate::support::config::config;
use crate::support::expected::expected_records;
use crate::support::protocol::position;
use crate::support::read::Read;
use crate::support::shell::stderr;
use crate::support::sim::Sim;
use crate::support::state_file::saved_position;
use crate::support::test_dir::TestDir;
use crate::support::time::END;

#[test]
fn the_latest_state_of_all_streams_is_saved_and_can_be_resumed() {
    let simulator = Sim::new().start();
    let dir = TestDir::new();
    let read = Read::of(&simulator)
        .config(json!({"lookback_minutes": 0, "window_days": 10}))
        .dir(&dir);
    let both = [
        "--streams",
        "conversations,messages",
        "--state-out",
        "{}/s.new",
    ];
    read.args(both).run().succeeded();
    let file = dir.path("s.new");
    let end = Some(END);
    assert_eq!(
        (
            saved_position(&file, "conversations"),
            saved_position(&file, "messages")
        ),
        (end, end)
    );
    fs::rename(&file, dir.path("s.json")).unwrap();
    let one = [
        "--streams",
        "messages",
        "--state",
        "{}/s.json",
        "--state-out",
        "{}/s.new",
    ];
    let ran = read.args(one).run().succeeded();
    assert_eq!(ran.of_type("RECORD").len(), 0);
    assert_eq!(
        saved_position(&file, "conversations"),
        end,
        "the state of an unselected stream is saved"
    );
    assert!(!dir.path("s.new.source-dixa.part").exists());
}

#[test]
fn the_state_file_must_be_writable_and_not_an_input() {
    let simulator = Sim::new().start();
    let config = config(&simulator, json!({}));
    let dir = TestDir::new();
    dir.file("s.json", "[]");
    for (out, reason) in [
        ("{}/s.json", "a different file from `--state`"),
        ("{}/../{}/s.json", "cannot be written"),
        ("{}/./s.json", "a different file from `--state`"),
        ("{}/config.json", "which it would replace"),
        ("{}/none/s.json", "cannot be written"),
        ("{}", "cannot be written"),
    ] {
        let arguments = [
            "--streams",
            "tags",
            "--state",
            "{}/s.json",
            "--state-out",
            out,
        ];
        let ran = Read::with_config(&config).dir(&dir).args(arguments).run();
        let (kind, _, message) = ran.error();
        assert_eq!((ran.code, kind.as_str()), (1, "config_error"), "{out}");
        assert!(message.contains(reason), "{message}");
    }
    assert_eq!(fs::read_to_string(dir.path("s.json")).unwrap(), "[]");
}

/// The pipeline of the documentation with this loader; whether it succeeded.
fn pipeline(dir: &TestDir, command: &Command, loader: &str) -> bool {
    let words = [command.get_program()]
        .into_iter()
        .chain(command.get_args());
    let words: Vec<_> = words
        .map(|word| format!("'{}'", word.to_str().unwrap()))
        .collect();
    let line = format!(
        "set -o pipefail; {} | {loader} && mv s.new s.json",
        words.join(" ")
    );
    let mut shell = Command::new("bash");
    shell.args(["-c", &line]).current_dir(dir.path(""));
    shell.stderr(Stdio::null()).status().unwrap().success()
}

#[test]
fn a_loader_that_is_killed_loses_nothing() {
    let simulator = Sim::new().start();
    let dir = TestDir::new();
    let arguments = [
        "--streams",
        "conversations",
        "--state",
        "s.json",
        "--allow-missing-state",
        "--state-out",
        "s.new",
    ];
    let command = Read::of(&simulator)
        .config(json!({"lookback_minutes": 0, "window_days": 1}))
        .dir(&dir)
        .args(arguments)
        .command();
    for bytes in [1, 10_000, 50_000, 100_000, 200_000] {
        let dies = format!("(head -c {bytes} >>loaded; kill -9 $BASHPID)");
        assert!(!pipeline(&dir, &command, &dies));
        assert!(!dir.path("s.json").exists(), "after {bytes} bytes");
    }
    assert!(pipeline(&dir, &command, "cat >loaded"));
    let loaded = fs::read_to_string(dir.path("loaded")).unwrap();
    let rows = simulator.account(|account| account.conversations.len());
    assert_eq!(
        loaded
            .lines()
            .filter(|line| line.contains("\"RECORD\""))
            .count(),
        rows
    );
    assert!(dir.path("s.json").exists());
    assert!(pipeline(&dir, &command, "cat >loaded"));
    let loaded = fs::read_to_string(dir.path("loaded")).unwrap();
    assert!(!loaded.contains("\"RECORD\""), "nothing new to read");
}

/// The last position of a stream in these messages.
fn last_position(messages: &str) -> Option<i64> {
    let states = messages.lines().filter_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        position(&message["state"]["stream"]["stream_state"])
    });
    states.max()
}

#[test]
fn a_state_is_saved_only_after_its_records_were_written() {
    let switches = Switches {
        exports_latency: Duration::from_millis(20),
        ..Switches::default()
    };
    let simulator = Sim::new().switches(switches).start();
    let dir = TestDir::new();
    let mut saved_count = 0;
    for pause in (20..400).step_by(20) {
        let arguments = ["--streams", "conversations", "--state-out", "{}/s.new"];
        let mut command = Read::of(&simulator)
            .config(json!({"window_days": 1}))
            .dir(&dir)
            .args(arguments)
            .command();
        let stdout = fs::File::create(dir.path("written")).unwrap();
        let mut child = command.stdout(stdout).spawn().unwrap();
        thread::sleep(Duration::from_millis(pause));
        child.kill().unwrap();
        child.wait().unwrap();
        let written = fs::read_to_string(dir.path("written")).unwrap();
        let saved = saved_position(&dir.path("s.new"), "conversations");
        assert!(
            saved <= last_position(&written),
            "{saved:?} after {pause} ms"
        );
        saved_count += usize::from(saved.is_some());
        let _ = fs::remove_file(dir.path("s.new"));
    }
    assert!(saved_count > 3, "{saved_count}");
}

#[test]
fn two_paths_of_a_missing_state_file_are_the_same_file() {
    let simulator = Sim::new().start();
    let arguments = [
        "--streams",
        "tags",
        "--state",
        "{}/s.json",
        "--allow-missing-state",
        "--state-out",
        "{}/./s.json",
    ];
    let ran = Read::of(&simulator).args(arguments).run();
    assert!(
        ran.error().2.contains("a different file from `--state`"),
        "{}",
        ran.stdout
    );
}

#[test]
fn no_state_is_saved_for_records_that_a_full_disk_rejected() {
    let simulator = Sim::new().start();
    let dir = TestDir::new();
    let ran = Read::of(&simulator)
        .dir(&dir)
        .args(["--streams", "conversations", "--state-out", "s.json"])
        .in_shell("\"$@\" >/dev/full");
    assert_eq!(ran.status.code(), Some(1));
    assert!(stderr(&ran).contains("cannot write to stdout: No space"));
    assert!(!dir.path("s.json").exists());
}

/// The ids of the records in the complete lines of a file.
fn ids(path: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let lines = text
        .split_inclusive('\n')
        .filter(|line| line.ends_with('\n'));
    let messages = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
    messages
        .filter(|message| message["type"] == "RECORD")
        .map(|message| message["record"]["data"]["id"].to_string())
        .collect()
}

/// Kills reads with a file as stdout at random moments, and resumes from the state file alone.
#[test]
fn the_state_file_is_never_ahead_of_the_records_on_stdout() {
    let switches = Switches {
        exports_latency: Duration::from_millis(20),
        write_bytes: 2_000,
        ..Switches::default()
    };
    let simulator = Sim::new().switches(switches).start();
    let rows = expected_records(&simulator, "conversations").len();
    let mut random = fastrand::Rng::with_seed(14);
    let (mut killed, mut resumed) = (0, 0);
    for _ in 0..6 {
        let dir = TestDir::new();
        let mut received = BTreeSet::new();
        for attempt in 0.. {
            let mut command = Read::of(&simulator)
                .config(json!({"window_days": 1, "lookback_minutes": 0}))
                .dir(&dir)
                .args(["--streams", "conversations", "--state-out", "{}/s.new"])
                .args(["--state", "{}/s.json", "--allow-missing-state"])
                .command();
            let out = dir.path("out");
            let stdout = fs::File::create(&out).unwrap();
            let mut child = command.stdout(stdout).spawn().unwrap();
            if attempt < 8 {
                thread::sleep(Duration::from_millis(random.u64(20..200)));
                child.kill().unwrap();
            }
            let ended = child.wait().unwrap();
            killed += usize::from(!ended.success());
            received.extend(ids(&out));
            if fs::rename(dir.path("s.new"), dir.path("s.json")).is_ok() {
                resumed += 1;
            }
            if ended.success() {
                break;
            }
        }
        assert_eq!(received.len(), rows, "a record was lost");
    }
    assert!(
        killed > 6 && resumed > 6,
        "{killed} killed, {resumed} resumed"
    );
}
