//! Standard input, output and error as callers pass them: closed, full, read-only, non-blocking.

use std::fs::File;
use std::io::{Read as _, Write, pipe};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::thread;
use std::time::Duration;

use dixa_simulator::data::account::Account;
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use serde_json::{Value, json};

use crate::support::binary::binary;
use crate::support::catalog::catalog;
use crate::support::config::{TOKEN, config};
use crate::support::read::{Read, check, run_with_config};
use crate::support::shell::stderr;
use crate::support::sim::Sim;
use crate::support::state_file::saved_position;
use crate::support::test_dir::TestDir;

fn set_blocking(stream: impl AsFd, is_blocking: bool) {
    let mut flags = fcntl_getfl(&stream).unwrap();
    flags.set(OFlags::NONBLOCK, !is_blocking);
    fcntl_setfl(&stream, flags).unwrap();
}

/// A read of conversations with redirections.
fn redirected(dir: &TestDir, config: &Value, arguments: &[&str], how: &str) -> Output {
    let streams = ["--streams", "conversations"];
    Read::with_config(config)
        .dir(dir)
        .args(streams)
        .args(arguments)
        .in_shell(&format!("exec \"$@\" {how}"))
}

#[test]
fn a_closed_stdout_is_an_error_with_a_state_file_and_saves_no_state() {
    let simulator = Sim::new().start();
    let dir = TestDir::new();
    let config = config(&simulator, json!({}));
    for how in [">&-", "1<>/dev/null", "1</dev/null", "1<&-"] {
        let out = ["--state-out", "{}/s.json"];
        let output = redirected(&dir, &config, &out, how);
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{how}: {message}");
        assert!(
            message.starts_with("error: ")
                && message.contains("stdout")
                && message.lines().count() == 1,
            "{message}"
        );
        assert!(!dir.path("s.json").exists(), "{how}");
    }
    assert_eq!(simulator.log().len(), 0);
    let output = redirected(&dir, &config, &["--state-out", "{}/s.json"], ">/dev/null");
    assert!(output.status.success(), "/dev/null is accepted");
    assert!(saved_position(&dir.path("s.json"), "conversations").is_some());
}

#[test]
fn a_closed_stdout_is_allowed_without_a_state_file() {
    let simulator = Sim::new().start();
    let output = redirected(&TestDir::new(), &config(&simulator, json!({})), &[], ">&-");
    assert_eq!(
        (output.status.code(), stderr(&output).as_str()),
        (Some(0), "")
    );
}

#[test]
fn a_stdout_that_cannot_be_written_is_an_error_of_every_command() {
    let dir = TestDir::new();
    // An invalid config, so that no request is made. The error cannot be written to stdout.
    let config = dir.file("config.json", "{}").display().to_string();
    for arguments in [
        &["spec"][..],
        &["check", "--config", &config],
        &["discover", "--config", &config],
        &["read", "--config", &config],
        &["completions", "bash"],
        &["--help"],
        &["--version"],
    ] {
        for stdout in [
            File::open("/dev/null").unwrap(),
            File::options().write(true).open("/dev/full").unwrap(),
        ] {
            let output = binary().args(arguments).stdout(stdout).output();
            let output = output.unwrap();
            let message = stderr(&output);
            assert_eq!(output.status.code(), Some(1), "{arguments:?}: {message}");
            assert!(
                message.contains("cannot write to stdout"),
                "{arguments:?}: {message}"
            );
        }
    }
}

