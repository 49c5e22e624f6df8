//! What was odd about a stream's records, counted while it is read and logged when it ends, one WARN for each kind.

use std::cell::Cell;

use crate::airbyte::log::Level;
use crate::commands::numbers::plural;
use crate::config::Config;
use crate::output::Output;
use crate::streams::stream::Stream;

/// Counts of a stream's records.
#[derive(Default)]
pub struct RecordWarnings {
    /// Left out, since `start_date` or `end_date` excludes them.
    pub skipped_for_date: Cell<u64>,
    /// Written, though their cursor is a plausible time outside the window that was requested.
    pub outside: Cell<u64>,
    /// Written, though their cursor is not a plausible time.
    pub implausible: Cell<u64>,
    /// Written without a cursor.
    pub without_cursor: Cell<u64>,
    /// Written after changing text that no database can store.
    pub repaired: Cell<u64>,
    /// Written unchanged, though common parsers refuse them.
    pub unusual: Cell<u64>,
    /// Times of written records that are no milliseconds of the years 1 to 9999, though `typed_values` is on.
    pub unconverted: Cell<u64>,
    /// Dixa sent `{}`, which was skipped with a warning.
    pub has_empty: Cell<bool>,
}

/// Adds one.
pub fn increment(counter: &Cell<u64>) {
    counter.update(|count| count + 1);
}

impl RecordWarnings {
    /// Logs everything that was found.
    pub fn warn(&self, stream: &Stream, config: &Config, output: &Output) {
        let cursor = stream.time_field();
        let end = config
            .end_date
            .map(|end_date| format!(" or on or after `end_date` ({end_date})"));
        let warnings = [
            (
                &self.skipped_for_date,
                format!(
                    "skipped: Dixa returned them, but their `{cursor}` is before `start_date` ({}){}",
                    config.start_date,
                    end.unwrap_or_default()
                ),
            ),
            (
                &self.outside,
                format!(
                    "returned by Dixa for a window that does not contain their `{cursor}`. They were written, each once"
                ),
            ),
            (
                &self.implausible,
                format!(
                    "written although their `{cursor}` is not a plausible time (from 2010 to tomorrow)"
                ),
            ),
            (
                &self.without_cursor,
                format!("written although they have no usable `{cursor}`"),
            ),
            (
                &self.repaired,
                "changed because databases cannot store their text: U+0000 was removed, and unpaired surrogates became U+FFFD"
                    .to_owned(),
            ),
            (
                &self.unusual,
                "written although common JSON parsers reject them: they nest more than 200 levels deep or contain numbers such as 1e400"
                    .to_owned(),
            ),
        ];
        for (count, what) in warnings {
            let count = count.get();
            if count > 0 {
                let warning = format!("{}: {} {what}.", stream.name, plural(count, "record"));
                output.log(Level::Warn, &warning);
            }
        }
        self.warn_of_times(stream, output);
    }

    fn warn_of_times(&self, stream: &Stream, output: &Output) {
        let unconverted = self.unconverted.get();
        if unconverted > 0 {
            let warning = format!(
                "{}: {} written as Dixa sent them, although `typed_values` is on: they are not milliseconds in the years 1 to 9999.",
                stream.name,
                plural(unconverted, "time")
            );
            output.log(Level::Warn, &warning);
        }
    }
}
