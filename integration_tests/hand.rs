//! By hand, in cron, in a pipe: what people expect of a program beside the protocol.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::connector::{Connector, Ran, TOKEN, catalog, config, discovered, run, stream_names};
use crate::protocol::position;
use crate::read::simulator;
use crate::simulator::Simulator;
use crate::simulator::account::Account;
use crate::simulator::switches::Switches;

fn account() -> Simulator {
    simulator(Account::default(), Switches::default())
}

/// `read` with a config and these arguments, in which `{}` stands for the folder of the files.
fn read(connector: &Connector, config: &Value, arguments: &[&str]) -> Ran {
    run(&mut read_command(connector, config, arguments))
}

fn read_command(connector: &Connector, config: &Value, arguments: &[&str]) -> Command {
    let mut command = Connector::command();
    let config = connector.file("config.json", &config.to_string());
    command.arg("read").arg("--config").arg(config);
    let folder = connector.path("").display().to_string();
    command.args(
        arguments
            .iter()
            .map(|argument| argument.replace("{}", &folder)),
    );
    command
}

/// The names of the streams that were begun, in the order of `discover`.
fn begun(ran: &Ran) -> Vec<String> {
    let is_begun = |name: &String| ran.statuses(name).first() == Some(&"STARTED");
    stream_names().into_iter().filter(is_begun).collect()
}

#[test]
fn without_a_catalog_what_is_suggested_is_read() {
    let simulator = account();
    let connector = Connector::new();
    let ran = read(&connector, &config(&simulator, json!({})), &[]).succeeded();
    let metadata = fs::read_to_string("metadata.yaml").unwrap();
    let (_, suggested) = metadata
        .split_once("suggestedStreams:\n    streams:\n")
        .unwrap();
    let suggested: Vec<_> = suggested
        .lines()
        .map_while(|line| line.strip_prefix("      - "))
        .collect();
    assert_eq!(begun(&ran), suggested);
    assert!(!suggested.contains(&"messages") && suggested.len() > 15);
}

#[test]
fn streams_are_picked_by_name_each_in_its_best_mode() {
    let simulator = account();
    let config = config(&simulator, json!({}));
    let connector = Connector::new();
    let ran = read(&connector, &config, &["--streams", "messages,tags"]).succeeded();
    assert_eq!(begun(&ran), ["messages", "tags"]);
    assert!(
        ran.states("messages")
            .iter()
            .all(|state| state.get("unfinished").is_none())
    );

    let of_three = catalog(&["tags", "teams", "queues"], "full_refresh");
    connector.file("catalog.json", &of_three.to_string());
    let both = ["--catalog", "{}/catalog.json", "--streams", "teams,tags"];
    assert_eq!(
        begun(&read(&connector, &config, &both).succeeded()),
        ["tags", "teams"]
    );
    let other = ["--catalog", "{}/catalog.json", "--streams", "agents"];
    let ran = read(&connector, &config, &other);
    assert!(
        ran.error()
            .2
            .contains("`agents`, which is not in the catalog"),
        "{}",
        ran.stdout
    );
    let ran = read(&connector, &config, &["--streams", "tags,nonsense"]);
    assert_eq!((ran.code, ran.error().1.as_str()), (1, "nonsense"));
    assert_eq!(ran.records("tags").len(), 8);
}

#[test]
fn a_catalog_may_be_what_discover_printed() {
    let simulator = account();
    let config = config(&simulator, json!({"surplus": 1}));
    let connector = Connector::new();
    let printed = connector.run("discover", &config).stdout;
    assert!(printed.lines().count() > 1, "a warning comes before it");
    let streams = json!({ "streams": discovered() }).to_string();
    for text in [printed, streams] {
        connector.file("catalog.json", &text);
        let ran = read(&connector, &config, &["--catalog", "{}/catalog.json"]).succeeded();
        assert_eq!(begun(&ran), stream_names());
    }
}

