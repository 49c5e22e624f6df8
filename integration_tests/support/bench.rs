//! A run of any command line with any files and environment, against a simulator, a raw server or nothing: for errors.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::thread;

use dixa_simulator::api::faults::{Fault, Kind};

use super::binary::binary;
use super::config::TOKEN;
use super::ran::{Ran, run};
use super::sim::Sim;
use super::test_dir::TestDir;

/// A run to be. In files, arguments and variables `{dir}` stands for the folder of the files, `{dixa}` for the URL of the
/// server, `{port}` for its port and `{token}` for the token of the tests.
#[derive(Clone, Default)]
pub struct Bench {
    arguments: String,
    is_tap: bool,
    files: Vec<(&'static str, Vec<u8>)>,
    variables: Vec<(&'static str, String)>,
    faults: Vec<Fault>,
    raw: Option<Vec<u8>>,
}

/// A config for the server, with rates that no test waits for.
pub const CONFIG: &str = r#"{"api_token":"{token}","start_date":"2026-01-01","exports_base_url":"{dixa}","api_base_url":"{dixa}",
    "exports_requests_per_minute":60000,"api_requests_per_second":1000}"#;

impl Bench {
    /// The words of a command line. Without a file `config.json`, there is one with [`CONFIG`].
    pub fn new(arguments: &str) -> Self {
        Self {
            arguments: arguments.to_owned(),
            files: vec![("config.json", CONFIG.into())],
            ..Self::default()
        }
    }

    /// A read of tags with the config.
    pub fn read() -> Self {
        Self::new("read --config {dir}/config.json --streams tags")
    }

    /// A check with the config.
    pub fn check() -> Self {
        Self::new("check --config {dir}/config.json")
    }

    /// The words of a command line of `tap-dixa`.
    pub fn tap(arguments: &str) -> Self {
        Self {
            is_tap: true,
            ..Self::new(arguments)
        }
    }

    pub fn and(mut self, arguments: &str) -> Self {
        self.arguments = format!("{} {arguments}", self.arguments);
        self
    }

    /// Another stream than tags.
    pub fn replaced_stream(mut self, stream: &str) -> Self {
        self.arguments = self.arguments.replace("tags", stream);
        self
    }

    pub fn config(self, text: impl Into<Vec<u8>>) -> Self {
        self.file("config.json", text)
    }

    /// The config with this key last, which replaces an earlier one.
    pub fn key(self, key: &str) -> Self {
        self.config(format!("{},{key}}}", CONFIG.strip_suffix('}').unwrap()))
    }

    pub fn file(mut self, name: &'static str, text: impl Into<Vec<u8>>) -> Self {
        self.files.retain(|(other, _)| *other != name);
        self.files.push((name, text.into()));
        self
    }

    pub fn env(mut self, variable: &'static str, value: &str) -> Self {
        self.variables.push((variable, value.to_owned()));
        self
    }

    /// Every request for this path is answered so.
    pub fn fault(mut self, path: &str, kind: Kind) -> Self {
        self.faults.push(Fault::always(path, kind));
        self
    }

    /// A server that answers every connection with these bytes takes the simulator's place.
    pub fn raw(mut self, response: impl Into<Vec<u8>>) -> Self {
        self.raw = Some(response.into());
        self
    }

    pub fn run(&self) -> Ran {
        let simulator = Sim::new().faults(self.faults.clone()).start();
        let url = match &self.raw {
            Some(response) => raw_server(response.clone()),
            None => simulator.url().to_owned(),
        };
        let dir = TestDir::new();
        let folder = dir.path("").display().to_string();
        let folder = folder.trim_end_matches('/');
        let port = url.rsplit(':').next().unwrap();
        let filled = |text: &str| {
            text.replace("{dir}", folder)
                .replace("{dixa}", &url)
                .replace("{port}", port)
                .replace("{token}", TOKEN)
        };
        for (name, text) in &self.files {
            let text = match str::from_utf8(text) {
                Ok(text) => filled(text).into_bytes(),
                Err(_) => text.clone(),
            };
            std::fs::write(dir.path(name), text).unwrap();
        }
        let mut command = binary();
        if self.is_tap {
            command.arg0("tap-dixa");
        }
        command.args(self.arguments.split_whitespace().map(filled));
        for (variable, value) in &self.variables {
            command.env(variable, filled(value));
        }
        run(&mut command)
    }
}

/// A server that answers each connection once, whatever it asks.
pub fn raw_server(response: Vec<u8>) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for connection in listener.incoming() {
            let (mut connection, response) = (connection.unwrap(), response.clone());
            thread::spawn(move || {
                let mut request = [0; 8192];
                let _ = connection.read(&mut request);
                let _ = connection.write_all(&response);
            });
        }
    });
    format!("http://127.0.0.1:{port}")
}
