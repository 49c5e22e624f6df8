//! The command line: arguments, selected streams, the token from the environment, help and completions.

use std::fs;
use std::io::Write;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::binary::binary;
use crate::support::catalog::catalog;
use crate::support::config::{TOKEN, config};
use crate::support::ran::{Ran, run};
use crate::support::read::{Read, run_with_config};
use crate::support::sim::Sim;
use crate::support::streams::{discovered, stream_names};
use crate::support::test_dir::TestDir;

/// The streams that were started, in the order of `discover`.
fn started(ran: &Ran) -> Vec<&'static str> {
    let is_started = |name: &&str| ran.statuses(name).first() == Some(&"STARTED");
    stream_names().into_iter().filter(is_started).collect()
}

#[test]
fn without_a_catalog_the_suggested_streams_are_read() {
    let simulator = Sim::new().start();
    let ran = Read::of(&simulator).run().succeeded();
    let metadata = fs::read_to_string("metadata.yaml").unwrap();
    let (_, suggested) = metadata
        .split_once("suggestedStreams:\n    streams:\n")
        .unwrap();
    let suggested: Vec<_> = suggested
        .lines()
        .map_while(|line| line.strip_prefix("      - "))
        .collect();
    assert_eq!(started(&ran), suggested);
    assert!(!suggested.contains(&"messages") && suggested.len() > 15);
}

#[test]
fn streams_are_selected_by_name_and_read_incrementally_where_supported() {
    let simulator = Sim::new().start();
    let dir = TestDir::new();
    let read = Read::of(&simulator).dir(&dir);
    let ran = read.args(["--streams", "messages,tags"]).run().succeeded();
    assert_eq!(started(&ran), ["messages", "tags"]);
    assert!(
        ran.states("messages")
            .iter()
            .all(|state| state.get("unfinished").is_none())
    );

    dir.file(
        "catalog.json",
        &catalog(["tags", "teams", "queues"], "full_refresh").to_string(),
    );
    let both = ["--catalog", "{}/catalog.json", "--streams", "teams,tags"];
    assert_eq!(
        started(&read.args(both).run().succeeded()),
        ["tags", "teams"]
    );
    let other = ["--catalog", "{}/catalog.json", "--streams", "agents"];
    let ran = read.args(other).run();
    assert!(
        ran.error()
            .2
            .contains("`agents`, which is not in the catalog"),
        "{}",
        ran.stdout
    );
    assert_eq!(ran.code, 2);
}

#[test]
fn an_unknown_stream_is_a_usage_error_before_any_request_and_blanks_do_not_count() {
    let simulator = Sim::new().start();
    let read = |streams: &str| Read::of(&simulator).args(["--streams", streams]).run();
    for (streams, hint) in [
        ("tags,conversatoins", "did you mean `conversations`?"),
        ("conversation_export", "did you mean `conversations`?"),
        ("Teams", "did you mean `teams`?"),
        ("end_user", "did you mean `endusers`?"),
        ("invoices", "the streams are: conversations, messages"),
        (" , ", "no stream was given"),
        ("", "no stream was given"),
    ] {
        let ran = read(streams);
        assert_eq!(ran.code, 2, "{streams}");
        assert!(ran.stderr.contains(hint), "{}", ran.stderr);
        assert!(ran.error().2.contains(hint), "{}", ran.error().2);
    }
    assert_eq!(simulator.log().len(), 0);
    for streams in ["tags, teams", " tags ,teams,", "tags,teams,tags"] {
        assert_eq!(started(&read(streams).succeeded()), ["tags", "teams"]);
    }
}

#[test]
fn the_output_of_discover_is_a_catalog() {
    let simulator = Sim::new().start();
    let config = config(&simulator, json!({"surplus": 1}));
    let dir = TestDir::new();
    let printed = run_with_config("discover", &config).stdout;
    assert!(
        printed.lines().count() > 1,
        "a warning precedes the catalog"
    );
    let streams = json!({ "streams": discovered() }).to_string();
    for text in [printed, streams] {
        dir.file("catalog.json", &text);
        let ran = Read::with_config(&config)
            .dir(&dir)
            .args(["--catalog", "{}/catalog.json"])
            .run()
            .succeeded();
        assert_eq!(started(&ran), stream_names());
    }
}

