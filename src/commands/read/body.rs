//! What becomes of the records of a window or a list on their way out: which are written, in what form, and how many.

use std::cell::RefCell;
use std::collections::HashMap;
use std::str;

use serde_json::Value;

use crate::commands::read::meter::Waiting;
use crate::commands::read::sink::StreamSink;
use crate::dixa::object::masked;
use crate::dixa::page::{Sink, Wait};
use crate::dixa::record::Record;
use crate::epoch::EpochMs;
use crate::seam::{Fingerprint, Place, Seam};
use crate::window::Window;

/// One window's or list's way out, body after body.
pub struct BodySink<'a, 'b> {
    pub sink: &'a StreamSink<'b>,
    seam: &'a RefCell<Seam>,
    /// Of the window, or of the list's page.
    number: usize,
    window: Option<Window>,
    record_begin: Vec<u8>,
    /// So many of a record's first bytes are in `record_begin`.
    skipped: usize,
    waiting: Waiting<'a>,
    records: u64,
    keyless: HashMap<Fingerprint, Twins>,
}

/// A record as text.
fn text<'a>(record: &Record<'a>) -> &'a str {
    str::from_utf8(record.bytes).unwrap_or_else(|_| unreachable!("it was found to be UTF-8"))
}

/// How many records without a key, alike in every byte, this body has brought since it began again, and how many of
/// them were written.
#[derive(Default)]
struct Twins {
    brought: u64,
    written: u64,
}

impl<'a, 'b> BodySink<'a, 'b> {
    /// The way out of a window: its number, and itself.
    pub fn window(
        sink: &'a StreamSink<'b>,
        seam: &'a RefCell<Seam>,
        number: usize,
        window: Window,
    ) -> Self {
        Self {
            number,
            window: Some(window),
            ..Self::list(sink, seam)
        }
    }

    /// The way out of a list, page after page.
    pub fn list(sink: &'a StreamSink<'b>, seam: &'a RefCell<Seam>) -> Self {
        Self {
            sink,
            seam,
            number: 0,
            window: None,
            record_begin: sink.record_begin.clone(),
            skipped: 0,
            waiting: Waiting::new(&sink.meter),
            records: 0,
            keyless: HashMap::new(),
        }
    }

    /// The way out of a list whose records carry this field with the id of its parent in front.
    pub fn list_of(
        sink: &'a StreamSink<'b>,
        seam: &'a RefCell<Seam>,
        field: &str,
        id: &str,
    ) -> Self {
        let mut body = Self::list(sink, seam);
        let front = format!("{{{}:{},", Value::from(field), Value::from(id));
        body.record_begin.extend_from_slice(front.as_bytes());
        body.skipped = 1;
        body
    }

    /// No page of the list came to its end yet.
    pub fn is_at_first_page(&self) -> bool {
        self.number == 0
    }

    /// The window is whole; how many of its records were written.
    pub fn finish(self) -> u64 {
        self.seam.borrow_mut().finish(self.number);
        self.records
    }

    /// Writes a record.
    fn write(&mut self, record: &Record<'_>) {
        let sink = self.sink;
        sink.run();
        if sink.stream.secrets.is_empty() {
            sink.output
                .record(&self.record_begin, &record.bytes[self.skipped..]);
        } else {
            let record = masked(text(record), sink.stream.secrets);
            sink.output
                .record(&self.record_begin, &record.as_bytes()[self.skipped..]);
        }
        sink.since_state.update(|count| count + 1);
        sink.meter.record();
        self.records += 1;
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
        let mut seam = self.seam.borrow_mut();
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
        if let Some(ids) = &sink.ids {
            ids.borrow_mut().take(text(&record));
        }
        let cursor = record.cursor.and_then(|token| sink.times.read(token));
        if !sink.is_silent && sink.belongs(cursor) && self.is_new(&record, cursor) {
            self.write(&record);
        }
    }

    fn end(&mut self) {
        self.sink.run();
        self.sink.warn_of_undeclared();
        if self.window.is_none() {
            self.number += 1;
            self.keyless.clear();
            self.seam.borrow_mut().finish_before(self.number);
        }
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
