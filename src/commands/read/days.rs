//! Reads a stream by whole UTC days for each id of its parent: ids at the same time, the days of one in order, with a position of its
//! own that a state has after each window.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use futures_util::{StreamExt, stream};
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::airbyte::catalog::SyncMode;
use crate::airbyte::log::Level;
use crate::checkpoint::positions::Positions;
use crate::checkpoint::{PositionTracker, ReadBounds, ReadPlan, SavedPosition, plan, resumed};
use crate::commands::numbers::plural;
use crate::commands::read::context::ReadContext;
use crate::commands::read::error::ReadError;
use crate::commands::read::lists::{is_none_here, shortened, usable_ids};
use crate::commands::read::plan_report::warnings;
use crate::commands::read::row_copies::RowCopies;
use crate::commands::read::stream_writer::StreamWriter;
use crate::dixa::concurrency::MAX_IN_FLIGHT;
use crate::dixa::error::Error;
use crate::epoch::EpochMs;
use crate::streams::stream::{Filter, Method, Parent, Partitions, RecordsQuery, Stream};
use crate::window::{DayCount, Window};

/// What the ids of one read share.
pub struct DaysToRead<'a, 'b> {
    pub(super) writer: &'a StreamWriter<'b>,
    pub(super) parent: &'static Parent,
    pub(super) query: &'static RecordsQuery,
    mode: SyncMode,
    bounds: ReadBounds,
    positions: RefCell<Positions>,
    /// The filter for ids that need one, once it is known; `None` if no attribute has values.
    pub(super) filter: OnceCell<Option<Filter>>,
    pub(super) has_warned_of_filter: Cell<bool>,
}

/// What is left to be read of one id.
pub struct IdToRead<'a> {
    pub(super) id: &'a str,
    start: EpochMs,
    horizon: EpochMs,
    reached: Option<EpochMs>,
    covered_from: Option<EpochMs>,
    /// Dixa refuses its records without a filter.
    pub(super) needs_filter: Cell<bool>,
    /// The length of its next window.
    pub(super) length: Cell<DayCount>,
    pub(super) rows: RefCell<RowCopies>,
}

impl DaysToRead<'_, '_> {
    /// What the saved position of an id leaves to be read, if anything; warnings are added to those of the other ids.
    fn plan<'a>(
        &self,
        id: &'a str,
        found: &mut BTreeSet<String>,
        days: u32,
    ) -> Option<IdToRead<'a>> {
        let saved = self.positions.borrow().of(id);
        let plan = plan(self.mode, saved, &self.bounds);
        found.extend(warnings(
            &plan,
            resumed(self.mode, saved),
            &self.bounds,
            days,
        ));
        match plan {
            ReadPlan::StateInFuture(_) | ReadPlan::Empty => None,
            ReadPlan::Read {
                start,
                horizon,
                reached,
                covered_from,
                ..
            } => Some(IdToRead {
                id,
                start,
                horizon,
                reached,
                covered_from,
                needs_filter: Cell::new(false),
                length: Cell::new(DayCount::new(days)),
                rows: RefCell::default(),
            }),
        }
    }

    fn save(&self, to_read: &IdToRead<'_>, position: EpochMs) {
        let saved = SavedPosition {
            position,
            covered_from: to_read.covered_from,
            unfinished: false,
            typed_values: false,
        };
        let mut positions = self.positions.borrow_mut();
        positions.set(to_read.id, saved);
        self.writer.emit_state(&positions.to_blob());
    }
}

impl IdToRead<'_> {
    fn days(&self) -> Window {
        Window {
            start: self.start.floor_to_day(),
            end: self.horizon.ceil_to_day(),
        }
    }
}

