//! One read in paused time, from its states to the lines it wrote.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::rc::Rc;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use serde_json::Value;
use source_dixa::airbyte::catalog::{ConfiguredStream, SyncMode};
use source_dixa::airbyte::log::Level;
use source_dixa::commands::read::{self, context::Job};
use source_dixa::config::Config;
use source_dixa::dixa::client::Client;
use source_dixa::dixa::host::Host;
use source_dixa::epoch::EpochMs;
use source_dixa::output::Output;
use source_dixa::output::console::Terminal;
use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;

use super::dixa::{Dixa, SimTransport};
use crate::support::config::TOKEN;
use crate::support::protocol;
use crate::support::secrets;

/// A runtime whose clock stands still while a task works, and otherwise jumps to the end of the next wait.
pub fn paused() -> Runtime {
    let mut builder = Builder::new_current_thread();
    builder.enable_time().start_paused(true).build().unwrap()
}

/// A config with the defaults: up to now, at the rate that Dixa allows.
pub fn config() -> Config {
    static DEFAULTS: LazyLock<Config> = LazyLock::new(|| {
        let url = "http://127.0.0.1:1";
        let text = serde_json::json!({
            "api_token": TOKEN, "exports_base_url": url, "api_base_url": url,
        });
        Config::parse(&text.to_string()).unwrap()
    });
    DEFAULTS.clone()
}

/// How a read ended, and the complete lines that it wrote.
pub struct Ran {
    /// Whether everything was read; `None` when it was killed.
    pub done: Option<bool>,
    pub messages: Vec<Value>,
    pub took: Duration,
}

impl Ran {
    /// The number of records of a stream.
    pub fn records(&self, stream: &str) -> usize {
        let records = self
            .messages
            .iter()
            .filter(|message| message["record"]["stream"] == stream);
        records.count()
    }

    /// The warnings, except the one about the clock.
    pub fn warnings(&self) -> Vec<&str> {
        let warnings = self
            .messages
            .iter()
            .filter(|message| message["log"]["level"] == "WARN");
        warnings
            .map(|message| message["log"]["message"].as_str().unwrap())
            .filter(|warning| !warning.starts_with("This machine's clock"))
            .collect()
    }

    /// The errors of the TRACE messages.
    pub fn errors(&self) -> Vec<&Value> {
        let errors = self
            .messages
            .iter()
            .map(|message| &message["trace"]["error"]);
        errors.filter(|error| error.is_object()).collect()
    }
}

/// A pipe that takes this many bytes, and then breaks.
struct Pipe {
    written: Arc<Mutex<Vec<u8>>>,
    byte_limit: usize,
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = bytes.len().min(self.byte_limit);
        if length == 0 {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        self.byte_limit -= length;
        self.written
            .lock()
            .unwrap()
            .extend_from_slice(&bytes[..length]);
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A read with these states and this local time, until `byte_limit` bytes are written.
pub async fn read(
    dixa: &Rc<Dixa>,
    config: &Config,
    streams: &[(&str, SyncMode)],
    (states, now): (&HashMap<String, Value>, i64),
    byte_limit: usize,
) -> Ran {
    let dixa_now = dixa.now_ms();
    let settings = config.settings.clone();
    let transit = |host| Box::new(SimTransport(Rc::clone(dixa), host));
    let client = Client::with_transports(settings, transit(Host::Exports), transit(Host::Api));
    let configured = streams.iter().map(|(name, mode)| ConfiguredStream {
        name: (*name).to_owned(),
        sync_mode: Some(*mode),
        cursor_field: Some(Vec::new()),
        fields: BTreeMap::new(),
    });
    let job = Job {
        config: config.clone(),
        configured: configured.collect(),
        states: states.clone(),
        now: EpochMs(now).floor_to_second(),
    };
    let written = Arc::default();
    let pipe = Pipe {
        written: Arc::clone(&written),
        byte_limit,
    };
    let output = Output::to(Level::Info, pipe);
    let terminal = Terminal::hidden();
    let started = Instant::now();
    let done = tokio::select! {
        biased;
        done = read::run(&job, &client, &output, &terminal) => Some(done),
        () = output.closed() => None,
    };
    let took = started.elapsed();
    let done = output.close().await.ok().and(done);
    let mut bytes = std::mem::take(&mut *written.lock().unwrap());
    let whole = bytes.iter().rposition(|byte| *byte == b'\n');
    bytes.truncate(whole.map_or(0, |end| end + 1));
    let text = String::from_utf8(bytes).unwrap();
    secrets::check(&text);
    let is_clock_right = now == dixa_now;
    Ran {
        done,
        messages: if is_clock_right {
            protocol::messages(&text)
        } else {
            protocol::messages_under_a_wrong_clock(&text)
        },
        took,
    }
}
