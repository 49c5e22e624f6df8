//! Every request that a probe may send, for `--dry-run`.

use std::collections::HashSet;
use std::fmt::Write;

use crate::commands::numbers::plural;
use crate::commands::probe::analytics_pages::page_limit;
use crate::commands::probe::ask::Ask;
use crate::commands::probe::asks::{self, AnalyticsQuery, Period};
use crate::commands::probe::lists;
use crate::commands::probe::pages;
use crate::commands::probe::sender::{MAX_API, MAX_EXPORTS};
use crate::dixa::host::Host;
use crate::epoch::EpochMs;
use crate::streams::stream::Stream;

/// Every request that a probe may send, in order, and why.
pub fn plan() -> Vec<(Ask, &'static str)> {
    let mut plan = of_exports(EpochMs(0));
    plan.extend(lists::streams().flat_map(of_list));
    plan.extend(of_answers(EpochMs(0)));
    plan.extend(of_analytics(EpochMs(0)));
    plan.extend(of_refusals(EpochMs(0)));
    let mut shown = HashSet::new();
    plan.retain(|(ask, _)| shown.insert(ask.to_string()));
    plan
}

/// The requests that sample the exports.
fn of_exports(now: EpochMs) -> Vec<(Ask, &'static str)> {
    let times = (now, now);
    vec![
        (asks::day(now), "conversations of yesterday"),
        (
            asks::month(now),
            "the same of a month, only if yesterday has none",
        ),
        (asks::day_as_dates(now), "the same day, as dates"),
        (
            asks::at_times(times),
            "from and to the times of two of them",
        ),
        (asks::inside_times(times), "a millisecond inside them"),
        (
            asks::around_times(times),
            "a millisecond outside them, only if one is missing",
        ),
        (asks::last_hour(now), "how late updates appear"),
        (asks::messages(now), "messages of that day"),
    ]
}

/// The requests that answer one question each.
fn of_answers(now: EpochMs) -> Vec<(Ask, &'static str)> {
    let times = (now, now);
    vec![
        (pages::small_pages(), "links between small pages"),
        (
            asks::activity(times, 1),
            "whether a page key carries filters",
        ),
        (asks::undocumented_list(), "an unknown parameter"),
    ]
}

/// The requests for analytics. Those after the first are filtered, too, if it is refused without a filter.
fn of_analytics(now: EpochMs) -> Vec<(Ask, &'static str)> {
    let query = AnalyticsQuery {
        id: String::new(),
        directions: Vec::new(),
        period: Period::day_before(now),
    };
    let filtered = AnalyticsQuery {
        directions: vec![String::new()],
        ..query.clone()
    };
    let month = query.during(Period::month_before(now));
    let between = query.during(Period::between((now, now)));
    let sized = |size: u32| query.ask().with("pageLimit", size);
    let limit = page_limit();
    vec![
        (query.ask(), "analytics data without a filter"),
        (
            asks::filter_values(),
            "the values of a filter, only if one is needed",
        ),
        (
            filtered.ask(),
            "the same data with that filter, which the requests below then have, too",
        ),
        (
            month.ask(),
            "the same of a month, only if yesterday has none; the requests below are then for a month",
        ),
        (sized(limit), "the same in the largest pages, twice"),
        (sized(limit + 1), "a page that is too large"),
        (sized(1), "how a page names the next one"),
        (
            between.ask().with("pageLimit", limit),
            "from the time of one row to that of another, without `pageLimit` if it is refused",
        ),
        (query.of_unknown_id().ask(), "an unknown record id"),
    ]
}

/// The requests that are refused, and those with the token in other forms.
fn of_refusals(now: EpochMs) -> Vec<(Ask, &'static str)> {
    vec![
        (asks::undocumented_export(now), "an unknown parameter"),
        (asks::reversed(now), "an invalid window"),
        (
            asks::too_long(now),
            "a window that is too long, in the future",
        ),
        (
            asks::one_sided(now),
            "a window without an end, in the future",
        ),
        (asks::bearer_list(), "the other form of the token"),
        (asks::bare_token_export(now), "the other form of the token"),
    ]
}

/// The requests for a list of the main API, and for the lists that its ids come from.
fn of_list(stream: &'static Stream) -> Vec<(Ask, &'static str)> {
    let mut requests = Vec::new();
    for ancestor in lists::hidden_parents(stream) {
        requests.push((
            lists::first(ancestor, (EpochMs(0), EpochMs(0))),
            "ids for the next list",
        ));
    }
    requests.push((
        lists::first(stream, (EpochMs(0), EpochMs(0))),
        "its fields and values",
    ));
    if stream.page_limit().is_some() {
        requests.push((
            lists::default_size(stream, (EpochMs(0), EpochMs(0))),
            "its default page size",
        ));
    }
    requests
}

/// The plan as text.
pub fn print(exports: &str, api: &str) -> String {
    let mut text = format!(
        "At most {} to {exports} and {} to {api}, each followed by its reason. Repeated after a 429, a \
         5xx or a lost connection, within the same limits. A list may be followed to its next page (`pageKey`).\n\n",
        plural(MAX_EXPORTS, "request"),
        plural(MAX_API, "request"),
    );
    for (ask, why) in plan() {
        let host = match ask.host {
            Host::Exports => exports,
            Host::Api => api,
        };
        let _ = writeln!(text, "{host}  {ask}  # {why}");
    }
    text
}
