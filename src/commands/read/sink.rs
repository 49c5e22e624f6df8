//! What becomes of a stream's records on their way out: which are written, how many, and when a STATE may follow them.

use serde_json::Value;

use crate::airbyte::log::Level;
use crate::airbyte::message::{Message, Status};
use crate::airbyte::output::Output;
use crate::config::Config;
use crate::dixa::page::Sink;
use crate::dixa::records::Record;
use crate::epoch::EpochMs;
use crate::seam::{Fingerprint, Seam, is_near_the_edge};
use crate::streams::Stream;
use crate::window::Window;

/// Names of fields are Dixa's words in our messages: never more of one than this.
const LONGEST_NAME: usize = 100;

/// One stream's way out.
pub struct StreamSink<'a> {
    stream: &'static Stream,
    output: &'a Output,
    start_date: EpochMs,
    end_date: Option<EpochMs>,
    /// The window in flight, of a stream that has windows.
    window: Option<Window>,
    seam: Seam,
    is_running: bool,
    has_warned_of_empty: bool,
    since_state: u64,
    total: u64,
    before_window: u64,
    last_state: Option<Value>,
}

impl<'a> StreamSink<'a> {
    pub fn new(stream: &'static Stream, output: &'a Output, config: &Config) -> Self {
        Self {
            stream,
            output,
            start_date: config.start_date,
            end_date: config.end_date,
            window: None,
            seam: Seam::default(),
            is_running: false,
            has_warned_of_empty: false,
            since_state: 0,
            total: 0,
            before_window: 0,
            last_state: None,
        }
    }

    pub fn stream(&self) -> &'static Stream {
        self.stream
    }

    /// How many records were written.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// How many of them since the last window began.
    pub fn since_window_began(&self) -> u64 {
        self.total - self.before_window
    }

    /// The coming records are of this window.
    pub fn begin_window(&mut self, window: Window) {
        self.window = Some(window);
        self.before_window = self.total;
    }

    /// The body is whole; these fields in it are not declared.
    pub fn end_body(&mut self, undeclared: &[String]) {
        self.run();
        self.seam.finish();
        if !undeclared.is_empty() {
            let names: Vec<_> = undeclared
                .iter()
                .map(|name| format!("`{}`", name.chars().take(LONGEST_NAME).collect::<String>()))
                .collect();
            let warning = format!(
                "{}: Dixa sends fields that the schema does not declare: {}. They are in the records, but a destination may drop them.",
                self.stream.name,
                names.join(", ")
            );
            self.output.log(Level::Warn, &warning);
        }
    }

    /// Everything before it was written: a STATE, unless it is the one before it with records between.
    pub fn checkpoint(&mut self, state: Value) {
        if self.last_state.as_ref() == Some(&state) && self.since_state > 0 {
            return;
        }
        self.output
            .message(&Message::state(self.stream.name, &state, self.since_state));
        self.since_state = 0;
        self.last_state = Some(state);
    }

    fn run(&mut self) {
        if !self.is_running {
            self.is_running = true;
            self.output.status(self.stream.name, Status::Running);
        }
    }

    /// Not before the start date and not at the end date or later. A record without a numeric cursor always belongs.
    fn belongs(&self, cursor: Option<EpochMs>) -> bool {
        cursor.is_none_or(|cursor| {
            cursor >= self.start_date && self.end_date.is_none_or(|end_date| cursor < end_date)
        })
    }

    /// Whether a record was not written yet. One without a key cannot be told from others and is always new.
    fn is_new(&mut self, record: &Record<'_>, cursor: Option<EpochMs>) -> bool {
        let Some(key) = record.key else { return true };
        let version = match (self.window, cursor) {
            (None, _) => b"",
            (Some(_), Some(_)) => record.cursor.unwrap_or_default(),
            (Some(_), None) => record.bytes,
        };
        let fingerprint = Fingerprint::new(key, version);
        let is_new = self.seam.is_new(fingerprint);
        if is_new
            && self
                .window
                .is_none_or(|window| is_near_the_edge(&window, cursor))
        {
            self.seam.remember(fingerprint);
        }
        is_new
    }
}

impl Sink for StreamSink<'_> {
    fn record(&mut self, record: Record<'_>) {
        if record.is_empty {
            if !self.has_warned_of_empty {
                self.has_warned_of_empty = true;
                self.output.log(
                    Level::Warn,
                    &format!(
                        "{}: Dixa sent an empty record; it is left out.",
                        self.stream.name
                    ),
                );
            }
            return;
        }
        let cursor = record.cursor_ms();
        if !self.belongs(cursor) || !self.is_new(&record, cursor) {
            return;
        }
        self.run();
        self.output.record(self.stream.name, record.bytes);
        self.since_state += 1;
        self.total += 1;
    }

    fn idle(&mut self) {
        self.output.hand_over();
    }

    async fn room(&mut self) -> bool {
        self.output.room().await
    }
}