#[test]
fn the_messages_of_a_read_are_the_state_of_the_next() {
    let simulator = account();
    let config = config(&simulator, json!({"lookback_minutes": 0}));
    let connector = Connector::new();
    let arguments = ["--streams", "conversations,activity_logs"];
    let first = read(&connector, &config, &arguments).succeeded();
    assert!(!first.records("conversations").is_empty());
    connector.file("messages.jsonl", &first.stdout);
    let arguments = [&arguments[..], &["--state", "{}/messages.jsonl"]].concat();
    let second = read(&connector, &config, &arguments).succeeded();
    assert_eq!(second.of_type("RECORD").len(), 0);
}

#[test]
fn a_state_that_is_not_there_yet_means_from_the_start_only_if_that_is_allowed() {
    let simulator = account();
    let config = config(&simulator, json!({}));
    let connector = Connector::new();
    let arguments = ["--streams", "tags", "--state", "{}/s.json"];
    let ran = read(&connector, &config, &arguments);
    assert!(
        ran.code == 1 && ran.error().2.contains("s.json cannot be read"),
        "{}",
        ran.stdout
    );
    let allowed = [&arguments[..], &["--allow-missing-state"]].concat();
    let ran = read(&connector, &config, &allowed).succeeded();
    assert!(
        ran.logs("INFO")
            .iter()
            .any(|line| line.contains("s.json is not there yet"))
    );
    connector.file("s.json", "{");
    assert_eq!(
        read(&connector, &config, &allowed).code,
        1,
        "one that is there is read"
    );
}

/// The position of a stream in a state file.
fn kept(file: &Path, stream: &str) -> Option<i64> {
    let states: Value = serde_json::from_str(&fs::read_to_string(file).ok()?).unwrap();
    let of_stream = |state: &&Value| state["stream"]["stream_descriptor"]["name"] == stream;
    let state = states.as_array().unwrap().iter().find(of_stream)?;
    position(&state["stream"]["stream_state"])
}

#[test]
fn the_newest_state_of_all_streams_is_kept_in_a_file_that_goes_back_in() {
    let simulator = account();
    let config = config(
        &simulator,
        json!({"lookback_minutes": 0, "window_days": 10}),
    );
    let connector = Connector::new();
    let both = [
        "--streams",
        "conversations,messages",
        "--state-out",
        "{}/s.new",
    ];
    read(&connector, &config, &both).succeeded();
    let file = connector.path("s.new");
    let end = Some(1_772_323_200_000);
    assert_eq!(
        (kept(&file, "conversations"), kept(&file, "messages")),
        (end, end)
    );
    fs::rename(&file, connector.path("s.json")).unwrap();
    let one = [
        "--streams",
        "messages",
        "--state",
        "{}/s.json",
        "--state-out",
        "{}/s.new",
    ];
    let ran = read(&connector, &config, &one).succeeded();
    assert_eq!(ran.of_type("RECORD").len(), 0);
    assert_eq!(
        kept(&file, "conversations"),
        end,
        "what was not read is kept, too"
    );
    assert!(!connector.path("s.new.source-dixa.part").exists());
}

#[test]
fn a_state_file_is_never_the_one_that_is_read_and_must_be_writable() {
    let simulator = account();
    let config = config(&simulator, json!({}));
    let connector = Connector::new();
    connector.file("s.json", "[]");
    for (out, told) in [
        ("{}/s.json", "another file than `--state`"),
        ("{}/../{}/s.json", "cannot be written"),
        ("{}/./s.json", "another file than `--state`"),
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
        let ran = read(&connector, &config, &arguments);
        let (kind, _, message) = ran.error();
        assert_eq!((ran.code, kind.as_str()), (1, "config_error"), "{out}");
        assert!(message.contains(told), "{message}");
    }
    assert_eq!(fs::read_to_string(connector.path("s.json")).unwrap(), "[]");
}

/// The line of the documentation, with a loader that dies after so many bytes, or that takes all.
fn pipeline(connector: &Connector, command: &Command, loader: &str) -> bool {
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
    shell.args(["-c", &line]).current_dir(connector.path(""));
    shell.stderr(Stdio::null()).status().unwrap().success()
}