impl ReadContext<'_> {
    /// Reads what the saved positions leave to be read.
    pub(super) async fn read_days(
        &self,
        mode: SyncMode,
        writer: &StreamWriter<'_>,
    ) -> Result<(), ReadError> {
        let stream = writer.stream;
        let (Partitions::Parent(parent), Method::Post(query)) =
            (&stream.partitions, &stream.method)
        else {
            unreachable!("a test holds that such a stream has a parent and a query");
        };
        let found = self.found_ids(parent, stream).await?;
        let ids = usable_ids(&found.ids, &parent.ids);
        if found.lacks_part {
            writer.mark_part_skipped();
        }
        let (given, mut positions) = self.saved_positions(stream, mode);
        let is_resumed = mode == SyncMode::FullRefresh && positions.unfinished;
        positions.unfinished = mode == SyncMode::FullRefresh;
        let days = DaysToRead {
            writer,
            parent,
            query,
            mode,
            bounds: self.job.bounds(),
            positions: RefCell::new(positions),
            filter: OnceCell::new(),
            has_warned_of_filter: Cell::new(false),
        };
        let mut found = BTreeSet::new();
        let ids: Vec<_> = ids
            .into_iter()
            .filter_map(|id| days.plan(id, &mut found, self.job.config.window_days))
            .collect();
        for warning in found {
            self.log_of(stream, Level::Warn, &warning);
        }
        writer.mark_running();
        if ids.is_empty() {
            self.log_of(stream, Level::Info, "there is nothing to read.");
            let unchanged = given.cloned();
            writer.emit_state(&unchanged.unwrap_or_else(|| Positions::default().to_blob()));
            return Ok(());
        }
        self.read_ids_of_days(&days, &ids).await?;
        let mut positions = days.positions.into_inner();
        positions.unfinished = false;
        writer.emit_state(&positions.to_blob());
        if mode == SyncMode::FullRefresh && !is_resumed && self.job.config.end_date.is_none() {
            writer.activate_version();
        }
        Ok(())
    }

    /// Reads each id to its end, whatever happens to the others; the first error at last. Those that Dixa refuses are skipped.
    async fn read_ids_of_days(
        &self,
        days: &DaysToRead<'_, '_>,
        ids: &[IdToRead<'_>],
    ) -> Result<(), ReadError> {
        let (writer, list) = (days.writer, days.parent.list.name);
        let total = ids.iter().map(|id| id.days().day_count()).sum::<u64>();
        writer.stats.set_window_total(total);
        let message = format!(
            "{} to read, in {} of {list}.",
            plural(total, "day"),
            ids.len()
        );
        self.log_of(writer.stream, Level::Info, &message);
        let mut reads = stream::iter(ids)
            .map(async |id| (id.id, self.read_id_of_days(days, id).await))
            .buffer_unordered(MAX_IN_FLIGHT);
        let (mut refusals, mut failed) = (Vec::new(), None);
        while let Some((id, read)) = reads.next().await {
            match read {
                Ok(None) => {}
                Ok(Some(refusal)) => refusals.push((id, refusal)),
                Err(ReadError::OutputClosed) => return Err(ReadError::OutputClosed),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        self.report_refusals(days, refusals, ids.len())?;
        failed.map_or(Ok(()), Err)
    }

    /// Warns of the ids that Dixa refuses; an error if they are all, with another status than 404.
    fn report_refusals(
        &self,
        days: &DaysToRead<'_, '_>,
        mut refusals: Vec<(&str, Error)>,
        ids: usize,
    ) -> Result<(), ReadError> {
        let (writer, list) = (days.writer, days.parent.list.name);
        let is_not_found = |(_, error): &(&str, Error)| error.status() == Some(404);
        if refusals.len() == ids && ids > 1 && !refusals.iter().any(is_not_found) {
            let (_, first) = refusals.swap_remove(0);
            return Err(ReadError::new(first, writer.stream, Some(&"of every id")));
        }
        if !refusals.is_empty() {
            writer.mark_part_skipped();
            let status = |error: &Error| error.status().unwrap_or_default();
            let refused: Vec<_> = refusals
                .iter()
                .map(|(id, error)| format!("{} ({})", shortened(id), status(error)))
                .collect();
            let warning = format!(
                "skipped {} of {} {list}, which Dixa refuses: {}. The next read tries them again, from where this one stopped.",
                refused.len(),
                ids,
                refused.join(", ")
            );
            self.log_of(writer.stream, Level::Warn, &warning);
        }
        Ok(())
    }

    /// Reads the days of one id; the error, if Dixa refuses it.
    async fn read_id_of_days(
        &self,
        days: &DaysToRead<'_, '_>,
        to_read: &IdToRead<'_>,
    ) -> Result<Option<Error>, ReadError> {
        let mut tracker = PositionTracker::new(to_read.reached, to_read.start, to_read.horizon);
        let mut left = to_read.days();
        while left.start < left.end {
            let window = to_read.length.get().first_days(&left);
            let read = self.read_window_of_days(days, to_read, window);
            let server_time = match read.await {
                Ok(server_time) => server_time,
                Err(error) if is_none_here(days.parent, &error) => return Ok(Some(error)),
                Err(error) => {
                    let part = format!("{}, {window}", shortened(to_read.id));
                    return Err(ReadError::new(error, days.writer.stream, Some(&part)));
                }
            };
            tracker.advance(window.end, server_time);
            if let Some(position) = tracker.position() {
                days.save(to_read, position);
            }
            left.start = window.end;
        }
        Ok(None)
    }

    /// The state that was given, if it can be used, and the positions in it that the mode continues from. Warnings say what cannot be
    /// used.
    fn saved_positions(&self, stream: &Stream, mode: SyncMode) -> (Option<&Value>, Positions) {
        let Some(given) = stream.names().find_map(|name| self.job.states.get(name)) else {
            return Default::default();
        };
        let (positions, unusable) = match Positions::parse(given) {
            Ok((positions, unusable)) => (Some(positions), unusable),
            Err(reason) => (None, vec![reason]),
        };
        if mode == SyncMode::FullRefresh && given["unfinished"] != true {
            return (positions.map(|_| given), Positions::default());
        }
        for reason in unusable {
            let warning = format!(
                "the saved state cannot be used: {reason}. What it belongs to is read from the start, {}.",
                self.job.config.start_date
            );
            self.log_of(stream, Level::Warn, &warning);
        }
        (
            positions.as_ref().map(|_| given),
            positions.unwrap_or_default(),
        )
    }
}
