//! A stream's way out: what is told of it, and when a STATE may follow its records.

use std::cell::{Cell, RefCell};

use serde_json::Value;
use tokio::sync::Notify;

use crate::airbyte::log::Level;
use crate::airbyte::message::Status;
use crate::airbyte::output::Output;
use crate::commands::read::meter::Meter;
use crate::config::Config;
use crate::dixa::fields::Fields;
use crate::dixa::object::FoundIds;
use crate::dixa::page::Shape;
use crate::dixa::times::Times;
use crate::epoch::EpochMs;
use crate::streams::Stream;

/// One stream's way out, shared by its bodies in flight.
pub struct StreamSink<'a> {
    pub stream: &'static Stream,
    /// The stream is read for its ids only: no records, states and statuses are written.
    pub is_silent: bool,
    /// The ids in its records, if another list wants them.
    pub ids: Option<RefCell<FoundIds>>,
    /// Pages of so many records are asked for; of Dixa's own size where there is none.
    pub page_limit: Cell<Option<u32>>,
    fields: RefCell<Fields>,
    pub meter: Meter<'a>,
    pub(super) output: &'a Output,
    pub(super) times: Times,
    pub(super) record_begin: Vec<u8>,
    start_date: EpochMs,
    end_date: Option<EpochMs>,
    is_running: Cell<bool>,
    has_warned_of_empty: Cell<bool>,
    pub(super) since_state: Cell<u64>,
    last_state: RefCell<Option<Value>>,
    /// So many of its bodies, in order, have been asked for.
    pub(super) asked: Cell<usize>,
    pub(super) was_asked: Notify,
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
            is_silent: false,
            ids: None,
            page_limit: Cell::new(stream.page_limit()),
            fields: RefCell::new(stream.fields()),
            output,
            times: stream.times(),
            record_begin: output.format().record_begin(stream.name),
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

    /// What its bodies are made of.
    pub fn shape(&self) -> Shape<'_> {
        Shape {
            frame: self.stream.frame,
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
        if !self.is_silent && !self.is_running.replace(true) {
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
        self.output.state(self.stream.name, &state, records);
        *last_state = Some(state);
    }

    pub(super) fn warn_of_undeclared(&self) {
        let undeclared = self.fields.borrow_mut().take_undeclared();
        if self.is_silent || undeclared.is_empty() {
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

    pub(super) fn warn_of_empty(&self) {
        if !self.is_silent && !self.has_warned_of_empty.replace(true) {
            let warning = format!(
                "{}: Dixa sent an empty record; it is left out.",
                self.stream.name
            );
            self.output.log(Level::Warn, &warning);
        }
    }

    /// Not before the start date and not at the end date or later. A record without a numeric cursor always belongs.
    pub(super) fn belongs(&self, cursor: Option<EpochMs>) -> bool {
        cursor.is_none_or(|cursor| {
            cursor >= self.start_date && self.end_date.is_none_or(|end_date| cursor < end_date)
        })
    }
}
