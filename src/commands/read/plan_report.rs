//! What a person should know before the windows of a stream are read.

use crate::airbyte::log::Level;
use crate::checkpoint::{EARLIEST, ReadBounds, ReadPlan, SavedPosition, uncovered};
use crate::commands::numbers::plural;
use crate::commands::read::context::ReadContext;
use crate::commands::read::stream_writer::StreamWriter;
use crate::streams::stream::Stream;
use crate::window::{Window, windows};

impl ReadContext<'_> {
    /// Logs what is to be read, and warns of what the dates leave out.
    pub(super) fn report_plan(
        &self,
        writer: &StreamWriter<'_>,
        plan: &ReadPlan,
        resumed: Option<SavedPosition>,
        bounds: &ReadBounds,
    ) {
        let stream = writer.stream;
        self.report_typed_values(writer, resumed);
        if let Some(uncovered) = uncovered(resumed, bounds) {
            let warning = format!(
                "`start_date` is earlier than what the saved state covers: {uncovered} was never read. \
                 To read that time too, reset the stream (by hand: remove it from the state file)."
            );
            self.log_of(stream, Level::Warn, &warning);
        }
        match *plan {
            ReadPlan::StateInFuture(position) => {
                let warning = format!(
                    "the saved state is in the future ({position}), so there is nothing to read before then. \
                     If the state is wrong, reset the stream (by hand: remove it from the state file)."
                );
                self.log_of(stream, Level::Warn, &warning);
            }
            ReadPlan::Empty => self.log_of(stream, Level::Info, "there is nothing to read."),
            ReadPlan::Read {
                start,
                horizon,
                skipped,
                ..
            } => {
                let span = Window {
                    start,
                    end: horizon,
                };
                self.report_windows(stream, span, resumed, skipped);
            }
        }
    }

    /// Warns that the types of columns change.
    fn report_typed_values(&self, writer: &StreamWriter<'_>, resumed: Option<SavedPosition>) {
        let is_typed = writer.form.types_values(writer.stream);
        let switched = match resumed {
            Some(saved) if saved.typed_values != is_typed && is_typed => "on",
            Some(saved) if saved.typed_values != is_typed => "off",
            _ => return,
        };
        let warning = format!(
            "`typed_values` was switched {switched} since the last read, so columns of times change their type. \
             Drop the destination table (in Airbyte: clear the stream), remove the stream from the state and read again."
        );
        self.log_of(writer.stream, Level::Warn, &warning);
    }

    fn report_windows(
        &self,
        stream: &Stream,
        span: Window,
        resumed: Option<SavedPosition>,
        skipped: Option<Window>,
    ) {
        let requests = windows(span.start, span.end, self.job.config.window_days).count() as u64;
        let from = match resumed {
            Some(saved) => format!("the saved position is {}", saved.position),
            None => "without a saved position".to_owned(),
        };
        let message = format!("{} to read, {span}; {from}.", plural(requests, "window"));
        self.log_of(stream, Level::Info, &message);
        if let Some(skipped) = skipped {
            let warning = format!(
                "`start_date` is later than the saved position: {skipped} is skipped. \
                 To read it too, reset the stream (by hand: delete it from the state file) and set an earlier `start_date`."
            );
            self.log_of(stream, Level::Warn, &warning);
        }
        if span.start < EARLIEST {
            let warning = format!(
                "`start_date` is before 2010, when Dixa had no customers yet: this read takes {requests} requests. \
                 A later `start_date` takes fewer."
            );
            self.log_of(stream, Level::Warn, &warning);
        }
    }
}
