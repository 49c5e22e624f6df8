//! Runs the binary as a client does: files in, lines and an exit code out.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::protocol;
use crate::secrets;
use crate::simulator::Simulator;

/// The token of every test; it has the look of a secret that scanners search for.
pub const TOKEN: &str = "tok3n-Aa+/=%-9f86d081884c7d65";

/// A folder with the files of a run.
pub struct Connector {
    folder: TempDir,
}

/// What a run left.
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
    pub messages: Vec<Value>,
}

impl Connector {
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// Writes a file and says where it is.
    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The binary, with an environment of its own.
    pub fn command() -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("source-dixa"));
        for variable in [
            "LOG_LEVEL",
            "HTTP_PROXY",
            "HTTPS_PROXY",
            "http_proxy",
            "https_proxy",
            "ALL_PROXY",
            "NO_PROXY",
            "no_proxy",
            "SSL_CERT_FILE",
            "SSL_CERT_DIR",
            "DIXA_API_TOKEN",
            "LOG_LEVEL",
        ] {
            command.env_remove(variable);
        }
        command
    }

    /// `check` and `discover`.
    pub fn run(&self, verb: &str, config: &Value) -> Ran {
        let config = self.file("config.json", &config.to_string());
        run(Self::command().arg(verb).arg("--config").arg(config))
    }

    /// The command of a `read`, with its files written.
    pub fn read_command(&self, config: &Value, catalog: &Value, state: Option<&str>) -> Command {
        let mut command = Self::command();
        command
            .arg("read")
            .arg("--config")
            .arg(self.file("config.json", &config.to_string()));
        command
            .arg("--catalog")
            .arg(self.file("catalog.json", &catalog.to_string()));
        if let Some(state) = state {
            command.arg("--state").arg(self.file("state.json", state));
        }
        command
    }

    pub fn read(&self, config: &Value, catalog: &Value, state: Option<&str>) -> Ran {
        run(&mut self.read_command(config, catalog, state))
    }
}

/// Runs a command to its end and holds what it wrote to the laws of the protocol.
pub fn run(command: &mut Command) -> Ran {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).expect("output is UTF-8");
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    keep(&stdout);
    let messages = protocol::messages(&stdout);
    let ran = Ran {
        code: output.status.code().unwrap_or(-1),
        stdout,
        stderr,
        messages,
    };
    secrets::check(&ran.without_records());
    secrets::check(&ran.stderr);
    ran
}

/// Leaves the messages in the folder that `KEEP_MESSAGES` names, for others to look at: .ci/protocol.py.
fn keep(stdout: &str) {
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
    /// Nothing failed, and nobody had anything to say on stderr.
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

    /// The errors that were traced.
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

/// A config for a simulator, at a rate that no test waits for.
pub fn config(simulator: &Simulator, others: Value) -> Value {
    let mut config = json!({
        "api_token": TOKEN, "start_date": "2026-01-01", "end_date": "2026-03-01",
        "exports_base_url": simulator.url(), "api_base_url": simulator.url(),
        "exports_requests_per_minute": 60_000, "api_requests_per_second": 1000,
    });
    for (key, value) in others.as_object().unwrap() {
        config[key] = value.clone();
    }
    config
}

/// A configured catalog of these streams, all read in one mode.
pub fn catalog(streams: &[&str], sync_mode: &str) -> Value {
    let configured = |name: &&str| {
        json!({
            "stream": {"name": name, "json_schema": {}, "supported_sync_modes": ["full_refresh"], "namespace": null},
            "sync_mode": sync_mode, "destination_sync_mode": "append", "cursor_field": null, "primary_key": null,
        })
    };
    json!({ "streams": streams.iter().map(configured).collect::<Vec<_>>() })
}

/// A state of conversations, as the platform hands it back.
pub fn state_at(stream: &str, blob: &Value) -> String {
    json!([{
        "type": "STREAM", "id": 7, "global": null, "data": null,
        "stream": {"stream_descriptor": {"name": stream, "namespace": null}, "stream_state": blob},
        "sourceStats": {"recordCount": 3.0}, "destinationStats": {"recordCount": 3.0},
    }])
    .to_string()
}

/// The streams that `discover` gives.
pub fn discovered() -> &'static [Value] {
    static STREAMS: LazyLock<Vec<Value>> = LazyLock::new(|| {
        let ran = Connector::new()
            .run("discover", &json!({"api_token": TOKEN}))
            .succeeded();
        let streams = &ran.of_type("CATALOG")[0]["catalog"]["streams"];
        streams.as_array().unwrap().clone()
    });
    &STREAMS
}

/// The fields of a stream's primary key.
pub fn key_of(stream: &str) -> Vec<String> {
    let stream = discovered().iter().find(|found| found["name"] == stream);
    let key = stream.and_then(|stream| stream.get("source_defined_primary_key"));
    let paths = key.and_then(Value::as_array).into_iter().flatten();
    paths
        .map(|path| path[0].as_str().unwrap().to_owned())
        .collect()
}

pub fn stream_names() -> Vec<String> {
    discovered()
        .iter()
        .map(|stream| stream["name"].as_str().unwrap().to_owned())
        .collect()
}
