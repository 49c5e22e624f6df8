//! Reads some days of one id, in parts where Dixa does not return them whole, and with a filter where it wants one.

use std::cell::RefCell;

use crate::airbyte::log::Level;
use crate::commands::numbers::plural;
use crate::commands::read::context::ReadContext;
use crate::commands::read::days::{DaysToRead, IdToRead};
use crate::commands::read::lists::shortened;
use crate::commands::read::pages::{ListSelector, min_known};
use crate::commands::read::record_writer::RecordWriter;
use crate::dedup::SeenRecords;
use crate::dixa::error::Error;
use crate::dixa::fetch::Fetcher;
use crate::dixa::policy::policy;
use crate::dixa::rate_limit::sleep;
use crate::dixa::retry_budget::RetryBudget;
use crate::epoch::EpochMs;
use crate::streams::stream::{Filter, RecordsQuery};
use crate::window::Window;

impl ReadContext<'_> {
    /// Reads some days of one id, divided where Dixa does not return them whole; Dixa's time when the first request was sent.
    pub(super) async fn read_window_of_days(
        &self,
        days: &DaysToRead<'_, '_>,
        to_read: &IdToRead<'_>,
        window: Window,
    ) -> Result<Option<EpochMs>, Error> {
        let (writer, seen) = (days.writer, RefCell::<SeenRecords>::default());
        let field = days.parent.field.unwrap_or_default();
        let records = RecordWriter::child_list(writer, &seen, field, to_read.id);
        let mut records = records.with_row_keys(window, &to_read.rows);
        let mut parts = vec![window];
        let mut server_time = None;
        while let Some(part) = parts.pop() {
            let halves = part.halves_of_days();
            let fetcher = Fetcher {
                retry_budget: match halves {
                    Some(_) if part == window => &RetryBudget::WINDOW,
                    Some(_) => &RetryBudget::HALF,
                    None => &RetryBudget::READ,
                },
                ..self.fetcher
            };
            let read = self.read_part_of_days(&fetcher, days, to_read, &part, &mut records);
            match (read.await, halves) {
                (Ok(sent), _) => server_time = min_known(server_time, sent),
                (Err(error), Some((first, second)))
                    if policy(&error).may_be_too_large || error.is_rejection() =>
                {
                    let message = format!(
                        "{}, {part}: {error}. Requesting it in halves.",
                        shortened(to_read.id)
                    );
                    self.log_of(writer.stream, Level::Warn, &message);
                    sleep(error.retry_after().unwrap_or_default()).await;
                    to_read.length.update(|length| length.limited_to(&first));
                    parts.extend([second, first]);
                }
                (Err(error), _) => return Err(error),
            }
        }
        to_read.rows.borrow_mut().end_window();
        to_read
            .length
            .update(|length| length.after(records.pages()));
        writer.stats.count_windows(window.day_count());
        let written = plural(records.finish(), "record");
        let message = format!("{}, {window}: {written}.", shortened(to_read.id));
        self.log_of(writer.stream, Level::Info, &message);
        Ok(server_time)
    }

    /// Reads every page of some days. If Dixa refuses a single one, once more with a filter that has every value of one attribute
    /// (docs/dixa-api.md 2.8: some clients say that it wants one).
    async fn read_part_of_days(
        &self,
        fetcher: &Fetcher<'_>,
        days: &DaysToRead<'_, '_>,
        to_read: &IdToRead<'_>,
        part: &Window,
        records: &mut RecordWriter<'_, '_>,
    ) -> Result<Option<EpochMs>, Error> {
        let mut read = async |filter: Option<&Filter>| {
            let part = ListSelector {
                body: Some(RecordsQuery::body(to_read.id, part, filter)),
                ..ListSelector::default()
            };
            records.begin_pages();
            self.read_pages(fetcher, &part, records).await
        };
        if to_read.needs_filter.get() {
            return read(days.filter.get().and_then(Option::as_ref)).await;
        }
        match read(None).await {
            Err(error) if error.is_rejection() && part.halves_of_days().is_none() => {
                let Some(filter) = self.filter(&days.filter, days.query).await? else {
                    return Err(error);
                };
                let sent = read(Some(filter)).await?;
                if !days.has_warned_of_filter.replace(true) {
                    self.warn_of_filter(days.writer.stream, filter);
                }
                to_read.needs_filter.set(true);
                Ok(sent)
            }
            read => read,
        }
    }
}