#[test]
fn a_loader_that_is_killed_loses_nothing() {
    let simulator = account();
    let config = config(&simulator, json!({"lookback_minutes": 0, "window_days": 1}));
    let connector = Connector::new();
    let arguments = [
        "--streams",
        "conversations",
        "--state",
        "s.json",
        "--allow-missing-state",
        "--state-out",
        "s.new",
    ];
    let command = read_command(&connector, &config, &arguments);
    for bytes in [1, 10_000, 50_000, 100_000, 200_000] {
        let dies = format!("(head -c {bytes} >>loaded; kill -9 $BASHPID)");
        assert!(!pipeline(&connector, &command, &dies));
        assert!(!connector.path("s.json").exists(), "after {bytes} bytes");
    }
    assert!(pipeline(&connector, &command, "cat >loaded"));
    let loaded = fs::read_to_string(connector.path("loaded")).unwrap();
    let rows = simulator.account(|account| account.conversations.len());
    assert_eq!(
        loaded
            .lines()
            .filter(|line| line.contains("\"RECORD\""))
            .count(),
        rows
    );
    assert!(connector.path("s.json").exists());
    assert!(pipeline(&connector, &command, "cat >loaded"));
    let loaded = fs::read_to_string(connector.path("loaded")).unwrap();
    assert!(!loaded.contains("\"RECORD\""), "nothing new");
}

/// The last position of a stream among these messages.
fn reached(messages: &str) -> Option<i64> {
    let states = messages.lines().filter_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        position(&message["state"]["stream"]["stream_state"])
    });
    states.max()
}

#[test]
fn a_state_is_kept_only_after_what_it_says_has_left() {
    let switches = Switches {
        exports_latency: Duration::from_millis(20),
        ..Switches::default()
    };
    let simulator = simulator(Account::default(), switches);
    let config = config(&simulator, json!({"window_days": 1}));
    let connector = Connector::new();
    let mut kept_on_the_way = 0;
    for pause in (20..400).step_by(20) {
        let arguments = ["--streams", "conversations", "--state-out", "{}/s.new"];
        let mut command = read_command(&connector, &config, &arguments);
        let stdout = fs::File::create(connector.path("written")).unwrap();
        let mut child = command.stdout(stdout).spawn().unwrap();
        thread::sleep(Duration::from_millis(pause));
        child.kill().unwrap();
        child.wait().unwrap();
        let written = fs::read_to_string(connector.path("written")).unwrap();
        let kept = kept(&connector.path("s.new"), "conversations");
        assert!(kept <= reached(&written), "{kept:?} after {pause} ms");
        kept_on_the_way += usize::from(kept.is_some());
        let _ = fs::remove_file(connector.path("s.new"));
    }
    assert!(kept_on_the_way > 3, "{kept_on_the_way}");
}

#[test]
fn the_token_may_come_from_the_environment_and_the_config_from_standard_input() {
    let simulator = account();
    let mut without = config(&simulator, json!({}));
    without.as_object_mut().unwrap().remove("api_token");
    let connector = Connector::new();
    let arguments = ["--streams", "tags"];
    let mut command = read_command(&connector, &without, &arguments);
    let ran = run(command.env("DIXA_API_TOKEN", TOKEN)).succeeded();
    assert_eq!(ran.records("tags").len(), 8);
    let mut command = read_command(&connector, &config(&simulator, json!({})), &arguments);
    run(command.env("DIXA_API_TOKEN", "another")).succeeded();

    let mut command = Connector::command();
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

    let ran = run(Connector::command()
        .arg("discover")
        .env("DIXA_API_TOKEN", TOKEN))
    .succeeded();
    assert_eq!(ran.of_type("CATALOG").len(), 1);
}

