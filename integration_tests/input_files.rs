//! The files of a read: which configs, catalogs and states are accepted, and how an unusable file is reported.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use dixa_simulator::data::account::Account;
use serde_json::json;

use crate::support::binary::binary;
use crate::support::catalog::state_at;
use crate::support::config::{TOKEN, config};
use crate::support::ran::run;
use crate::support::read::{Read, run_with_config};
use crate::support::sim::Sim;
use crate::support::test_dir::TestDir;
use crate::support::time::{HOUR, START, earliest};

#[test]
fn the_messages_of_a_read_are_a_valid_state() {
    let simulator = Sim::new().start();
    let dir = TestDir::new();
    let read = Read::of(&simulator)
        .config(json!({"lookback_minutes": 0}))
        .dir(&dir);
    let arguments = ["--streams", "conversations,activity_logs"];
    let first = read.args(arguments).run().succeeded();
    assert!(!first.records("conversations").is_empty());
    dir.file("messages.jsonl", &first.stdout);
    let arguments = [&arguments[..], &["--state", "{}/messages.jsonl"]].concat();
    let second = read.args(&arguments).run().succeeded();
    assert_eq!(second.of_type("RECORD").len(), 0);
}

#[test]
fn a_missing_state_file_is_an_error_unless_allowed() {
    let simulator = Sim::new().start();
    let dir = TestDir::new();
    let read = Read::of(&simulator).dir(&dir);
    let arguments = ["--streams", "tags", "--state", "{}/s.json"];
    let ran = read.args(arguments).run();
    assert!(
        ran.code == 1 && ran.error().2.contains("s.json cannot be read"),
        "{}",
        ran.stdout
    );
    let allowed = [&arguments[..], &["--allow-missing-state"]].concat();
    let ran = read.args(&allowed).run().succeeded();
    assert!(ran.has_log("INFO", "s.json does not exist yet"));
    dir.file("s.json", "{");
    assert_eq!(
        read.args(&allowed).run().code,
        1,
        "an existing file is read"
    );
}

#[test]
fn messages_cut_inside_a_character_are_a_valid_state() {
    let simulator = Sim::new().start();
    let config = config(&simulator, json!({"lookback_minutes": 0}));
    let dir = TestDir::new();
    let read = Read::with_config(&config).dir(&dir);
    let first = read.args(["--streams", "messages"]).run().succeeded();
    let cut = [
        first.stdout.as_bytes(),
        b"{\"type\":\"RECORD\",\"record\":{\"stream\":\"messages\",\"data\":{\"text\":\"\xc3",
    ]
    .concat();
    fs::write(dir.path("cut.jsonl"), cut).unwrap();
    let arguments = ["--streams", "messages", "--state", "{}/cut.jsonl"];
    let second = read.args(arguments).run().succeeded();
    assert_eq!(second.of_type("RECORD").len(), 0);
    dir.file("first.jsonl", &first.stdout[..30]);
    read.args(["--streams", "messages", "--state", "{}/first.jsonl"])
        .run()
        .succeeded();
    dir.file(
        "catalog.jsonl",
        &run_with_config("discover", &config).stdout,
    );
    let ran = read
        .args(["--streams", "messages", "--state", "{}/catalog.jsonl"])
        .run();
    assert_eq!(ran.code, 1, "a catalog is not a valid state");
}

