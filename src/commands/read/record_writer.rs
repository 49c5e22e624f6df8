//! What happens to the records of one window or list: which are written, in what form, and how many.

use std::borrow::Cow;
use std::cell::RefCell;
use std::str;

use record_splitter::{Record, mask_fields, repair, without_field};
use serde_json::Value;

use crate::commands::read::record_warnings::increment;
use crate::commands::read::row_copies::{RowCopies, RowKey};
use crate::commands::read::stats::WaitGuard;
use crate::commands::read::stream_writer::StreamWriter;
use crate::dedup::{KeylessRecords, Overlap, SeenRecords};
use crate::dixa::error::Error;
use crate::dixa::sink::{Sink, Wait};
use crate::epoch::EpochMs;
use crate::streams::stream::{COPY, ROW_HASH};
use crate::window::Window;

/// Writes the records of one window or list, body after body.
pub struct RecordWriter<'a, 'b> {
    pub stream: &'a StreamWriter<'b>,
    seen: &'a RefCell<SeenRecords>,
    /// Of the window, or of the list's page.
    number: usize,
    window: Option<Window>,
    record_prefix: Vec<u8>,
    /// The fields that each record begins with: that of the parent's id, which is in `record_prefix` along with the opening brace of
    /// the record, and those of its key if it has a [`RowKey`].
    added_fields: Vec<&'a str>,
    /// The rows of the window, if they have no key of their own.
    rows: Option<&'a RefCell<RowCopies>>,
    wait: WaitGuard<'a>,
    records: u64,
    keyless: KeylessRecords,
}

/// A record as text.
fn text<'a>(record: &Record<'a>) -> &'a str {
    str::from_utf8(record.bytes).unwrap_or_else(|_| unreachable!("the splitter checked it"))
}

impl<'a, 'b> RecordWriter<'a, 'b> {
    /// For a window and its number.
    pub fn window(
        stream: &'a StreamWriter<'b>,
        seen: &'a RefCell<SeenRecords>,
        number: usize,
        window: Window,
    ) -> Self {
        Self {
            number,
            window: Some(window),
            ..Self::list(stream, seen)
        }
    }

    /// For a list, page after page.
    pub fn list(stream: &'a StreamWriter<'b>, seen: &'a RefCell<SeenRecords>) -> Self {
        Self {
            stream,
            seen,
            number: 0,
            window: None,
            record_prefix: stream.record_prefix.clone(),
            added_fields: Vec::new(),
            rows: None,
            wait: WaitGuard::new(&stream.stats),
            records: 0,
            keyless: KeylessRecords::default(),
        }
    }

    /// For a list whose records begin with this field, which carries the id of their parent.
    pub fn child_list(
        stream: &'a StreamWriter<'b>,
        seen: &'a RefCell<SeenRecords>,
        field: &'a str,
        id: &str,
    ) -> Self {
        let mut writer = Self::list(stream, seen);
        // As everywhere in a record: no database stores U+0000.
        let id = id.replace('\0', "");
        let front = format!("{{{}:{}", Value::from(field), Value::from(id));
        writer.record_prefix.extend_from_slice(front.as_bytes());
        writer.added_fields.push(field);
        writer
    }

    /// The same for whole days of rows that have no key: each gets one.
    pub fn with_row_keys(mut self, days: Window, rows: &'a RefCell<RowCopies>) -> Self {
        self.added_fields.extend([ROW_HASH, COPY]);
        self.window = Some(days);
        self.rows = Some(rows);
        self
    }

    /// The days, or a part of them, are requested from their first page.
    pub fn begin_pages(&mut self) {
        if let Some(rows) = self.rows {
            rows.borrow_mut().begin_pages();
        }
    }

    /// Whether no page of the list has ended yet.
    pub fn is_at_first_page(&self) -> bool {
        self.number == 0
    }

    /// How many pages have ended.
    pub fn pages(&self) -> usize {
        self.number
    }

    /// The window is complete; how many of its records were written.
    pub fn finish(self) -> u64 {
        self.records
    }

    fn write(&mut self, record: &Record<'_>, key: Option<RowKey>) {
        let stream = self.stream;
        stream.mark_running();
        let is_unchanged = !record.may_need_repair
            && stream.stream.secrets.is_empty()
            && self.added_fields.is_empty()
            && stream.rules_for(record).is_none();
        if is_unchanged {
            stream.output.record(&self.record_prefix, record.bytes);
        } else {
            self.write_changed(record, key);
        }
        stream.states.count_record();
        stream.stats.count_record();
        self.records += 1;
    }

