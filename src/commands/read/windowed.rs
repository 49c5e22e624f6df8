//! A stream of windows: several in flight, a checkpoint over those that are finished without a gap.

use std::cell::RefCell;
use std::collections::BTreeMap;

use futures_util::StreamExt;
use futures_util::future::{AbortHandle, Aborted, abortable};
use futures_util::stream::FuturesUnordered;
use serde_json::Value;

use crate::airbyte::catalog::SyncMode;
use crate::airbyte::log::Level;
use crate::checkpoint::{Course, Limits, Progress, Saved, course};
use crate::commands::read::body::BodySink;
use crate::commands::read::pages::{Part, earlier};
use crate::commands::read::sink::StreamSink;
use crate::commands::read::stopped::Stopped;
use crate::commands::read::{Run, counted};
use crate::dixa::page::Reader;
use crate::dixa::retry::{Patience, is_for_size};
use crate::epoch::EpochMs;
use crate::failure::Failure;
use crate::seam::Seam;
use crate::streams::{Stream, Windows};
use crate::window::{Window, windows};

/// No window is begun that is further than this from the oldest unfinished one.
const AHEAD: usize = 10;

/// The windows of one read of a stream, and how its states are written.
struct Plan<'a> {
    span: &'a Windows,
    mode: SyncMode,
    all: Vec<Window>,
    seam: RefCell<Seam>,
}

