//! What a person should know before the windows of a stream are read. Arithmetic, but for the log.

use crate::airbyte::log::Level;
use crate::checkpoint::{EARLIEST, ReadBounds, ReadPlan, SavedPosition, uncovered};
use crate::commands::numbers::plural;
use crate::commands::read::context::ReadContext;
use crate::commands::read::stream_writer::StreamWriter;
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
        self.report_typed_values(writer, resumed);
        let warnings = warnings(plan, resumed, bounds, self.job.config.window_days);
        if let Some(info) = self.what_is_read(plan, resumed) {
            self.log_of(writer.stream, Level::Info, &info);
        }
        for warning in warnings {
            self.log_of(writer.stream, Level::Warn, &warning);
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

    fn what_is_read(&self, plan: &ReadPlan, resumed: Option<SavedPosition>) -> Option<String> {
        let span = match *plan {
            ReadPlan::StateInFuture(_) => return None,
            ReadPlan::Empty => return Some("there is nothing to read.".to_owned()),
            ReadPlan::Read { start, horizon, .. } => Window {
                start,
                end: horizon,
            },
        };
        let requests = windows(span.start, span.end, self.job.config.window_days).count() as u64;
        let from = match resumed {
            Some(saved) => format!("the saved position is {}", saved.position),
            None => "without a saved position".to_owned(),
        };
        let windows = plural(requests, "window");
        Some(format!("{windows} to read, {span}; {from}."))
    }
}

/// What a plan leaves out, or takes long for.
pub fn warnings(
    plan: &ReadPlan,
    resumed: Option<SavedPosition>,
    bounds: &ReadBounds,
    window_days: u32,
) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Some(uncovered) = uncovered(resumed, bounds) {
        warnings.push(format!(
            "`start_date` is earlier than what the saved state covers: {uncovered} was never read. \
             To read that time too, reset the stream (by hand: remove it from the state file)."
        ));
    }
    match *plan {
        ReadPlan::StateInFuture(position) => warnings.push(format!(
            "the saved state is in the future ({position}), so there is nothing to read before then. \
             If the state is wrong, reset the stream (by hand: remove it from the state file)."
        )),
        ReadPlan::Empty => {}
        ReadPlan::Read {
            start,
            horizon,
            skipped,
            ..
        } => {
            if let Some(skipped) = skipped {
                warnings.push(format!(
                    "`start_date` is later than the saved position: {skipped} is skipped. \
                     To read it too, reset the stream (by hand: delete it from the state file) and set an earlier `start_date`."
                ));
            }
            if start < EARLIEST {
                let requests = windows(start, horizon, window_days).count();
                warnings.push(format!(
                    "`start_date` is before 2010, when Dixa had no customers yet: this read takes {requests} requests. \
                     A later `start_date` takes fewer."
                ));
            }
        }
    }
    warnings
}