    /// Writes a record with changes: text that no database stores, secrets, added fields, fields that are left out or typed.
    fn write_changed(&self, record: &Record<'_>, key: Option<RowKey>) {
        let stream = self.stream;
        let rules = stream.rules_for(record);
        let mut record = if record.may_need_repair {
            let repaired = repair(text(record));
            if repaired.is_unusual {
                increment(&stream.warnings.unusual);
            }
            if let Cow::Owned(_) = repaired.text {
                increment(&stream.warnings.repaired);
            }
            repaired.text
        } else {
            text(record).into()
        };
        if !stream.stream.secrets.is_empty() {
            record = mask_fields(&record, stream.stream.secrets).into();
        }
        for field in &self.added_fields {
            if let Some(rest) = without_field(&record, field) {
                record = rest.into();
            }
        }
        let mut record = Cow::Borrowed(record.as_bytes());
        if let Some(rules) = rules {
            // Times are longer as text.
            let mut changed = Vec::with_capacity(record.len() + record.len() / 4);
            let unconverted = rules.apply(&record, &mut changed);
            let counter = &stream.warnings.unconverted;
            counter.update(|count| count + unconverted);
            record = changed.into();
        }
        if self.added_fields.is_empty() {
            stream.output.record(&self.record_prefix, &record);
            return;
        }
        let key = key.map(|RowKey { hash, copy }| {
            format!(r#","{ROW_HASH}":"{hash:032x}","{COPY}":{copy}"#).into_bytes()
        });
        let members = &record[1..];
        let comma: &[u8] = if members.trim_ascii_start() == b"}" {
            b""
        } else {
            b","
        };
        let prefix = [&self.record_prefix, &*key.unwrap_or_default(), comma].concat();
        stream.output.record(&prefix, members);
    }

    /// Counts a record that is skipped for its date, unless it is there only because our own request reaches a little beyond the
    /// dates.
    fn skip(&self, record: &Record<'_>, cursor: EpochMs) {
        if !self.stream.dates.is_within_request_margin(cursor)
            && self.seen.borrow_mut().remember_skipped(record)
        {
            increment(&self.stream.warnings.skipped_for_date);
        }
    }

    /// Counts a written record whose cursor is not what was requested.
    fn count_odd_cursor(&self, overlap: Overlap, cursor: Option<EpochMs>) {
        let warnings = &self.stream.warnings;
        match (overlap, cursor) {
            (Overlap::Outside(..), _) => increment(&warnings.outside),
            (Overlap::Unknown, Some(_)) => increment(&warnings.implausible),
            (Overlap::Unknown, None) => increment(&warnings.without_cursor),
            _ => {}
        }
    }
}

impl Sink for RecordWriter<'_, '_> {
    fn sent(&mut self) {
        self.stream.requests.mark_sent(self.number);
        self.stream.stats.count_request();
    }

    fn begin(&mut self) {
        self.keyless.restart();
        if let Some(rows) = self.rows {
            rows.borrow_mut().begin_page();
        }
    }

    fn record(&mut self, record: Record<'_>) {
        let stream = self.stream;
        if record.is_empty {
            stream.warn_of_empty();
            return;
        }
        if let Some(ids) = &stream.ids {
            ids.borrow_mut().collect(text(&record));
        }
        if stream.ids_only {
            return;
        }
        let cursor = stream.time_of(&record);
        let plausible = cursor.filter(|cursor| stream.dates.is_plausible(*cursor));
        if let Some(cursor) = plausible.filter(|cursor| stream.dates.excludes(*cursor)) {
            self.skip(&record, cursor);
            return;
        }
        let overlap = self
            .window
            .map_or(Overlap::Edge, |window| Overlap::of(&window, plausible));
        if let Some(rows) = self.rows {
            let may_return = matches!(overlap, Overlap::Edge | Overlap::Unknown);
            let key = rows.borrow_mut().key(record.bytes, may_return);
            if key.is_some() {
                self.count_odd_cursor(overlap, cursor);
                self.write(&record, key);
            }
            return;
        }
        let is_new = self.seen.borrow_mut().remember(
            &mut self.keyless,
            self.number,
            overlap,
            &record,
            cursor,
        );
        if is_new {
            self.count_odd_cursor(overlap, cursor);
            self.write(&record, None);
        }
    }

    fn end(&mut self) {
        self.stream.mark_running();
        self.stream.warn_of_undeclared();
        if let Some(rows) = self.rows {
            rows.borrow_mut().end_page();
            self.number += 1;
        } else if self.window.is_none() {
            self.number += 1;
            self.keyless.clear();
            self.seen.borrow_mut().finish_before(self.number);
        }
    }

    fn on_bytes(&mut self, bytes: usize) {
        self.stream.output.refresh_timestamp();
        self.stream.stats.add_bytes(bytes);
    }

    fn waiting_for(&mut self, wait: Option<Wait>) {
        self.wait.set(wait);
    }

    fn idle(&mut self) {
        self.stream.output.flush();
    }

    async fn ready(&mut self) -> Result<(), Error> {
        if self.seen.borrow().is_full() {
            return Err(Error::TooManyOutside {
                host: self.stream.stream.host,
            });
        }
        if self.stream.output.ready().await {
            Ok(())
        } else {
            Err(Error::Closed)
        }
    }
}