impl Run<'_> {
    /// Reads what the saved state leaves to be read.
    pub(super) async fn read_windows(
        &self,
        span: &Windows,
        mode: SyncMode,
        sink: &StreamSink<'_>,
    ) -> Result<(), Stopped> {
        let name = sink.stream.name;
        let limits = Limits {
            start_date: self.job.config.start_date,
            end_date: self.job.config.end_date,
            lookback: self.job.config.lookback,
            now: self.job.now,
        };
        let (blob, saved) = self.saved(sink.stream, span)?.unzip();
        match course(mode, saved, &limits) {
            Course::Future(position) => {
                let warning = format!(
                    "{name}: the saved state lies in the future ({position}), so there is nothing to read before then. \
                     If it is wrong, reset the stream, or delete it from the state file."
                );
                self.output.log(Level::Warn, &warning);
                sink.run();
                sink.checkpoint(blob.cloned().unwrap_or_default());
                Ok(())
            }
            Course::Empty(position) => {
                let message = format!("{name}: nothing to read up to {position}.");
                self.output.log(Level::Info, &message);
                sink.run();
                let saved = Saved {
                    position,
                    unfinished: false,
                };
                sink.checkpoint(saved.to_blob(span.cursor, span.times));
                Ok(())
            }
            Course::Read {
                start,
                horizon,
                reached,
            } => {
                let all: Vec<_> = windows(start, horizon, self.job.config.window_days).collect();
                let windows = counted(all.len() as u64, "window");
                let from = match reached {
                    Some(position) => format!("the saved position is {position}"),
                    None => "there is no saved position to go on from".to_owned(),
                };
                let message = format!("{name}: {windows} to read, {start} to {horizon}; {from}.");
                self.output.log(Level::Info, &message);
                let seam = RefCell::default();
                sink.meter.plan(all.len());
                let plan = Plan {
                    span,
                    mode,
                    all,
                    seam,
                };
                let progress = Progress::new(reached, horizon);
                self.read_all(&plan, progress, sink).await
            }
        }
    }

    /// Reads every window of the plan. If one is given up, those before it are still read to their end, so that the state
    /// reaches it; those after it are dropped, since the state cannot pass it.
    async fn read_all(
        &self,
        plan: &Plan<'_>,
        mut progress: Progress,
        sink: &StreamSink<'_>,
    ) -> Result<(), Stopped> {
        let mut flights = FuturesUnordered::new();
        let mut handles: BTreeMap<usize, AbortHandle> = BTreeMap::new();
        let mut finished = BTreeMap::new();
        let (mut next, mut oldest, mut end) = (0, 0, plan.all.len());
        let mut stopped = None;
        loop {
            // A window is begun when the one before it was asked for, so that one to be tried again finds a short queue.
            let most = self.reader.client.most_under_way(sink.stream.host);
            while next < end.min(oldest + AHEAD) && next <= sink.asked() && flights.len() < most {
                let number = next;
                let (flight, handle) = abortable(self.read_window(plan, number, sink));
                flights.push(async move { (number, flight.await) });
                handles.insert(number, handle);
                next += 1;
            }
            let landed = tokio::select! {
                landed = flights.next() => landed,
                () = sink.was_asked() => continue,
            };
            match landed {
                None => break,
                Some((_, Err(Aborted))) => {}
                Some((number, Ok(Ok(asked_at)))) => {
                    finished.insert(number, asked_at);
                }
                Some((number, Ok(Err(error)))) if number < end => {
                    end = number;
                    handles
                        .split_off(&number)
                        .values()
                        .for_each(AbortHandle::abort);
                    stopped = Some(error);
                }
                Some((_, Ok(Err(_)))) => {}
            }
            while let Some(asked_at) = finished.remove(&oldest) {
                let before = progress.position();
                progress.advance(plan.all[oldest].end, asked_at);
                let is_last = oldest + 1 == plan.all.len();
                let has_moved = progress.position() != before && !progress.is_held();
                if let Some(position) = progress.position().filter(|_| is_last || has_moved) {
                    let unfinished = plan.mode == SyncMode::FullRefresh && !is_last;
                    let saved = Saved {
                        position,
                        unfinished,
                    };
                    sink.checkpoint(saved.to_blob(plan.span.cursor, plan.span.times));
                }
                oldest += 1;
                plan.seam.borrow_mut().finish_before(oldest);
            }
        }
        stopped.map_or(Ok(()), Err)
    }

    /// Reads one window to its end, in halves of halves where Dixa does not give it whole; Dixa's time when the first of
    /// them was asked for.
    async fn read_window(
        &self,
        plan: &Plan<'_>,
        number: usize,
        sink: &StreamSink<'_>,
    ) -> Result<Option<EpochMs>, Stopped> {
        let stream = sink.stream;
        let whole = plan.all[number];
        let mut body = BodySink::window(sink, &plan.seam, number, whole);
        let mut parts = vec![whole];
        let mut asked_at: Option<EpochMs> = None;
        while let Some(part) = parts.pop() {
            let halves = part.halves();
            let patience = match halves {
                _ if part != whole => &Patience::HALF,
                Some(_) => &Patience::WINDOW,
                None => &Patience::READ,
            };
            let reader = Reader {
                patience,
                ..self.reader
            };
            let asked = Part {
                query: plan.span.query(&part).into(),
                ..Part::default()
            };
            match (self.read_pages(&reader, &asked, &mut body).await, halves) {
                (Ok(part_asked_at), _) => {
                    asked_at = earlier(asked_at, part_asked_at);
                }
                (Err(error), Some((first, second))) if is_for_size(&error) => {
                    let message = format!(
                        "{}, {part}: {error}. It is asked for in halves.",
                        stream.name
                    );
                    self.output.log(Level::Warn, &message);
                    parts.extend([second, first]);
                }
                (Err(error), _) => {
                    return Err(Stopped::by(error, stream, Some(&part)));
                }
            }
        }
        sink.meter.window();
        let records = counted(body.finish(), "record");
        let message = format!(
            "{}: window {} of {}, {whole}: {records}.",
            stream.name,
            number + 1,
            plan.all.len()
        );
        self.output.log(Level::Info, &message);
        Ok(asked_at)
    }

    /// What is saved of a stream, under its name or one that it had elsewhere: the blob, and what it says.
    fn saved(&self, stream: &Stream, span: &Windows) -> Result<Option<(&Value, Saved)>, Failure> {
        for name in stream.names() {
            if let Some(blob) = self.job.states.get(name) {
                let saved = Saved::parse(blob, span.cursor, span.times)
                    .map_err(|failure| failure.about(stream.name))?;
                if let Some(saved) = saved {
                    return Ok(Some((blob, saved)));
                }
            }
        }
        Ok(None)
    }
}
