//! Reads a stream by windows: several in flight, with checkpoints up to the first incomplete one.

use std::cell::RefCell;
use std::collections::BTreeMap;

use futures_util::StreamExt;
use futures_util::future::{AbortHandle, Aborted, abortable};
use futures_util::stream::FuturesUnordered;
use serde_json::Value;

use crate::airbyte::catalog::SyncMode;
use crate::airbyte::log::Level;
use crate::checkpoint::{PositionTracker, ReadPlan, SavedPosition, plan, resumed};
use crate::commands::numbers::plural;
use crate::commands::read::context::ReadContext;
use crate::commands::read::error::ReadError;
use crate::commands::read::pages::{ListSelector, min_known};
use crate::commands::read::record_writer::RecordWriter;
use crate::commands::read::stream_writer::StreamWriter;
use crate::dedup::SeenRecords;
use crate::dixa::concurrency::MAX_IN_FLIGHT;
use crate::dixa::fetch::Fetcher;
use crate::dixa::policy::policy;
use crate::dixa::rate_limit::sleep;
use crate::dixa::retry_budget::RetryBudget;
use crate::epoch::EpochMs;
use crate::streams::stream::{Stream, WindowParams};
use crate::window::{Window, windows};

/// The windows of one read of a stream, and how its states are written.
struct WindowsToRead<'a> {
    params: &'a WindowParams,
    mode: SyncMode,
    all: Vec<Window>,
    seen: RefCell<SeenRecords>,
    /// The start of the time that its positions cover.
    covered_from: Option<EpochMs>,
    /// The state that was given.
    given: Option<&'a Value>,
}

impl WindowsToRead<'_> {
    /// Saves the position. While nothing is covered, the state is the one that was given, if there was one.
    fn save_position(&self, position: Option<EpochMs>, is_last: bool, writer: &StreamWriter<'_>) {
        match (position, self.given) {
            (Some(position), _) => {
                let saved = SavedPosition {
                    position,
                    covered_from: self.covered_from,
                    unfinished: self.mode == SyncMode::FullRefresh && !is_last,
                    typed_values: writer.form.types_values(writer.stream),
                };
                writer.emit_state(&saved.to_blob(self.params.cursor, self.params.time_format));
            }
            (None, Some(given)) if is_last => writer.emit_state(given),
            (None, _) => {}
        }
    }
}

/// The windows that are being read, and those that are complete but not yet covered by a state.
#[derive(Default)]
struct InFlightWindows {
    handles: BTreeMap<usize, AbortHandle>,
    finished: BTreeMap<usize, Option<EpochMs>>,
    /// The next window to begin, and the oldest one that is not complete.
    next: usize,
    oldest: usize,
}

impl InFlightWindows {
    /// Saves the position after the oldest windows, as far as they are complete.
    fn save_progress(
        &mut self,
        to_read: &WindowsToRead<'_>,
        tracker: &mut PositionTracker,
        writer: &StreamWriter<'_>,
    ) {
        while let Some(server_time) = self.finished.remove(&self.oldest) {
            let before = tracker.position();
            tracker.advance(to_read.all[self.oldest].end, server_time);
            let is_last = self.oldest + 1 == to_read.all.len();
            let has_moved = tracker.position() != before && !tracker.is_held();
            if is_last || has_moved {
                to_read.save_position(tracker.position(), is_last, writer);
            }
            self.oldest += 1;
            to_read.seen.borrow_mut().finish_before(self.oldest);
        }
    }

    /// Drops every window from this one on.
    fn abort_from(&mut self, number: usize) {
        for handle in self.handles.split_off(&number).values() {
            handle.abort();
        }
    }
}