/// The lines of a read in another format, which are no messages of Airbyte's.
fn lines(connector: &Connector, config: &Value, arguments: &[&str]) -> Vec<Value> {
    let output = read_command(connector, config, arguments).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{stderr}");
    assert!(!stderr.contains(TOKEN));
    let stdout = String::from_utf8(output.stdout).unwrap();
    stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn singers_messages_are_its_specifications_and_its_state_goes_back_in() {
    let simulator = account();
    let config = config(&simulator, json!({"lookback_minutes": 0}));
    let connector = Connector::new();
    let names = stream_names().join(",");
    let all = ["--format", "singer", "--streams", &names];
    let messages = lines(&connector, &config, &all);
    let mut begun = Vec::new();
    let mut records = 0;
    for message in &messages {
        let stream = message["stream"].as_str().unwrap_or_default().to_owned();
        match message["type"].as_str().unwrap() {
            "SCHEMA" => {
                assert!(message["schema"]["properties"].is_object());
                assert!(message["key_properties"].is_array());
                begun.push(stream);
            }
            "RECORD" => {
                assert!(begun.contains(&stream), "no record before its schema");
                let time = message["time_extracted"].as_str().unwrap();
                assert!(chrono::DateTime::parse_from_rfc3339(time).is_ok() && time.ends_with('Z'));
                assert!(message["record"].is_object());
                records += 1;
            }
            "STATE" => assert!(message["value"]["bookmarks"].is_object()),
            other => panic!("no message of Singer's: {other}"),
        }
    }
    assert_eq!(begun, stream_names());
    let rows = simulator.account(|account| account.rows());
    assert_eq!(records, rows.values().map(Vec::len).sum::<usize>());
    let schema = |name: &str| {
        let mut schemas = messages
            .iter()
            .filter(|message| message["type"] == "SCHEMA");
        schemas
            .find(|message| message["stream"] == name)
            .unwrap()
            .clone()
    };
    assert_eq!(
        schema("conversations")["bookmark_properties"],
        json!(["updated_at"])
    );
    assert_eq!(
        schema("team_members")["key_properties"],
        json!(["team_id", "id"])
    );
    assert!(schema("agents").get("bookmark_properties").is_none());

    // A target prints the value of the last STATE that it has taken.
    let state = messages
        .iter()
        .rfind(|message| message["type"] == "STATE")
        .unwrap();
    assert_eq!(
        state["value"]["bookmarks"].as_object().unwrap().len(),
        stream_names().len()
    );
    connector.file("s.json", &state["value"].to_string());
    let again = [
        "--format",
        "singer",
        "--streams",
        "conversations,messages",
        "--state",
        "{}/s.json",
    ];
    let again = lines(&connector, &config, &again);
    assert!(again.iter().all(|message| message["type"] != "RECORD"));
    let state = again
        .iter()
        .rfind(|message| message["type"] == "STATE")
        .unwrap();
    assert_eq!(
        state["value"]["bookmarks"].as_object().unwrap().len(),
        stream_names().len()
    );
}

#[test]
fn plain_rows_are_the_records_of_one_stream_and_nothing_else() {
    let simulator = account();
    let config = config(&simulator, json!({}));
    let connector = Connector::new();
    let mut command = read_command(
        &connector,
        &config,
        &["--format", "jsonl", "--streams", "tags"],
    );
    let output = command.output().unwrap();
    let rows = simulator.account(|account| account.tags.clone());
    let rows: Vec<_> = rows.iter().map(|row| &*row.json).collect();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!(stdout.lines().collect::<Vec<_>>(), rows);
    let mut command = read_command(
        &connector,
        &config,
        &["--format", "jsonl", "--streams", "tags,teams"],
    );
    let output = command.output().unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        told.contains("error: ") && told.contains("--streams NAME"),
        "{told}"
    );
}

#[test]
fn in_other_formats_failures_are_told_on_stderr() {
    let connector = Connector::new();
    let simulator = account();
    let config = config(&simulator, json!({"api_token": "another"}));
    for format in ["singer", "jsonl"] {
        let mut command = read_command(
            &connector,
            &config,
            &["--format", format, "--streams", "tags"],
        );
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(
            told.contains("error: tags (GET /v1/tags): Dixa's main API answered 401"),
            "{told}"
        );
    }
}

