//! A stream of windows: one after another from the start to the run's now, a checkpoint after each.

use std::cell::RefCell;

use serde_json::Value;

use crate::airbyte::catalog::SyncMode;
use crate::airbyte::log::Level;
use crate::checkpoint::{Course, Limits, Saved, advanced, course};
use crate::commands::read::sink::StreamSink;
use crate::commands::read::{Run, Stopped, counted};
use crate::dixa::fields::Fields;
use crate::dixa::page::Shape;
use crate::epoch::EpochMs;
use crate::failure::Failure;
use crate::streams::{Stream, Windows};
use crate::window::{Window, windows};

impl Run<'_> {
    /// Reads what the saved state leaves to be read.
    pub(super) async fn read_windows(
        &self,
        span: &Windows,
        mode: SyncMode,
        sink: &mut StreamSink<'_>,
    ) -> Result<(), Stopped> {
        let name = sink.stream().name;
        let limits = Limits {
            start_date: self.config.start_date,
            end_date: self.config.end_date,
            lookback: self.config.lookback,
            now: self.now,
        };
        let blob = self.blob(sink.stream());
        let saved = saved(blob, span.cursor).map_err(|failure| failure.about(name))?;
        match course(mode, saved, &limits) {
            Course::Future(position) => {
                let warning = format!(
                    "{name}: the saved state lies in the future ({position}), so there is nothing to read before then. \
                     Reset the stream if it is wrong."
                );
                self.output.log(Level::Warn, &warning);
                sink.end_body(&[]);
                sink.checkpoint(blob.cloned().unwrap_or_default());
            }
            Course::Empty(position) => {
                self.output.log(
                    Level::Info,
                    &format!("{name}: nothing to read up to {position}."),
                );
                sink.end_body(&[]);
                sink.checkpoint(
                    Saved {
                        position,
                        unfinished: false,
                    }
                    .to_blob(span.cursor),
                );
            }
            Course::Read {
                start,
                horizon,
                reached,
            } => {
                let all: Vec<_> = windows(start, horizon, self.config.window_days).collect();
                let plan = format!(
                    "{name}: {} to read, {start} to {horizon}.",
                    counted(all.len() as u64, "window")
                );
                self.output.log(Level::Info, &plan);
                let fields = RefCell::new(sink.stream().fields());
                let mut reached = reached;
                for (index, window) in all.iter().enumerate() {
                    let asked_at = self.read_window(span, window, &fields, sink).await?;
                    let position = advanced(reached, window.end, asked_at);
                    let is_last = index + 1 == all.len();
                    if is_last || reached != Some(position) {
                        let unfinished = mode == SyncMode::FullRefresh && !is_last;
                        sink.checkpoint(
                            Saved {
                                position,
                                unfinished,
                            }
                            .to_blob(span.cursor),
                        );
                    }
                    reached = Some(position);
                    let records = counted(sink.since_window_began(), "record");
                    let message = format!(
                        "{name}: window {} of {}, {window}: {records}.",
                        index + 1,
                        all.len()
                    );
                    self.output.log(Level::Info, &message);
                }
            }
        }
        Ok(())
    }

    /// Reads one window to its end; Dixa's time when it was asked for.
    async fn read_window(
        &self,
        span: &Windows,
        window: &Window,
        fields: &RefCell<Fields>,
        sink: &mut StreamSink<'_>,
    ) -> Result<Option<EpochMs>, Stopped> {
        let stream = sink.stream();
        let asked = window.asked();
        let bounds = [(span.after, asked.after), (span.before, asked.before)];
        let bounds = bounds.map(|(name, bound)| (name, bound.0.to_string()));
        let query: Vec<_> = stream.fixed_query().chain(bounds).collect();
        let request = self.reader.client.request(stream.host, stream.path, &query);
        let shape = Shape {
            path: stream.frame,
            fields,
        };
        sink.begin_window(*window);
        let read = self.reader.read(&request, &shape, sink).await;
        let page =
            read.map_err(|error| Stopped::by(error, &format!("{}, {window}", stream.name)))?;
        sink.end_body(&fields.borrow_mut().take_undeclared());
        Ok(page.asked_at)
    }

    /// The saved blob of a stream, under its name or one that it had elsewhere.
    fn blob(&self, stream: &Stream) -> Option<&Value> {
        let mut names = [stream.name]
            .into_iter()
            .chain(stream.formerly.iter().copied());
        names.find_map(|name| self.states.get(name))
    }
}

fn saved(blob: Option<&Value>, cursor: &str) -> Result<Option<Saved>, Failure> {
    blob.map_or(Ok(None), |blob| Saved::parse(blob, cursor))
}
