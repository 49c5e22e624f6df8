//! Every request to the exports, and those to the main API that are not a stream's, as a function of the times in it.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat};
use serde_json::json;

use crate::commands::probe::ask::Ask;
use crate::commands::probe::subjects;
use crate::dixa::token::TokenForm;
use crate::epoch::EpochMs;
use crate::window::LONGEST_SPAN;

pub const SECOND: Duration = Duration::from_secs(1);
pub const HOUR: Duration = Duration::from_secs(3600);
pub const WHOLE_DAY: Duration = Duration::from_secs(24 * 3600);
pub const MILLISECOND: Duration = Duration::from_millis(1);

/// A parameter that no documentation knows.
const UNDOCUMENTED: &str = "undocumented";
/// A bound of a window, and how it is shown.
pub type Shown = (EpochMs, &'static str);

/// Conversations by `updated_at`.
pub fn conversations(after: Shown, before: Shown) -> Ask {
    Ask::stream(subjects::conversations())
        .with_hidden("updated_after", after.0.0.to_string(), after.1)
        .with_hidden("updated_before", before.0.0.to_string(), before.1)
}

pub fn day(day: EpochMs) -> Ask {
    let end = day.plus(WHOLE_DAY);
    conversations((day, "{day, 00:00}"), (end, "{next day, 00:00}"))
}

pub fn month(end: EpochMs) -> Ask {
    let start = end.minus(LONGEST_SPAN);
    conversations((start, "{today - 31 days}"), (end, "{today, 00:00}"))
}

pub fn day_as_dates(day: EpochMs) -> Ask {
    let date = |day: EpochMs| {
        let day = DateTime::from_timestamp_millis(day.0).unwrap_or_default();
        day.format("%Y-%m-%d").to_string()
    };
    Ask::stream(subjects::conversations())
        .with_hidden("updated_after", date(day), "{day, yyyy-mm-dd}")
        .with_hidden(
            "updated_before",
            date(day.plus(WHOLE_DAY)),
            "{next day, yyyy-mm-dd}",
        )
}

pub fn last_hour(now: EpochMs) -> Ask {
    conversations((now.minus(HOUR), "{now - 1 hour}"), (now, "{now}"))
}

pub fn messages(day: EpochMs) -> Ask {
    let (start, end) = (day, day.plus(WHOLE_DAY));
    Ask::stream(subjects::messages())
        .with_hidden("created_after", start.0.to_string(), "{day, 00:00}")
        .with_hidden("created_before", end.0.to_string(), "{next day, 00:00}")
}

/// Between the times of two known records.
pub fn at_times((first, last): (EpochMs, EpochMs)) -> Ask {
    conversations((first, "{t1}"), (last, "{t2}"))
}

pub fn inside_times((first, last): (EpochMs, EpochMs)) -> Ask {
    let (first, last) = (first.plus(MILLISECOND), last.minus(MILLISECOND));
    conversations((first, "{t1 + 1 ms}"), (last, "{t2 - 1 ms}"))
}

pub fn around_times((first, last): (EpochMs, EpochMs)) -> Ask {
    let (first, last) = (first.minus(MILLISECOND), last.plus(MILLISECOND));
    conversations((first, "{t1 - 1 ms}"), (last, "{t2 + 1 ms}"))
}

/// A second long ago.
fn second(day: EpochMs) -> Ask {
    let end = day.plus(SECOND);
    conversations((day, "{day, 00:00:00}"), (end, "{day, 00:00:01}"))
}

pub fn undocumented_export(day: EpochMs) -> Ask {
    second(day).with(UNDOCUMENTED, 1)
}

pub fn bare_token_export(day: EpochMs) -> Ask {
    second(day).token(TokenForm::Bare)
}

pub fn reversed(day: EpochMs) -> Ask {
    let end = day.plus(SECOND);
    conversations((end, "{day, 00:00:01}"), (day, "{day, 00:00:00}"))
}

/// In the future, so that the response holds nothing even if the span is accepted.
pub fn too_long(now: EpochMs) -> Ask {
    let start = now.plus(WHOLE_DAY);
    conversations(
        (start, "{tomorrow}"),
        (start.plus(LONGEST_SPAN + WHOLE_DAY), "{32 days later}"),
    )
}

/// In the future, for the same reason.
pub fn one_sided(now: EpochMs) -> Ask {
    let start = now.plus(WHOLE_DAY).0.to_string();
    Ask::stream(subjects::conversations()).with_hidden("updated_after", start, "{tomorrow}")
}

pub fn undocumented_list() -> Ask {
    Ask::stream(subjects::organization()).with(UNDOCUMENTED, 1)
}

pub fn bearer_list() -> Ask {
    Ask::stream(subjects::organization()).token(TokenForm::Bearer)
}

/// A page of the activity log between two times.
pub fn activity((from, to): (EpochMs, EpochMs), page_limit: u32) -> Ask {
    Ask::stream(subjects::activity())
        .with_hidden("fromDatetime", from.to_string(), "{start}")
        .with_hidden("toDatetime", to.to_string(), "{end}")
        .with_hidden("pageLimit", page_limit.to_string(), "{a few}")
}

pub fn filter_values() -> Ask {
    Ask::list("/v1/analytics/filter/initial_direction")
}

/// Which analytics data is requested.
#[derive(Clone)]
pub struct AnalyticsQuery {
    /// A record of the catalogue.
    pub id: String,
    /// Values of `initial_direction` to filter by; none for no filter.
    pub directions: Vec<String>,
    pub period: Period,
}

/// An interval of analytics, and how it is shown.
#[derive(Clone, Copy)]
pub struct Period {
    pub start: EpochMs,
    pub end: EpochMs,
    shown: &'static str,
}

impl Period {
    pub fn day_before(today: EpochMs) -> Self {
        Self {
            start: today.minus(WHOLE_DAY),
            end: today,
            shown: "{yesterday}",
        }
    }

    /// As long as a window of a read may be.
    pub fn month_before(today: EpochMs) -> Self {
        Self {
            start: today.minus(30 * WHOLE_DAY),
            end: today,
            shown: "{30 days before today}",
        }
    }

    /// Between the times of two known rows.
    pub fn between((start, end): (EpochMs, EpochMs)) -> Self {
        Self {
            start,
            end,
            shown: "{t1 to t2}",
        }
    }
}

impl AnalyticsQuery {
    #[must_use]
    pub fn during(&self, period: Period) -> Self {
        Self {
            period,
            ..self.clone()
        }
    }

    #[must_use]
    pub fn of_unknown_id(&self) -> Self {
        Self {
            id: UNDOCUMENTED.to_owned(),
            ..self.clone()
        }
    }

    /// The request for the first page, without a page size.
    pub fn ask(&self) -> Ask {
        let Period { start, end, shown } = self.period;
        let time = |at: EpochMs| at.to_rfc3339(SecondsFormat::Millis);
        let mut body = json!({
            "id": self.id,
            "timezone": "UTC",
            "periodFilter": {"_type": "Interval", "start": time(start), "end": time(end)},
        });
        let id = match &*self.id {
            UNDOCUMENTED => "\"undocumented\"",
            _ => "{a record id}",
        };
        let mut filters = "";
        if !self.directions.is_empty() {
            body["filters"] =
                json!([{"attribute": "initial_direction", "values": self.directions}]);
            filters = ", \"filters\": {a value of initial_direction}";
        }
        let shown =
            format!("{{\"id\": {id}, \"timezone\": \"UTC\", \"periodFilter\": {shown}{filters}}}");
        Ask::stream(subjects::analytics_rows()).post(body.to_string(), shown)
    }
}
