//! A stream of windows: one after another from the start to the run's now, a checkpoint after each.

use std::cell::RefCell;

use crate::airbyte::catalog::SyncMode;
use crate::airbyte::log::Level;
use crate::checkpoint::{Course, Limits, Saved, advanced, course};
use crate::commands::read::sink::StreamSink;
use crate::commands::read::{Run, Stopped};
use crate::dixa::page::Shape;
use crate::failure::Failure;
use crate::streams::{Span, Stream};
use crate::window::{Window, windows};

impl Run<'_> {
    /// Reads what the saved state leaves to be read.
    pub(super) async fn read_windows(
        &self,
        stream: &'static Stream,
        mode: SyncMode,
        sink: &mut StreamSink<'_>,
    ) -> Result<(), Stopped> {
        let Span::Windows { cursor, .. } = stream.span else {
            unreachable!("the caller has looked")
        };
        let limits = Limits {
            start_date: self.config.start_date,
            end_date: self.config.end_date,
            lookback: self.config.lookback,
            now: self.now,
        };
        match course(mode, self.saved(stream, cursor)?, &limits) {
            Course::Future(position) => {
                let warning = format!(
                    "{}: the saved state lies in the future ({position}), so there is nothing to read before then. Reset the stream if it is wrong.",
                    stream.name
                );
                self.output.log(Level::Warn, &warning);
                let unchanged = self
                    .blob(stream)
                    .cloned()
                    .unwrap_or_else(|| unreachable!("it was just read"));
                sink.end_body(&[]);
                sink.checkpoint(unchanged);
            }
            Course::Empty(position) => {
                self.output.log(
                    Level::Info,
                    &format!("{}: nothing to read up to {position}.", stream.name),
                );
                sink.end_body(&[]);
                sink.checkpoint(
                    Saved {
                        position,
                        unfinished: false,
                    }
                    .to_blob(cursor),
                );
            }
            Course::Read {
                start,
                horizon,
                mut reached,
            } => {
                let all: Vec<_> = windows(start, horizon, self.config.window_days).collect();
                let fields = RefCell::new(stream.fields());
                for (index, window) in all.iter().enumerate() {
                    let message = format!(
                        "{}: window {} of {}, {window}.",
                        stream.name,
                        index + 1,
                        all.len()
                    );
                    self.output.log(Level::Info, &message);
                    let asked_at = self.read_window(stream, window, &fields, sink).await?;
                    let position = advanced(reached, window.end, asked_at);
                    let is_last = index + 1 == all.len();
                    if is_last || reached != Some(position) {
                        let unfinished = mode == SyncMode::FullRefresh && !is_last;
                        sink.checkpoint(
                            Saved {
                                position,
                                unfinished,
                            }
                            .to_blob(cursor),
                        );
                    }
                    reached = Some(position);
                }
            }
        }
        Ok(())
    }

    /// Reads one window to its end; Dixa's time when it was asked for.
    async fn read_window(
        &self,
        stream: &'static Stream,
        window: &Window,
        fields: &RefCell<crate::dixa::records::Fields>,
        sink: &mut StreamSink<'_>,
    ) -> Result<Option<crate::epoch::EpochMs>, Stopped> {
        let Span::Windows { after, before, .. } = stream.span else {
            unreachable!("the caller has looked")
        };
        let asked = window.asked();
        let fixed = stream
            .query
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()));
        let query: Vec<_> = fixed
            .chain([
                (after, asked.after.0.to_string()),
                (before, asked.before.0.to_string()),
            ])
            .collect();
        let request = self.reader.client.request(stream.host, stream.path, &query);
        sink.begin_window(*window);
        let page = self
            .reader
            .read(
                &request,
                &Shape {
                    path: stream.frame,
                    fields,
                },
                sink,
            )
            .await
            .map_err(|error| Stopped::by(error, &format!("{}, {window}", stream.name)))?;
        sink.end_body(&fields.borrow_mut().take_undeclared());
        Ok(page.asked_at)
    }

    /// The saved blob of a stream, under its name or one that it had elsewhere.
    fn blob(&self, stream: &Stream) -> Option<&serde_json::Value> {
        let names = [stream.name]
            .into_iter()
            .chain(stream.formerly.iter().copied());
        names.into_iter().find_map(|name| self.states.get(name))
    }

    fn saved(&self, stream: &Stream, cursor: &str) -> Result<Option<Saved>, Failure> {
        let Some(blob) = self.blob(stream) else {
            return Ok(None);
        };
        Saved::parse(blob, cursor).map_err(|failure| failure.about(stream.name))
    }
}