#[test]
fn the_token_may_come_from_the_environment_and_the_config_from_standard_input() {
    let simulator = Sim::new().start();
    let mut without = config(&simulator, json!({}));
    without.as_object_mut().unwrap().remove("api_token");
    let arguments = ["--streams", "tags"];
    let ran = Read::with_config(&without)
        .args(arguments)
        .env("DIXA_API_TOKEN", TOKEN)
        .run()
        .succeeded();
    assert_eq!(ran.records("tags").len(), 8);
    Read::of(&simulator)
        .args(arguments)
        .env("DIXA_API_TOKEN", "another")
        .run()
        .succeeded();

    let mut command = binary();
    command
        .args(["read", "--config", "-", "--streams", "tags"])
        .env("DIXA_API_TOKEN", TOKEN);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(without.to_string().as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{stdout}");
    assert_eq!(stdout.matches("\"RECORD\"").count(), 8);

    let ran = run(binary().arg("discover").env("DIXA_API_TOKEN", TOKEN)).succeeded();
    assert_eq!(ran.of_type("CATALOG").len(), 1);
}

#[test]
fn quiet_logs_only_warnings_and_errors() {
    let simulator = Sim::new().start();
    let ran = Read::of(&simulator)
        .args(["--streams", "tags", "--quiet"])
        .run()
        .succeeded();
    assert!(ran.logs("INFO").is_empty() && !ran.logs("WARN").is_empty());
    assert_eq!(ran.records("tags").len(), 8);
}

#[test]
fn completions_exist_for_each_shell() {
    for shell in ["bash", "zsh", "fish"] {
        let output = binary().args(["completions", shell]).output().unwrap();
        let script = String::from_utf8(output.stdout).unwrap();
        assert!(
            output.status.success() && script.contains("state-out"),
            "{shell}"
        );
    }
}

#[test]
fn help_shows_examples_and_lists_the_config_keys() {
    let spec: Value = serde_json::from_str(include_str!("../spec.json")).unwrap();
    for command in [&["--help"][..], &["read", "--help"], &["check", "--help"]] {
        let output = binary().args(command).output().unwrap();
        let help = String::from_utf8(output.stdout).unwrap();
        assert!(
            help.contains("source-dixa ") && !help.contains("<b>"),
            "{command:?}"
        );
        assert!(help.contains("Exit codes: 0 = success"), "{command:?}");
        for key in spec["connectionSpecification"]["properties"]
            .as_object()
            .unwrap()
            .keys()
        {
            assert!(help.contains(key), "{command:?}: {key}");
        }
    }
}

#[test]
fn help_and_version_are_plain_text() {
    let ran = run(binary().arg("--version"));
    // The commit follows, if it is known.
    let version = format!("source-dixa {}", env!("CARGO_PKG_VERSION"));
    let rest = ran.stdout.strip_prefix(&version).unwrap();
    assert!(
        rest == "\n" || (rest.starts_with(" (") && rest.ends_with(")\n")),
        "{rest}"
    );
    assert_eq!(ran.code, 0);
    let ran = run(binary().arg("--help"));
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    for word in [
        "spec",
        "check",
        "discover",
        "read",
        "--debug",
        "api_token",
        "Exit codes",
    ] {
        assert!(ran.stdout.contains(word), "{word}");
    }
}

#[test]
fn an_invalid_command_line_is_reported_on_stderr_and_as_a_trace() {
    let wrong: &[&[&str]] = &[
        &[],
        &["frobnicate"],
        &["spec", "--frobnicate"],
        &["check"],
        &["read"],
        &["read", "--config", "c.json", "--allow-missing-state"],
        &["read", "--config", "c.json", "--quiet", "--debug"],
        &["read", "--config", "c.json", "--format", "csv"],
        &["completions"],
        &["read", "--catalog", "c.json"],
        &["check", "--config"],
        &["check", "--config", "a", "surplus"],
    ];
    for arguments in wrong {
        let ran = run(binary().args(*arguments));
        assert_eq!(ran.code, 2, "{arguments:?}");
        assert!(
            ran.stderr.contains("--help") || ran.stderr.contains("Usage"),
            "{arguments:?}: {}",
            ran.stderr
        );
        assert_eq!(ran.error().0, "config_error", "{arguments:?}");
    }
}

#[test]
fn options_are_accepted_in_any_order_and_form() {
    let dir = TestDir::new();
    let config = dir
        .file("config.json", r#"{"api_token":"t"}"#)
        .display()
        .to_string();
    let catalog = dir
        .file("catalog.json", r#"{"streams":[]}"#)
        .display()
        .to_string();
    let state = dir.file("state.json", "[]").display().to_string();
    let forms: &[&[&str]] = &[
        &[
            "read",
            "--state",
            &state,
            "--catalog",
            &catalog,
            "--config",
            &config,
        ],
        &[
            "read",
            "--debug",
            &format!("--config={config}"),
            &format!("--catalog={catalog}"),
            &format!("--state={state}"),
        ],
        &[
            "--debug",
            "read",
            "--catalog",
            &catalog,
            "--config",
            &config,
        ],
    ];
    for arguments in forms {
        run(binary().args(*arguments)).succeeded();
    }
}