impl ReadContext<'_> {
    /// Reads what the saved state leaves to be read.
    pub(super) async fn read_windows(
        &self,
        params: &WindowParams,
        mode: SyncMode,
        writer: &StreamWriter<'_>,
    ) -> Result<(), ReadError> {
        let bounds = self.job.bounds();
        let (given, saved) = self.saved(writer.stream, params, mode).unzip();
        let plan = plan(mode, saved, &bounds);
        self.report_plan(writer, &plan, resumed(mode, saved), &bounds);
        let ReadPlan::Read {
            start,
            horizon,
            reached,
            covered_from,
            ..
        } = plan
        else {
            writer.mark_running();
            if let Some(given) = given {
                writer.emit_state(given);
            }
            return Ok(());
        };
        let all: Vec<_> = windows(start, horizon, self.job.config.window_days).collect();
        writer.stats.set_window_total(all.len() as u64);
        let to_read = WindowsToRead {
            params,
            mode,
            all,
            seen: RefCell::default(),
            covered_from,
            given,
        };
        let tracker = PositionTracker::new(reached, start, horizon);
        self.read_all(&to_read, tracker, writer).await?;
        // A resumed read wrote some of its records in another version, and what is later than `end_date` stays in the table.
        if mode == SyncMode::FullRefresh
            && resumed(mode, saved).is_none()
            && self.job.config.end_date.is_none()
        {
            writer.activate_version();
        }
        Ok(())
    }

    /// Reads every window. If one fails, those before it are still read to their end, so that the state reaches it; those after it
    /// are dropped, since the state cannot pass it.
    async fn read_all(
        &self,
        to_read: &WindowsToRead<'_>,
        mut tracker: PositionTracker,
        writer: &StreamWriter<'_>,
    ) -> Result<(), ReadError> {
        let host = self.fetcher.client.host(writer.stream.host);
        let mut running = FuturesUnordered::new();
        let mut flights = InFlightWindows::default();
        let mut end = to_read.all.len();
        let mut failed = None;
        loop {
            // A window starts once the one before it has been requested, so that a retry finds a short queue.
            while flights.next < end.min(flights.oldest + MAX_IN_FLIGHT)
                && flights.next <= writer.requests.sent()
                && running.len() < host.current_concurrency_limit()
            {
                let number = flights.next;
                let (flight, handle) = abortable(self.read_window(to_read, number, writer));
                running.push(async move { (number, flight.await) });
                flights.handles.insert(number, handle);
                flights.next += 1;
            }
            let ended = tokio::select! {
                ended = running.next() => ended,
                () = writer.requests.next_sent() => continue,
            };
            match ended {
                None => break,
                Some((number, Ok(Ok(server_time)))) => {
                    flights.finished.insert(number, server_time);
                }
                Some((number, Ok(Err(error)))) if number < end => {
                    end = number;
                    flights.abort_from(number);
                    failed = Some(error);
                }
                Some((_, Err(Aborted) | Ok(Err(_)))) => {}
            }
            flights.save_progress(to_read, &mut tracker, writer);
        }
        failed.map_or(Ok(()), Err)
    }

    /// Reads one window to its end, split into halves where Dixa does not return it whole; Dixa's time when the first request for
    /// it was sent.
    async fn read_window(
        &self,
        to_read: &WindowsToRead<'_>,
        number: usize,
        writer: &StreamWriter<'_>,
    ) -> Result<Option<EpochMs>, ReadError> {
        let stream = writer.stream;
        let whole = to_read.all[number];
        let mut records = RecordWriter::window(writer, &to_read.seen, number, whole);
        let mut parts = vec![whole];
        let mut server_time: Option<EpochMs> = None;
        while let Some(part) = parts.pop() {
            let halves = part.halves();
            let fetcher = Fetcher {
                retry_budget: match halves {
                    _ if part != whole => &RetryBudget::HALF,
                    Some(_) => &RetryBudget::WINDOW,
                    None => &RetryBudget::READ,
                },
                ..self.fetcher
            };
            let query = ListSelector {
                query: to_read.params.query(&part).into(),
                ..ListSelector::default()
            };
            match (
                self.read_pages(&fetcher, &query, &mut records).await,
                halves,
            ) {
                (Ok(sent), _) => server_time = min_known(server_time, sent),
                (Err(error), Some((first, second))) if policy(&error).may_be_too_large => {
                    let message =
                        format!("{}, {part}: {error}. Requesting it in halves.", stream.name);
                    self.output.log(Level::Warn, &message);
                    sleep(error.retry_after().unwrap_or_default()).await;
                    parts.extend([second, first]);
                }
                (Err(error), _) => return Err(ReadError::new(error, stream, Some(&part))),
            }
        }
        writer.stats.count_windows(1);
        let message = format!(
            "window {} of {}, {whole}: {}.",
            number + 1,
            to_read.all.len(),
            plural(records.finish(), "record")
        );
        self.log_of(stream, Level::Info, &message);
        Ok(server_time)
    }

    /// What is saved for a stream, under its name or an alias: the blob and what it says. The first usable one counts; if none is
    /// usable, a warning says why, unless the mode would not resume from it anyway.
    fn saved(
        &self,
        stream: &Stream,
        params: &WindowParams,
        mode: SyncMode,
    ) -> Option<(&Value, SavedPosition)> {
        let mut unusable = Vec::new();
        for name in stream.names() {
            let Some(blob) = self.job.states.get(name) else {
                continue;
            };
            match SavedPosition::parse(blob, params.cursor, params.time_format) {
                Ok(saved) => return Some((blob, saved)),
                Err(reason) if mode == SyncMode::Incremental || blob["unfinished"] == true => {
                    unusable.push(reason);
                }
                Err(_) => {}
            }
        }
        if let Some(reason) = unusable.first() {
            let warning = format!(
                "the saved state cannot be used: {reason}. The stream is read from the start, {}.",
                self.job.config.start_date
            );
            self.log_of(stream, Level::Warn, &warning);
        }
        None
    }
}