#[test]
fn an_inline_config_is_refused_and_not_printed() {
    let config = format!(r#"{{"api_token":"{TOKEN}"}}"#);
    let ran = run(binary().args(["check", "--config", &config]));
    assert!(
        ran.stdout.contains("looks like inline JSON"),
        "{}",
        ran.stdout
    );
}

#[test]
fn an_unusable_file_is_named_with_the_reason() {
    let dir = TestDir::new();
    let good = |name: &str| match name {
        "config" => json!({"api_token": TOKEN}).to_string(),
        "catalog" => json!({"streams": []}).to_string(),
        _ => "[]".to_owned(),
    };
    let cases = [
        ("config", None, "The config file"),
        ("catalog", None, "The catalog file"),
        ("state", None, "The state file"),
        ("config", Some("{\"api_token\": \"tok3n"), "not valid JSON"),
        ("catalog", Some("streams"), "not valid JSON"),
        (
            "catalog",
            Some("[]"),
            "must be an object with a list `streams`",
        ),
        (
            "catalog",
            Some(r#"{"streams":[{"stream":{}}]}"#),
            "Entry 1 of the catalog has no `stream.name`",
        ),
        ("state", Some("{"), "not JSON"),
        ("state", Some("[3]"), "entry number 1"),
        ("state", Some("7"), "must be a list"),
    ];
    for (broken, text, part) in cases {
        let mut command = binary();
        command.arg("read");
        for name in ["config", "catalog", "state"] {
            let path = dir.path(&format!("{name}.json"));
            let _ = std::fs::remove_file(&path);
            if name != broken || text.is_some() {
                dir.file(
                    &format!("{name}.json"),
                    text.filter(|_| name == broken).unwrap_or(&good(name)),
                );
            }
            command.arg(format!("--{name}")).arg(path);
        }
        let ran = run(&mut command);
        let (kind, _, message) = ran.error();
        assert_eq!((ran.code, kind.as_str()), (1, "config_error"));
        assert!(
            message.contains(part) && message.contains(&format!("{broken}.json")),
            "{broken} {text:?}: {message}"
        );
    }
}

#[test]
fn unknown_config_keys_are_a_warning() {
    let simulator = Sim::new().start();
    let ran = Read::of(&simulator)
        .config(json!({"batch_size": 31}))
        .streams(["tags"])
        .mode("full_refresh")
        .run()
        .succeeded();
    assert!(ran.has_log("WARN", "`batch_size`"));
}

#[test]
fn a_file_with_a_byte_order_mark_is_read() {
    let dir = TestDir::new();
    let config = dir.file(
        "config.json",
        &format!("\u{feff}{}", json!({"api_token": TOKEN})),
    );
    run(binary().arg("discover").arg("--config").arg(config)).succeeded();
}

#[test]
#[cfg(target_os = "linux")]
fn endless_files_and_folders_are_refused_at_once_by_name() {
    let dir = TestDir::new();
    let simulator = Sim::new().account(Account::empty()).start();
    let good = dir.file("config.json", &config(&simulator, json!({})).to_string());
    let folder = dir.path("folder");
    fs::create_dir(&folder).unwrap();
    for odd in ["/dev/zero", "/dev/urandom", folder.to_str().unwrap()] {
        for (option, name) in [
            ("--config", "config"),
            ("--catalog", "catalog"),
            ("--state", "state"),
        ] {
            let mut command = binary();
            command.args(["read", "--streams", "tags", option, odd]);
            if option != "--config" {
                command.arg("--config").arg(&good);
            }
            let started = Instant::now();
            let ran = run(&mut command);
            assert!(
                started.elapsed() < Duration::from_secs(20),
                "{option} {odd}"
            );
            let (kind, _, message) = ran.error();
            assert_eq!((ran.code, kind.as_str()), (1, "config_error"));
            assert!(message.contains(odd) && message.contains(name), "{message}");
        }
    }
    assert_eq!(simulator.log().len(), 0);
}

#[test]
#[cfg(target_os = "linux")]
fn an_empty_file_and_a_pipe_are_valid_states() {
    let simulator = Sim::new().account(Account::empty()).start();
    let dir = TestDir::new();
    let config = dir.file("config.json", &config(&simulator, json!({})).to_string());
    let state = state_at(
        "conversations",
        &json!({"updated_at": 1_770_000_000_000_i64}),
    );
    for (path, begin) in [
        ("/dev/null", START),
        ("/dev/stdin", 1_770_000_000_000 - HOUR),
        ("-", 1_770_000_000_000 - HOUR),
    ] {
        let mut command = binary();
        command.args([
            "read",
            "--streams",
            "conversations",
            "--state",
            path,
            "--config",
        ]);
        let requests = simulator.log().len();
        let mut child = command
            .arg(&config)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // The read of /dev/null may end before this write.
        let _ = std::io::Write::write_all(&mut child.stdin.take().unwrap(), state.as_bytes());
        assert!(child.wait_with_output().unwrap().status.success());
        let after = earliest(&simulator.log()[requests..], "updated_after");
        assert_eq!(after, begin - 1, "{path}");
    }
}

#[test]
fn a_truncated_line_of_the_state_is_ignored_with_a_warning() {
    let simulator = Sim::new().account(Account::empty()).start();
    let state = |at: i64| {
        let stream = json!({"stream_descriptor": {"name": "conversations"}, "stream_state": {"updated_at": at}});
        json!({"type": "STATE", "state": {"type": "STREAM", "stream": stream}}).to_string()
    };
    let text = format!(
        "{}\n{}{{\"type\":\"LOG\",\"log\":{{}}}}\n{}\n",
        state(1_768_000_000_000),
        &state(1)[..60],
        state(1_770_000_000_000)
    );
    let ran = Read::of(&simulator)
        .streams(["conversations"])
        .state(&text)
        .run()
        .succeeded();
    ran.check_warning(&["state.json", "1 line or entry", "ignored"]);
    let after = simulator.log()[0]
        .parameter("updated_after")
        .unwrap()
        .to_owned();
    assert_eq!(after, (1_770_000_000_000 - HOUR - 1).to_string());
}
