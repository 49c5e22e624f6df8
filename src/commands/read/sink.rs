//! What becomes of a stream's records on their way out: which are written, how many, and when a STATE may follow them.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use serde_json::Value;
use tokio::sync::Notify;

use crate::airbyte::log::Level;
use crate::airbyte::message::{Message, Status};
use crate::airbyte::output::{Output, record_begin};
use crate::commands::read::meter::{Meter, Waiting};
use crate::config::Config;
use crate::dixa::fields::Fields;
use crate::dixa::page::{Shape, Sink, Wait};
use crate::dixa::record::Record;
use crate::epoch::EpochMs;
use crate::seam::{Fingerprint, Place, Seam};
use crate::streams::Stream;
use crate::window::Window;

/// One stream's way out, shared by its bodies in flight.
pub struct StreamSink<'a> {
    pub stream: &'static Stream,
    fields: RefCell<Fields>,
    pub seam: RefCell<Seam>,
    pub meter: Meter<'a>,
    output: &'a Output,
    record_begin: Vec<u8>,
    start_date: EpochMs,
    end_date: Option<EpochMs>,
    is_running: Cell<bool>,
    has_warned_of_empty: Cell<bool>,
    since_state: Cell<u64>,
    last_state: RefCell<Option<Value>>,
    /// So many of its bodies, in order, have been asked for.
    asked: Cell<usize>,
    was_asked: Notify,
}

impl<'a> StreamSink<'a> {
    pub fn new(
        stream: &'static Stream,
        output: &'a Output,
        config: &Config,
        whole: &'a Meter<'a>,
    ) -> Self {
        Self {
            stream,
            meter: Meter::new(Some(whole)),
            fields: RefCell::new(stream.fields()),
            seam: RefCell::default(),
            output,
            record_begin: record_begin(stream.name),
            start_date: config.start_date,
            end_date: config.end_date,
            is_running: Cell::new(false),
            has_warned_of_empty: Cell::new(false),
            since_state: Cell::new(0),
            last_state: RefCell::default(),
            asked: Cell::new(0),
            was_asked: Notify::new(),
        }
    }

    /// The way out of one body: the number of its window or page, and the window.
    pub fn body(&self, number: usize, window: Option<Window>) -> BodySink<'_, 'a> {
        BodySink {
            sink: self,
            number,
            window,
            waiting: Waiting::new(&self.meter),
            records: 0,
            keyless: HashMap::new(),
        }
    }

    /// What its bodies are made of.
    pub fn shape(&self) -> Shape<'_> {
        Shape {
            path: self.stream.frame,
            fields: &self.fields,
        }
    }

    /// So many bodies, in order, have been asked for.
    pub fn asked(&self) -> usize {
        self.asked.get()
    }

    /// Waits until a body is asked for.
    pub async fn was_asked(&self) {
        self.was_asked.notified().await;
    }

    /// The stream runs, if nobody has heard so yet.
    pub fn run(&self) {
        if !self.is_running.replace(true) {
            self.output.status(self.stream.name, Status::Running);
        }
    }

    /// Everything before it was written: a STATE, unless it is the one before it with records between.
    pub fn checkpoint(&self, state: Value) {
        let mut last_state = self.last_state.borrow_mut();
        if last_state.as_ref() == Some(&state) && self.since_state.get() > 0 {
            return;
        }
        let records = self.since_state.take();
        self.output
            .message(&Message::state(self.stream.name, &state, records));
        *last_state = Some(state);
    }

    fn warn_of_undeclared(&self) {
        let undeclared = self.fields.borrow_mut().take_undeclared();
        if undeclared.is_empty() {
            return;
        }
        let names: Vec<_> = undeclared.iter().map(|name| format!("`{name}`")).collect();
        let warning = format!(
            "{}: Dixa sends fields that the schema does not declare: {}. They are in the records, but a destination may drop them.",
            self.stream.name,
            names.join(", ")
        );
        self.output.log(Level::Warn, &warning);
    }

    fn warn_of_empty(&self) {
        if !self.has_warned_of_empty.replace(true) {
            let warning = format!(
                "{}: Dixa sent an empty record; it is left out.",
                self.stream.name
            );
            self.output.log(Level::Warn, &warning);
        }
    }

    /// Not before the start date and not at the end date or later. A record without a numeric cursor always belongs.
    fn belongs(&self, cursor: Option<EpochMs>) -> bool {
        cursor.is_none_or(|cursor| {
            cursor >= self.start_date && self.end_date.is_none_or(|end_date| cursor < end_date)
        })
    }
}

/// One body's way out.
pub struct BodySink<'a, 'b> {
    sink: &'a StreamSink<'b>,
    number: usize,
    window: Option<Window>,
    waiting: Waiting<'a>,
    records: u64,
    keyless: HashMap<Fingerprint, Twins>,
}

/// How many records without a key, alike in every byte, this body has brought since it began again, and how many of
/// them were written.
#[derive(Default)]
struct Twins {
    brought: u64,
    written: u64,
}

impl BodySink<'_, '_> {
    /// The body is whole; how many of its records were written.
    pub fn finish(self) -> u64 {
        self.sink.run();
        self.sink.seam.borrow_mut().finish(self.number);
        self.sink.warn_of_undeclared();
        self.records
    }

    /// Whether a record was not written yet. It is known by its key and its cursor, or by all its bytes where it lacks one
    /// of them.
    fn is_new(&mut self, record: &Record<'_>, cursor: Option<EpochMs>) -> bool {
        let version = match cursor {
            Some(_) => record.cursor.unwrap_or_default(),
            None => record.bytes,
        };
        let place = self
            .window
            .map_or(Place::Edge, |window| Place::of(&window, cursor));
        let mut seam = self.sink.seam.borrow_mut();
        let Some(key) = record.key else {
            let fingerprint = Fingerprint::new(b"", record.bytes);
            let twins = self.keyless.entry(fingerprint).or_default();
            twins.brought += 1;
            let is_new = twins.brought > twins.written
                && (seam.is_new(self.number, place, fingerprint) || twins.written > 0);
            twins.written += u64::from(is_new);
            return is_new;
        };
        seam.is_new(self.number, place, Fingerprint::new(key, version))
    }
}

impl Sink for BodySink<'_, '_> {
    fn sent(&mut self) {
        let asked = &self.sink.asked;
        asked.set(asked.get().max(self.number + 1));
        self.sink.was_asked.notify_one();
        self.sink.meter.request();
    }

    fn begin(&mut self) {
        for twins in self.keyless.values_mut() {
            twins.brought = 0;
        }
    }

    fn record(&mut self, record: Record<'_>) {
        let sink = self.sink;
        if record.is_empty {
            sink.warn_of_empty();
            return;
        }
        let cursor = record.cursor_ms();
        if !sink.belongs(cursor) || !self.is_new(&record, cursor) {
            return;
        }
        sink.run();
        sink.output.record(&sink.record_begin, record.bytes);
        sink.since_state.update(|count| count + 1);
        sink.meter.record();
        self.records += 1;
    }

    fn came(&mut self, bytes: usize) {
        self.sink.output.stamp();
        self.sink.meter.bytes(bytes);
    }

    fn waits(&mut self, wait: Option<Wait>) {
        self.waiting.set(wait);
    }

    fn idle(&mut self) {
        self.sink.output.hand_over();
    }

    async fn room(&mut self) -> bool {
        self.sink.output.room().await
    }
}
