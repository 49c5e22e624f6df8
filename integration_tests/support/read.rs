//! A builder for a `read`, and the short way to run `check` and `discover`.

use std::ops::{Deref, DerefMut};
use std::process::{Command, Output};

use dixa_simulator::Simulator;
use serde_json::{Value, json};

use super::binary::binary;
use super::catalog::catalog;
use super::config::{config, overridden};
use super::ran::{Ran, run};
use super::shell::shell;
use super::test_dir::TestDir;

/// A read to build. Each method returns a changed copy. Without `streams` or `catalog` there is no `--catalog`.
#[derive(Clone)]
pub struct Read {
    dir: TestDir,
    config: Value,
    streams: Vec<String>,
    sync_mode: String,
    catalog: Option<Value>,
    state: Option<String>,
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
}

/// A command, along with the folder of its files.
pub struct ReadCommand {
    command: Command,
    _dir: TestDir,
}

impl Read {
    /// A read of a simulator with the config of the tests.
    pub fn of(simulator: &Simulator) -> Self {
        Self::with_config(&config(simulator, json!({})))
    }

    pub fn with_config(config: &Value) -> Self {
        Self {
            dir: TestDir::new(),
            config: config.clone(),
            streams: Vec::new(),
            sync_mode: "incremental".to_owned(),
            catalog: None,
            state: None,
            arguments: Vec::new(),
            variables: Vec::new(),
        }
    }

    /// Keeps the files of this read in a folder that the test knows.
    pub fn dir(&self, dir: &TestDir) -> Self {
        self.changed(|read| read.dir = dir.clone())
    }

    /// Sets keys of the config.
    pub fn config(&self, overrides: Value) -> Self {
        self.changed(|read| read.config = overridden(read.config.take(), overrides))
    }

    /// Selects these streams in a catalog, incrementally unless `mode` says otherwise.
    pub fn streams<S: AsRef<str>>(&self, names: impl IntoIterator<Item = S>) -> Self {
        let names = names.into_iter().map(|name| name.as_ref().to_owned());
        self.changed(|read| read.streams = names.collect())
    }

    pub fn mode(&self, sync_mode: &str) -> Self {
        self.changed(|read| sync_mode.clone_into(&mut read.sync_mode))
    }

    /// A catalog in place of `streams`.
    pub fn catalog(&self, catalog: &Value) -> Self {
        self.changed(|read| read.catalog = Some(catalog.clone()))
    }

    pub fn state(&self, text: &str) -> Self {
        self.state_if(Some(text))
    }

    pub fn state_if(&self, text: Option<&str>) -> Self {
        self.changed(|read| read.state = text.map(str::to_owned))
    }

    /// More arguments, in which `{}` stands for the folder of the files.
    pub fn args<S: AsRef<str>>(&self, arguments: impl IntoIterator<Item = S>) -> Self {
        let arguments = arguments.into_iter();
        let arguments = arguments.map(|argument| argument.as_ref().to_owned());
        self.changed(|read| read.arguments.extend(arguments))
    }

    pub fn env(&self, variable: &str, value: &str) -> Self {
        let variable = (variable.to_owned(), value.to_owned());
        self.changed(|read| read.variables.push(variable))
    }

    fn changed(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut read = self.clone();
        change(&mut read);
        read
    }

    /// Writes the files and returns the command.
    pub fn command(&self) -> ReadCommand {
        let mut command = binary();
        let config = self.dir.file("config.json", &self.config.to_string());
        command.arg("read").arg("--config").arg(config);
        let selected = (!self.streams.is_empty()).then(|| catalog(&self.streams, &self.sync_mode));
        if let Some(catalog) = self.catalog.as_ref().or(selected.as_ref()) {
            let file = self.dir.file("catalog.json", &catalog.to_string());
            command.arg("--catalog").arg(file);
        }
        if let Some(state) = &self.state {
            command
                .arg("--state")
                .arg(self.dir.file("state.json", state));
        }
        let dir = self.dir.path("").display().to_string();
        let arguments = self.arguments.iter();
        command.args(arguments.map(|argument| argument.replace("{}", &dir)));
        for (variable, value) in &self.variables {
            command.env(variable, value);
        }
        ReadCommand {
            command,
            _dir: self.dir.clone(),
        }
    }

    /// Runs a shell in the folder of the files; `"$@"` in its line stands for the read.
    pub fn in_shell(&self, line: &str) -> Output {
        let mut shell = shell(line, &self.command());
        shell.current_dir(self.dir.path("")).output().unwrap()
    }

    /// Reads to the end.
    pub fn run(&self) -> Ran {
        run(&mut self.command())
    }
}

impl Deref for ReadCommand {
    type Target = Command;

    fn deref(&self) -> &Command {
        &self.command
    }
}

impl DerefMut for ReadCommand {
    fn deref_mut(&mut self) -> &mut Command {
        &mut self.command
    }
}

/// `check` of a simulator with the config of the tests, changed by `overrides`.
pub fn check(simulator: &Simulator, overrides: Value) -> Ran {
    run_with_config("check", &config(simulator, overrides))
}

/// `check` or `discover` with a config.
pub fn run_with_config(verb: &str, config: &Value) -> Ran {
    let dir = TestDir::new();
    let config = dir.file("config.json", &config.to_string());
    run(binary().arg(verb).arg("--config").arg(config))
}
