//! What is written for one stream: its status, its records' form, its warnings, and its states.

use std::cell::{Cell, RefCell};

use record_splitter::{FieldRules, IdCollector, Record};
use serde_json::Value;

use crate::airbyte::catalog::FieldSelection;
use crate::airbyte::log::Level;
use crate::airbyte::message::Status;
use crate::commands::read::date_filter::DateFilter;
use crate::commands::read::record_warnings::RecordWarnings;
use crate::commands::read::stats::SyncStats;
use crate::commands::read::stream_requests::StreamRequests;
use crate::config::Config;
use crate::dixa::timestamp::TimeFormat;
use crate::epoch::EpochMs;
use crate::output::Output;
use crate::output::format::Format;
use crate::streams::record_form::RecordForm;
use crate::streams::stream::{Span, Stream};

/// Writes one stream; shared by its windows in flight.
pub struct StreamWriter<'a> {
    pub stream: &'static Stream,
    pub output: &'a Output,
    pub stats: SyncStats<'a>,
    pub requests: StreamRequests,
    /// The stream is read for its ids only: no records, states or statuses are written.
    pub ids_only: bool,
    /// The ids in its records, if a child stream needs them.
    pub ids: Option<RefCell<IdCollector>>,
    pub time_format: TimeFormat,
    pub record_prefix: Vec<u8>,
    pub dates: DateFilter,
    /// The version of the table, if its records carry one.
    version: Option<i64>,
    pub form: RecordForm,
    rules: FieldRules,
    /// The rules keep every field that the schema declares as it is.
    keeps_declared: bool,
    pub warnings: RecordWarnings,
    pub states: StateCounter,
    is_running: Cell<bool>,
    /// A part was skipped that may have records, so the table must not be taken for complete.
    has_skipped_part: Cell<bool>,
}

impl<'a> StreamWriter<'a> {
    pub fn new(
        stream: &'static Stream,
        output: &'a Output,
        config: &Config,
        fields: &FieldSelection,
        whole: &'a SyncStats<'a>,
    ) -> Self {
        let form = RecordForm {
            typed_values: config.typed_values,
            only_declared: output.format() == Format::Singer,
            fields: fields.clone(),
        };
        let rules = form.rules(stream);
        Self {
            stream,
            output,
            stats: SyncStats::new(Some(whole)),
            requests: StreamRequests::new(stream),
            ids_only: false,
            ids: None,
            time_format: stream.time_format(),
            record_prefix: output.format().record_prefix(stream.name, None),
            version: None,
            dates: DateFilter::new(config, stream.request_margin(), EpochMs::now()),
            keeps_declared: rules.keep_everything(),
            form,
            rules,
            warnings: RecordWarnings::default(),
            states: StateCounter::default(),
            is_running: Cell::new(false),
            has_skipped_part: Cell::new(false),
        }
    }

    /// Its records are all that the table holds once the read is complete, as this version of it.
    pub fn set_version(&mut self, version: i64) {
        let format = self.output.format();
        self.record_prefix = format.record_prefix(self.stream.name, Some(version));
        self.version = Some(version);
    }

    /// Notes that a part was skipped that may have records.
    pub fn mark_part_skipped(&self) {
        self.has_skipped_part.set(true);
    }

    pub fn has_skipped_part(&self) -> bool {
        self.has_skipped_part.get()
    }

    /// The table was read from its start to its end: rows of other versions are gone, unless a part was skipped.
    pub fn activate_version(&self) {
        if let Some(version) = self.version.filter(|_| !self.has_skipped_part()) {
            self.output.activate_version(self.stream.name, version);
        }
    }

    /// The rules for the fields of a record, if they change it.
    pub fn rules_for(&self, record: &Record<'_>) -> Option<&FieldRules> {
        let is_changed = !self.keeps_declared || (record.has_undeclared && self.form.only_declared);
        is_changed.then_some(&self.rules)
    }

    /// The time of a record: its cursor, or what its stream says.
    pub fn time_of(&self, record: &Record<'_>) -> Option<EpochMs> {
        let Span::Days { time } = self.stream.span else {
            return self.time_format.read(record.cursor?);
        };
        let record: Value = serde_json::from_slice(record.bytes).ok()?;
        self.time_format.parse(record.pointer(time)?.as_str()?)
    }

    /// Reports the stream as running, once.
    pub fn mark_running(&self) {
        if !self.ids_only && !self.is_running.replace(true) {
            self.output.status(self.stream.name, Status::Running);
        }
    }

    /// Writes a STATE after everything that it covers, unless it repeats the last one with records in between.
    pub fn emit_state(&self, state: &Value) {
        if let Some(records) = self.states.take(state) {
            self.output.state(self.stream.name, state, records);
        }
    }

    /// Warns of fields that the schema does not declare, each once.
    pub fn warn_of_undeclared(&self) {
        let undeclared = self.requests.fields.borrow_mut().take_undeclared();
        if self.ids_only || undeclared.is_empty() {
            return;
        }
        let names: Vec<_> = undeclared.iter().map(|name| format!("`{name}`")).collect();
        let what = if self.form.only_declared {
            "They are left out, since Singer targets refuse them"
        } else {
            "They are in the records, but a destination may drop them"
        };
        let warning = format!(
            "{}: Dixa sends fields that the schema does not declare: {}. {what}.",
            self.stream.name,
            names.join(", ")
        );
        self.output.log(Level::Warn, &warning);
    }

    /// Warns of an empty record, once.
    pub fn warn_of_empty(&self) {
        if !self.ids_only && !self.warnings.has_empty.replace(true) {
            let warning = format!("{}: skipped an empty record.", self.stream.name);
            self.output.log(Level::Warn, &warning);
        }
    }
}

/// The states of a stream, and the records between them.
#[derive(Default)]
pub struct StateCounter {
    records: Cell<u64>,
    last: RefCell<Option<Value>>,
}

impl StateCounter {
    pub fn count_record(&self) {
        self.records.update(|records| records + 1);
    }

    /// The number of records since the last state; `None` if this state need not be written.
    fn take(&self, state: &Value) -> Option<u64> {
        let mut last = self.last.borrow_mut();
        if last.as_ref() == Some(state) && self.records.get() > 0 {
            return None;
        }
        *last = Some(state.clone());
        Some(self.records.take())
    }
}
