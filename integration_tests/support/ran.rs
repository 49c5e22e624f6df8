//! A run of the binary: what it wrote, held to the protocol and searched for the token.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use super::protocol;
use super::secrets;
use super::streams::key_of;

/// What a run wrote, and how it ended.
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
    pub messages: Vec<Value>,
}

/// Runs a command to its end, and checks its output: the protocol, the token, and stderr.
pub fn run(command: &mut Command) -> Ran {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).expect("output is UTF-8");
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    copy_messages(&stdout);
    let messages = protocol::messages(&stdout);
    let ran = Ran {
        code: output.status.code().unwrap_or(-1),
        stdout,
        stderr,
        messages,
    };
    secrets::check(&ran.without_records());
    secrets::check(&ran.stderr);
    ran.check_stderr();
    ran
}

/// Copies the messages into the folder that `KEEP_MESSAGES` names, for acceptance/protocol.py.
fn copy_messages(stdout: &str) {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let is_message = stdout.starts_with('{');
    if let Some(folder) = env::var_os("KEEP_MESSAGES")
        && is_message
    {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        fs::create_dir_all(&folder).unwrap();
        fs::write(Path::new(&folder).join(format!("{number}.jsonl")), stdout).unwrap();
    }
}

impl Ran {
    /// A failed run prints one line per cause to stderr, which names every stream; any other run prints nothing there.
    fn check_stderr(&self) {
        let errors = match self.code {
            1 => self.errors(),
            _ => Vec::new(),
        };
        let messages: BTreeSet<_> = errors
            .iter()
            .filter_map(|error| error["message"].as_str())
            .collect();
        let lines: Vec<_> = self.stderr.lines().collect();
        // Formats other than Airbyte's have no errors in stdout.
        let is_airbyte = self.code == 0 || !messages.is_empty();
        if self.code < 2 && is_airbyte {
            assert!(lines.len() <= messages.len(), "{}", self.stderr);
            assert!(
                lines.iter().all(|line| line.starts_with("error: ")),
                "{}",
                self.stderr
            );
        }
        if let (Some(message), 1) = (messages.first(), messages.len()) {
            assert_eq!(
                self.stderr,
                format!("error: {message}\n"),
                "{}",
                self.without_records()
            );
        }
        for error in errors {
            let stream = error["stream_descriptor"]["name"]
                .as_str()
                .unwrap_or_default();
            let last_sentence = error["message"].as_str().unwrap().rsplit(". ").next();
            let tells =
                |line: &&str| line.contains(stream) && line.ends_with(last_sentence.unwrap());
            assert!(lines.iter().any(tells), "{stream}: {}", self.stderr);
        }
        assert!(self.code == 0 || !self.stderr.is_empty());
    }

    /// Nothing failed, and stderr is empty.
    pub fn succeeded(self) -> Self {
        assert_eq!(
            (self.code, self.stderr.as_str()),
            (0, ""),
            "{}",
            self.without_records()
        );
        assert_eq!(self.errors(), Vec::<&Value>::new());
        self
    }

