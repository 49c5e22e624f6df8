//! Runs of the program as `tap-dixa`.

use std::os::unix::fs::symlink;
use std::process::{Command, Output};

use dixa_simulator::Simulator;
use serde_json::Value;

use super::binary::binary;
use super::config::config;
use super::secrets;
use super::test_dir::TestDir;

/// A folder with the program under the name `tap-dixa` and the files of a run.
pub struct Tap {
    pub dir: TestDir,
    pub config: String,
}

/// What a run wrote.
pub struct TapRun {
    pub code: Option<i32>,
    pub messages: Vec<Value>,
    pub stdout: String,
    pub stderr: String,
}

impl Tap {
    pub fn new(simulator: &Simulator, overrides: Value) -> Self {
        let dir = TestDir::new();
        let program = binary().get_program().to_owned();
        symlink(program, dir.path("tap-dixa")).unwrap();
        let config = dir.file("config.json", &config(simulator, overrides).to_string());
        let config = config.to_str().unwrap().to_owned();
        Self { dir, config }
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.dir.path("tap-dixa"));
        command.args(arguments).env_remove("DIXA_API_TOKEN");
        command
    }

    pub fn run(&self, arguments: &[&str]) -> TapRun {
        ended(self.command(arguments).output().unwrap())
    }

    pub fn sync(&self, arguments: &[&str]) -> TapRun {
        self.run(&[&["--config", &self.config], arguments].concat())
    }

    pub fn file(&self, name: &str, value: &Value) -> String {
        let file = self.dir.file(name, &value.to_string());
        file.to_str().unwrap().to_owned()
    }

    /// The discovered catalog, with only these streams selected.
    pub fn catalog(&self, streams: &[&str]) -> Value {
        let mut catalog: Value = serde_json::from_str(&self.run(&["--discover"]).stdout).unwrap();
        for entry in catalog["streams"].as_array_mut().unwrap() {
            let is_selected = streams.contains(&entry["stream"].as_str().unwrap());
            entry["metadata"][0]["metadata"]["selected"] = is_selected.into();
        }
        catalog
    }
}

pub fn ended(output: Output) -> TapRun {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    secrets::check(&stderr);
    let lines = stdout.lines();
    TapRun {
        code: output.status.code(),
        messages: lines
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect(),
        stdout,
        stderr,
    }
}

impl TapRun {
    pub fn of_type(&self, kind: &str) -> Vec<&Value> {
        let messages = self.messages.iter();
        messages.filter(|message| message["type"] == kind).collect()
    }

    pub fn streams_with(&self, kind: &str) -> Vec<&str> {
        let messages = self.of_type(kind).into_iter();
        messages
            .map(|message| message["stream"].as_str().unwrap())
            .collect()
    }

    pub fn succeeded(self) -> Self {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        self
    }

    /// The run failed, with a last line on stderr that has these parts.
    pub fn check_failure(&self, parts: &[&str]) {
        assert_eq!(self.code, Some(1), "{}", self.stderr);
        let last = self.stderr.lines().last().unwrap_or_default();
        for part in parts {
            assert!(last.contains(part), "{part}: {}", self.stderr);
        }
    }
}