#[test]
fn a_state_file_that_is_not_there_yet_is_the_same_under_another_name() {
    let simulator = account();
    let arguments = [
        "--streams",
        "tags",
        "--state",
        "{}/s.json",
        "--allow-missing-state",
        "--state-out",
        "{}/./s.json",
    ];
    let ran = read(
        &Connector::new(),
        &config(&simulator, json!({})),
        &arguments,
    );
    assert!(
        ran.error().2.contains("another file than `--state`"),
        "{}",
        ran.stdout
    );
}

#[test]
fn messages_that_are_cut_within_a_character_are_a_state() {
    let simulator = account();
    let config = config(&simulator, json!({"lookback_minutes": 0}));
    let connector = Connector::new();
    let first = read(&connector, &config, &["--streams", "messages"]).succeeded();
    let cut = [
        first.stdout.as_bytes(),
        b"{\"type\":\"RECORD\",\"record\":{\"stream\":\"messages\",\"data\":{\"text\":\"\xc3",
    ]
    .concat();
    fs::write(connector.path("cut.jsonl"), cut).unwrap();
    let arguments = ["--streams", "messages", "--state", "{}/cut.jsonl"];
    let second = read(&connector, &config, &arguments).succeeded();
    assert_eq!(second.of_type("RECORD").len(), 0);
    connector.file("first.jsonl", &first.stdout[..30]);
    read(
        &connector,
        &config,
        &["--streams", "messages", "--state", "{}/first.jsonl"],
    )
    .succeeded();
    connector.file("catalog.jsonl", &connector.run("discover", &config).stdout);
    let ran = read(
        &connector,
        &config,
        &["--streams", "messages", "--state", "{}/catalog.jsonl"],
    );
    assert_eq!(ran.code, 1, "a catalog is no state");
}

#[test]
fn a_stderr_that_cannot_be_written_ends_nothing() {
    let simulator = account();
    let config = config(&simulator, json!({}));
    let connector = Connector::new();
    let arguments = ["--format", "jsonl", "--streams", "tags", "--debug"];
    let mut command = read_command(&connector, &config, &arguments);
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let output = command.stderr(full).output().unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 8);
}

#[test]
fn a_config_in_place_of_its_file_is_not_repeated() {
    let config = format!(r#"{{"api_token":"{TOKEN}"}}"#);
    let ran = run(Connector::command().args(["check", "--config", &config]));
    assert!(
        ran.stdout.contains("looks like its content"),
        "{}",
        ran.stdout
    );
}

#[test]
fn quiet_tells_warnings_and_errors_only() {
    let simulator = account();
    let config = config(&simulator, json!({}));
    let ran = read(
        &Connector::new(),
        &config,
        &["--streams", "tags", "--quiet"],
    )
    .succeeded();
    assert!(ran.logs("INFO").is_empty() && !ran.logs("WARN").is_empty());
    assert_eq!(ran.records("tags").len(), 8);
}

#[test]
fn shells_get_their_completions() {
    for shell in ["bash", "zsh", "fish"] {
        let output = Connector::command()
            .args(["completions", shell])
            .output()
            .unwrap();
        let script = String::from_utf8(output.stdout).unwrap();
        assert!(
            output.status.success() && script.contains("state-out"),
            "{shell}"
        );
    }
}

#[test]
fn help_teaches_by_examples_and_lists_what_the_config_may_hold() {
    let spec: Value = serde_json::from_str(include_str!("../spec.json")).unwrap();
    for command in [&["--help"][..], &["read", "--help"], &["check", "--help"]] {
        let output = Connector::command().args(command).output().unwrap();
        let help = String::from_utf8(output.stdout).unwrap();
        assert!(
            help.contains("source-dixa ") && !help.contains("<b>"),
            "{command:?}"
        );
        assert!(help.contains("Exit status: 0 done"), "{command:?}");
        for key in spec["connectionSpecification"]["properties"]
            .as_object()
            .unwrap()
            .keys()
        {
            assert!(help.contains(key), "{command:?}: {key}");
        }
    }
}