    /// Every line but the records.
    pub fn without_records(&self) -> String {
        self.stdout
            .lines()
            .filter(|line| !line.starts_with(r#"{"type":"RECORD""#))
            .collect::<Vec<_>>()
            .join("\n")
    }

    pub fn of_type(&self, kind: &str) -> Vec<&Value> {
        self.messages
            .iter()
            .filter(|message| message["type"] == kind)
            .collect()
    }

    /// The bytes of a stream's records, in order.
    pub fn records(&self, stream: &str) -> Vec<&str> {
        let front = format!(r#"{{"type":"RECORD","record":{{"stream":"{stream}","data":"#);
        let data = |line: &'_ str| {
            let end = line.rfind(r#","emitted_at":"#).unwrap();
            front.len()..end
        };
        self.stdout
            .lines()
            .filter(|line| line.starts_with(&front))
            .map(|line| &line[data(line)])
            .collect()
    }

    /// The keys of a stream's records, in order, as JSON tokens.
    pub fn keys(&self, stream: &str) -> Vec<String> {
        let fields = key_of(stream);
        let key = |record: &str| {
            let record: Value = serde_json::from_str(record).unwrap();
            let values: Vec<_> = fields
                .iter()
                .map(|field| record[field].to_string())
                .collect();
            values.join("/")
        };
        self.records(stream).into_iter().map(key).collect()
    }

    /// A stream's states, in order.
    pub fn states(&self, stream: &str) -> Vec<Value> {
        let of_stream =
            |message: &&Value| message["state"]["stream"]["stream_descriptor"]["name"] == stream;
        let states = self.of_type("STATE").into_iter().filter(of_stream);
        states
            .map(|message| message["state"]["stream"]["stream_state"].clone())
            .collect()
    }

    /// The positions of a stream's states, in order, in milliseconds.
    pub fn positions(&self, stream: &str) -> Vec<i64> {
        let states = self.states(stream);
        let positions = states.iter().map(protocol::position);
        positions.map(Option::unwrap).collect()
    }

    /// The last state of every stream, as a client saves it.
    pub fn saved(&self) -> String {
        let mut saved: Vec<Value> = Vec::new();
        for message in self.of_type("STATE") {
            let name = |state: &Value| state["stream"]["stream_descriptor"]["name"].clone();
            saved.retain(|state| name(state) != name(&message["state"]));
            saved.push(message["state"].clone());
        }
        Value::from(saved).to_string()
    }

    /// The result of a check: SUCCEEDED or FAILED, and the message of the latter.
    pub fn connection_status(&self) -> (&str, &str) {
        let statuses = self.of_type("CONNECTION_STATUS");
        assert_eq!(statuses.len(), 1, "{}", self.stdout);
        let status = &statuses[0]["connectionStatus"];
        let message = status["message"].as_str().unwrap_or_default();
        (status["status"].as_str().unwrap(), message)
    }

    /// The statuses of a stream, in order.
    pub fn statuses(&self, stream: &str) -> Vec<&str> {
        let status = |message: &'_ Value| message["trace"]["stream_status"].clone();
        self.of_type("TRACE")
            .into_iter()
            .filter(|message| status(message)["stream_descriptor"]["name"] == stream)
            .map(|message| {
                message["trace"]["stream_status"]["status"]
                    .as_str()
                    .unwrap()
            })
            .collect()
    }

    /// The errors of the TRACE messages.
    pub fn errors(&self) -> Vec<&Value> {
        let traces = self
            .of_type("TRACE")
            .into_iter()
            .filter(|message| message["trace"]["type"] == "ERROR");
        traces.map(|message| &message["trace"]["error"]).collect()
    }

    /// The only error's kind, stream and message.
    pub fn error(&self) -> (String, String, String) {
        let errors = self.errors();
        assert_eq!(errors.len(), 1, "{}", self.without_records());
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let error = errors[0];
        (
            text(&error["failure_type"]),
            text(&error["stream_descriptor"]["name"]),
            text(&error["message"]),
        )
    }

    /// Whether a line that was logged at a level contains this text.
    pub fn has_log(&self, level: &str, text: &str) -> bool {
        self.logs(level).iter().any(|line| line.contains(text))
    }

    /// Exactly one warning contains all these parts.
    pub fn check_warning(&self, parts: &[&str]) {
        let warnings = self.logs("WARN");
        let has_all = |warning: &&&str| parts.iter().all(|part| warning.contains(part));
        let count = warnings.iter().filter(has_all).count();
        assert_eq!(count, 1, "{parts:?} in {warnings:?}");
    }

    /// The texts that were logged at a level.
    pub fn logs(&self, level: &str) -> Vec<&str> {
        let logs = self
            .of_type("LOG")
            .into_iter()
            .filter(|message| message["log"]["level"] == level);
        logs.map(|message| message["log"]["message"].as_str().unwrap())
            .collect()
    }
}
