//! The laws of a read, held over thousands of histories in paused time: kills and resumes, troubles on the way, data that
//! moves, clocks that are wrong, bounds of either meaning, streams under one pace, lists that hang on others.
//!
//! ```text
//! read ──killed at any byte──► read from the last state ──…──► a last read in fine weather
//!   └─ what each wrote, put together, must hold every record in its last version
//! ```

pub mod dixa;
mod history;
mod waits;

use std::collections::HashMap;
use std::io::{self, Write};
use std::rc::Rc;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use serde_json::Value;
use source_dixa::airbyte::catalog::{ConfiguredStream, SyncMode};
use source_dixa::airbyte::log::Level;
use source_dixa::airbyte::output::Output;
use source_dixa::commands::read::{self, Job};
use source_dixa::config::Config;
use source_dixa::dixa::Host;
use source_dixa::dixa::client::Client;
use source_dixa::epoch::EpochMs;
use source_dixa::terminal::Terminal;
use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;

use crate::connector::TOKEN;
use crate::protocol;
use crate::secrets;
use crate::simulator::account::{Account, Row};
use crate::simulator::clock::iso_date_ms;
use dixa::{Dixa, Way};

pub const DAY: i64 = 86_400_000;

/// A runtime whose clock stands still while anybody works, and jumps to the next thing to wait for else.
pub fn paused() -> Runtime {
    let mut builder = Builder::new_current_thread();
    builder.enable_time().start_paused(true).build().unwrap()
}

/// A config with the defaults, read up to now, at the rate that Dixa allows.
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

/// A small conversation, updated at this time.
pub fn conversation(id: usize, at: i64) -> Row {
    let json = format!(r#"{{"id":{id},"updated_at":{at}}}"#);
    Row::new(&id.to_string(), at, &json)
}

/// A small message, created at this time.
pub fn message(id: usize, at: i64) -> Row {
    let json = format!(r#"{{"id":"m{id}","created_at":{at}}}"#);
    Row::new(&format!("\"m{id}\""), at, &json)
}

/// A small entry of the activity log; every third has a zone's name behind its time.
pub fn activity(id: usize, at: i64) -> Row {
    let zone = if id.is_multiple_of(3) { "[GMT]" } else { "" };
    let time = iso_date_ms(at);
    let json = format!(r#"{{"id":"l{id}","activityTimestamp":"{time}{zone}"}}"#);
    Row::new(&format!("\"l{id}\""), at, &json)
}

/// A small row of a list.
pub fn listed(id: usize) -> Row {
    Row::new(&format!("\"a{id}\""), 0, &format!(r#"{{"id":"a{id}"}}"#))
}

/// A conversation is updated, and the activity log says so.
fn touch(account: &mut Account, index: usize, at: i64) {
    let id = account.conversations[index].key.parse().unwrap();
    account.conversations[index] = conversation(id, at);
    account
        .activity
        .push(activity(1000 + account.activity.len(), at));
}

/// How a read ended, and what was written until then, in whole lines.
pub struct Ran {
    /// Whether everything was read; `None` when it was killed.
    pub done: Option<bool>,
    pub messages: Vec<Value>,
    pub took: Duration,
}

/// Takes so many bytes and then no more, as the pipe of a reader that was killed.
struct Pipe {
    taken: Arc<Mutex<Vec<u8>>>,
    room: usize,
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = bytes.len().min(self.room);
        if length == 0 {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        self.room -= length;
        self.taken
            .lock()
            .unwrap()
            .extend_from_slice(&bytes[..length]);
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads as `read` does, from these states at this time of the host's clock, until `room` bytes are written.
pub async fn read(
    dixa: &Rc<Dixa>,
    config: &Config,
    streams: &[(&str, SyncMode)],
    (states, now): (&HashMap<String, Value>, i64),
    room: usize,
) -> Ran {
    let settings = config.settings.clone();
    let way = |host| Box::new(Way(Rc::clone(dixa), host));
    let client = Client::over(settings, way(Host::Exports), way(Host::Api));
    let configured = streams.iter().map(|(name, mode)| ConfiguredStream {
        name: (*name).to_owned(),
        sync_mode: Some(*mode),
        cursor_field: Some(Vec::new()),
    });
    let job = Job {
        config: config.clone(),
        configured: configured.collect(),
        states: states.clone(),
        now: EpochMs(now).floor_to_second(),
    };
    let taken = Arc::default();
    let pipe = Pipe {
        taken: Arc::clone(&taken),
        room,
    };
    let output = Output::to(Level::Info, pipe);
    let terminal = Terminal::unseen();
    let begun = Instant::now();
    let done = tokio::select! {
        biased;
        done = read::run(&job, &client, &output, &terminal) => Some(done),
        () = output.closed() => None,
    };
    let took = begun.elapsed();
    let done = output.close().await.ok().and(done);
    let mut bytes = std::mem::take(&mut *taken.lock().unwrap());
    let whole = bytes.iter().rposition(|byte| *byte == b'\n');
    bytes.truncate(whole.map_or(0, |end| end + 1));
    let text = String::from_utf8(bytes).unwrap();
    secrets::check(&text);
    Ran {
        done,
        messages: protocol::messages(&text),
        took,
    }
}