#[test]
fn a_non_blocking_stdout_receives_every_line() {
    let simulator = Sim::new().account(Account::bulk(3_000)).start();
    let dir = TestDir::new();
    // Non-blocking from the start, or made so later by another program that shares it.
    for is_so_from_the_start in [true, false] {
        let (mut reader, writer) = pipe().unwrap();
        let shared = writer.try_clone().unwrap();
        set_blocking(&writer, !is_so_from_the_start);
        let mut command = Read::of(&simulator)
            .dir(&dir)
            // One window with all records.
            .config(json!({"end_date": "2026-01-20"}))
            .args(["--streams", "conversations"])
            .command();
        let mut child = command
            .stdout(writer)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(command);
        thread::sleep(Duration::from_millis(300));
        let mut text = vec![0; 10_000];
        reader.read_exact(&mut text).unwrap();
        set_blocking(&shared, false);
        thread::sleep(Duration::from_millis(300));
        let flags = fcntl_getfl(&shared).unwrap();
        assert!(flags.contains(OFlags::NONBLOCK), "the flag is unchanged");
        drop(shared);
        reader.read_to_end(&mut text).unwrap();
        assert!(child.wait().unwrap().success());
        let mut message = String::new();
        child.stderr.unwrap().read_to_string(&mut message).unwrap();
        assert_eq!(message, "");
        let text = String::from_utf8(text).unwrap();
        // The first record is older than `start_date`.
        assert_eq!(text.matches(r#"{"type":"RECORD""#).count(), 2_999);
        assert!(text.ends_with("}\n"));
    }
}

#[test]
fn closing_a_non_blocking_stdout_ends_the_read() {
    let simulator = Sim::new().account(Account::bulk(3_000)).start();
    let dir = TestDir::new();
    let (reader, writer) = pipe().unwrap();
    set_blocking(&writer, false);
    let mut command = Read::of(&simulator)
        .dir(&dir)
        .args(["--streams", "conversations", "--state-out", "{}/s.json"])
        .command();
    let child = command
        .stdout(writer)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(command);
    thread::sleep(Duration::from_millis(300));
    drop(reader);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("stdout was closed"));
}

#[test]
fn a_non_blocking_stdin_is_read_to_its_end() {
    let simulator = Sim::new().start();
    let dir = TestDir::new();
    let config = config(&simulator, json!({})).to_string();
    let files = [
        ("config", config),
        ("catalog", catalog(["tags"], "full_refresh").to_string()),
        ("state", "[]".to_owned()),
    ];
    let path = |name: &str| -> PathBuf { dir.path(&format!("{name}.json")) };
    for (name, text) in &files {
        dir.file(&format!("{name}.json"), text);
    }
    for (from_stdin, text) in &files {
        let (reader, mut writer) = pipe().unwrap();
        set_blocking(&reader, false);
        let mut command = binary();
        command.arg("read");
        for (name, _) in &files {
            let value = if name == from_stdin {
                "-".into()
            } else {
                path(name)
            };
            command.arg(format!("--{name}")).arg(value);
        }
        let child = command
            .stdin(reader)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        for part in text.as_bytes().chunks(text.len().div_ceil(3)) {
            thread::sleep(Duration::from_millis(100));
            writer.write_all(part).unwrap();
        }
        drop(writer);
        let output = child.wait_with_output().unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{from_stdin}: {stdout}");
        assert_eq!(stdout.matches(r#"{"type":"RECORD""#).count(), 8);
    }
}

#[test]
fn a_stdin_that_cannot_be_read_is_named() {
    let simulator = Sim::new().start();
    let dir = TestDir::new();
    for (how, reason) in [
        ("<&-", "cannot be read: it is closed"),
        ("0>/dev/null", "cannot be read: Bad file descriptor"),
        ("</", "cannot be read: Is a directory"),
    ] {
        for option in ["--state", "--catalog"] {
            let output = redirected(&dir, &config(&simulator, json!({})), &[option, "-"], how);
            let message = stderr(&output);
            assert_eq!(output.status.code(), Some(1), "{how}: {message}");
            assert!(message.contains("standard input"), "{how}: {message}");
            assert!(message.contains(reason), "{how}: {message}");
        }
    }
    assert_eq!(simulator.log().len(), 0);
}

#[test]
fn a_closed_or_full_stderr_changes_neither_exit_code_nor_stdout() {
    let simulator = Sim::new().start();
    let dir = TestDir::new();
    for (token, code) in [(TOKEN, 0), ("another", 1)] {
        for how in ["2>&-", "2>/dev/full", "2</dev/null"] {
            for format in ["airbyte", "singer"] {
                let output = redirected(
                    &dir,
                    &config(&simulator, json!({"api_token": token})),
                    &["--format", format],
                    how,
                );
                assert_eq!(output.status.code(), Some(code), "{how} {format}");
                assert!(!output.stdout.is_empty(), "{how} {format}");
            }
        }
    }
}

#[test]
fn the_error_of_a_failed_run_is_printed_once_after_all_of_stdout() {
    let simulator = Sim::new().start();
    let dir = TestDir::new();
    let refused = config(&simulator, json!({"api_token": "another"}));
    for arguments in [
        &[][..],
        &["--quiet"],
        &["--debug"],
        &["--format", "jsonl"],
        &["--format", "singer", "--quiet"],
    ] {
        for how in ["", "2>&1", "2>&1 | cat"] {
            let output = redirected(&dir, &refused, arguments, how);
            let message = if how.is_empty() {
                &output.stderr
            } else {
                &output.stdout
            };
            let message = String::from_utf8(message.clone()).unwrap();
            let errors = message.lines().filter(|line| line.starts_with("error: "));
            assert_eq!(errors.count(), 1, "{arguments:?} {how}: {message}");
            let last = message.lines().last().unwrap();
            assert!(
                last.starts_with("error: conversations") && last.contains("401"),
                "{last}"
            );
            let is_airbytes = !arguments.contains(&"--format");
            assert!(!how.is_empty() || !is_airbytes || message.lines().count() == 1);
        }
    }
}

#[test]
fn every_failure_is_on_stderr_and_a_common_cause_only_once() {
    let simulator = Sim::new().start();
    let dir = TestDir::new();
    let refused = config(&simulator, json!({"api_token": "another"}));
    let ran = Read::with_config(&refused)
        .dir(&dir)
        .args(["--streams", "tags,teams,agents"])
        .run();
    assert_eq!(
        (ran.code, ran.stderr.lines().count()),
        (1, 1),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr.contains(
            "answered 401 (3 streams: agents, tags, teams). The API token was not accepted."
        ),
        "{}",
        ran.stderr
    );
    let unknown = dir.file("config.json", "{");
    let output = binary()
        .args(["discover", "--config"])
        .arg(&unknown)
        .output();
    assert!(stderr(&output.unwrap()).starts_with("error: "));
    let ran = run_with_config("check", &refused);
    assert_eq!(
        (ran.code, ran.stderr.as_str()),
        (0, ""),
        "FAILED is not an error"
    );
    let nowhere =
        json!({"exports_base_url": "http://127.0.0.1:1", "api_base_url": "http://127.0.0.1:1"});
    let ran = check(&simulator, nowhere);
    assert!(
        ran.code == 1 && ran.stderr.starts_with("error: "),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_full_stderr_does_not_fail_the_read() {
    let simulator = Sim::new().start();
    let arguments = ["--format", "jsonl", "--streams", "tags", "--debug"];
    let mut command = Read::of(&simulator).args(arguments).command();
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = command.stderr(full).output().unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 8);
}
