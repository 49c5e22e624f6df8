//! What a report must say of a simulated Dixa: its switches, in the words of the report.

use dixa_simulator::api::switches::{
    AboveMax, Absent, AfterLast, Bound, DateHeader, Encoding, ErrorBody, FilterRule, Framing,
    LastMeta, Layout, NextLink, NextPage, Order, RetryAfter, Rounding, Switches,
};
use serde_json::{Value, json};

use super::dixa::World;

/// A path in the report's `found`, and its value.
pub type Fact = (&'static str, Value);

/// What the report must say.
pub fn truth(world: &World) -> Vec<Fact> {
    let switches = &world.scenario.switches;
    let mut facts = vec![
        (
            "unknown_parameters.exports",
            refused(switches.strict_exports),
        ),
        (
            "unknown_parameters.main_api",
            refused(switches.strict_queries),
        ),
        (
            "token_forms.bearer_on_main_api",
            json!(if switches.bearer_on_main {
                "accepted"
            } else {
                "refused"
            }),
        ),
        ("token_forms.no_scheme_on_exports", json!("refused")),
        ("refused_windows.after_later_than_before", json!(400)),
        ("refused_windows.longer_than_31_days", json!(400)),
        ("refused_windows.without_an_end", json!(400)),
        (
            "refused_windows.body_of_an_error",
            error_body(switches.error_body),
        ),
    ];
    facts.extend(exports(switches));
    facts.extend(responses(switches));
    facts.extend(lists(world));
    facts.extend(links(switches));
    facts
}

fn refused(is_refused: bool) -> Value {
    (if is_refused { "refused" } else { "ignored" }).into()
}

fn error_body(form: ErrorBody) -> Value {
    json!(match form {
        ErrorBody::Json => "JSON with a `message`",
        ErrorBody::PlainText => "plain text",
        ErrorBody::Html => "HTML",
    })
}

/// Whether a bound includes its own millisecond.
fn exact(bound: Bound) -> &'static str {
    match bound {
        Bound::Inclusive => "inclusive",
        Bound::Exclusive => "exclusive",
    }
}

fn exports(switches: &Switches) -> Vec<Fact> {
    let (mut after, mut before) = (exact(switches.after), exact(switches.before));
    let wider = "wider than requested";
    match switches.rounding {
        Rounding::None => {}
        Rounding::LowerTo(_) => after = wider,
        Rounding::To(_) | Rounding::Ignored => (after, before) = (wider, wider),
    }
    let order = match switches.order {
        Order::Runs | Order::Shuffled => "none",
        Order::Ascending => "ascending",
        Order::Descending => "descending",
    };
    vec![
        ("bounds.after", json!(after)),
        ("bounds.before", json!(before)),
        (
            "bounds.farthest_outside_a_window",
            match switches.rounding {
                Rounding::None => json!("none"),
                Rounding::Ignored => json!("more than a day"),
                _ => json!("less than a second"),
            },
        ),
        ("order.order", json!(order)),
        (
            "order.same_order_again",
            json!(switches.order != Order::Runs),
        ),
        ("date_parameters.missing_by_dates", json!(0)),
    ]
}

fn responses(switches: &Switches) -> Vec<Fact> {
    let mut facts = vec![
        ("encodings.indented_bodies", {
            let is_indented = switches.layout != Layout::Compact;
            json!(if is_indented { "some" } else { "none" })
        }),
        ("encodings.encodings.gzip", {
            let is_gzip = switches.encoding == Encoding::Gzip;
            json!(if is_gzip { "some" } else { "none" })
        }),
        (
            "headers",
            json!(match switches.framing {
                Framing::Chunked => "transfer-encoding",
                Framing::Length => "content-length",
            }),
        ),
    ];
    facts.extend(match switches.date {
        DateHeader::Absent => vec![("date_header.with_date", json!(0))],
        DateHeader::Correct => vec![
            (CLOCKS, json!("agrees within 5 seconds")),
            (UPDATE_AGE, json!("5 to 15 minutes")),
        ],
        DateHeader::Shifted(seconds) if seconds > 0 => {
            vec![
                (CLOCKS, json!("ahead by 1 to 24 hours")),
                (UPDATE_AGE, json!("not settled")),
            ]
        }
        DateHeader::Shifted(_) => {
            vec![
                (CLOCKS, json!("behind by 1 to 24 hours")),
                (UPDATE_AGE, json!("not settled")),
            ]
        }
    });
    let latency = |latency: std::time::Duration| u64::try_from(latency.as_millis()).unwrap();
    facts.push((
        "time_to_first_byte.exports.longest_ms",
        json!(latency(switches.exports_latency)),
    ));
    facts.push((
        "time_to_first_byte.main_api.longest_ms",
        json!(latency(switches.main_latency)),
    ));
    facts
}

pub const CLOCKS: &str = "date_header.dixa_compared_with_this_machine";
pub const UPDATE_AGE: &str = "update_lag.age_of_the_newest_update";

fn lists(world: &World) -> Vec<Fact> {
    let switches = &world.scenario.switches;
    let paging = &switches.paging;
    let count = world.scenario.account.agents.len();
    let is_endless = paging.after_last != AfterLast::Nothing || paging.next == NextLink::SameKey;
    let page = |size: usize| match paging.empty_page {
        Some(0) => (json!(0), json!(true)),
        _ => (json!(count.min(size)), json!(count > size || is_endless)),
    };
    let mut facts = Vec::new();
    if paging.above_max == AboveMax::Refused && paging.max_size < 1000 {
        facts.push(("page_sizes.agents.status", json!(400)));
    } else {
        let (returned, more) = page(paging.max_size.min(1000));
        facts.push(("page_sizes.agents.status", json!(200)));
        facts.push(("page_sizes.agents.returned", returned));
        facts.push(("page_sizes.agents.more", more));
    }
    let (returned, more) = page(paging.default_size);
    facts.push(("page_sizes.agents.without_size", returned));
    facts.push(("page_sizes.agents.more_without_size", more));
    facts.push(("absent_values.teams.fields_null", json!(0)));
    let is_null = switches.absent == Absent::Null;
    facts.push((
        "absent_values.organization.fields_null",
        json!(usize::from(is_null)),
    ));
    facts.push((
        "absent_values.organization.fields_omitted",
        json!(usize::from(!is_null)),
    ));
    for forbidden in &switches.forbidden {
        facts.retain(|(path, _)| !path.contains(".teams."));
        facts.push((
            "permissions.not_readable.teams",
            json!(forbidden.status.to_string()),
        ));
    }
    if paging.empty_page == Some(0)
        && matches!(paging.next, NextLink::Elsewhere(_) | NextLink::SameKey)
    {
        // No record id can be seen.
        return facts;
    }
    facts.extend(analytics(switches));
    let form = match switches.retry_after {
        RetryAfter::None => "absent",
        RetryAfter::Seconds => "seconds",
        RetryAfter::HttpDate => "date",
    };
    if world.scenario.limits.exports.count < 10 {
        facts.push(("retry_after.forms", json!([form])));
    } else {
        facts.push(("retry_after.forms", json!([])));
    }
    facts
}

/// Of a record whose rows of a day fit on a page of 250.
fn analytics(switches: &Switches) -> Vec<Fact> {
    let (paging, analytics) = (&switches.paging, &switches.analytics);
    if let Some((_, status)) = analytics.refused.first() {
        return vec![
            ("analytics_filters.without_filter", json!(status)),
            ("analytics_bounds.start", Value::Null),
            ("analytics_ids.unknown_id", Value::Null),
        ];
    }
    let is_filtered = analytics.filters == FilterRule::Required;
    let without_filter = if is_filtered { 400 } else { 200 };
    let mut facts = vec![("analytics_filters.without_filter", json!(without_filter))];
    let is_hidden = paging.empty_page == Some(0);
    if is_filtered && is_hidden {
        // No value of the filter can be seen.
        return facts;
    }
    if is_filtered {
        facts.push(("analytics_filters.with_a_filter", json!(200)));
    }
    let status = |size: usize| {
        let is_small = size <= analytics.max_page || analytics.above_max == AboveMax::Capped;
        json!(if analytics.takes_page_limit && is_small {
            200
        } else {
            400
        })
    };
    facts.extend([
        ("analytics_pages.one.status", status(1)),
        ("analytics_pages.maximum.status", status(300)),
        ("analytics_pages.above_maximum.status", status(301)),
        ("analytics_ids.unknown_id", json!(analytics.unknown_id)),
    ]);
    let is_endless = paging.after_last != AfterLast::Nothing || paging.next == NextLink::SameKey;
    if analytics.takes_page_limit || is_endless || is_hidden {
        let form = match analytics.next {
            NextPage::MetaLink => link_form(&paging.next),
            NextPage::TopLevelKey => "page key outside of `meta`",
            NextPage::BareKeyInMeta => "page key alone",
        };
        facts.push(("analytics_links.next_page", json!([form])));
    }
    // Pages of the default size may not have all rows.
    let is_whole = status(300) == 200;
    let is_told = is_whole && !is_endless && !is_hidden;
    let bytes = if analytics.unstable_bytes {
        "differ"
    } else {
        "same"
    };
    if is_told {
        facts.push(("analytics_rows.bytes", json!(bytes)));
    } else if is_endless || is_hidden {
        facts.push(("analytics_rows.bytes", Value::Null));
    }
    for (path, bound) in [
        ("analytics_bounds.start", analytics.start),
        ("analytics_bounds.end", analytics.end),
    ] {
        if is_hidden || is_whole && is_endless && bound == Bound::Exclusive {
            facts.push((path, Value::Null));
        } else if is_whole {
            facts.push((path, json!(exact(bound))));
        }
    }
    facts
}

fn link_form(next: &NextLink) -> &'static str {
    match next {
        NextLink::Relative | NextLink::SameKey => "relative",
        NextLink::Absolute => "absolute",
        NextLink::Elsewhere(_) => "to another host",
    }
}

fn links(switches: &Switches) -> Vec<Fact> {
    let paging = &switches.paging;
    let form = link_form(&paging.next);
    let end = match paging.last {
        LastMeta::Absent => "absent",
        LastMeta::Null => "null",
        LastMeta::EmptyObject => "empty",
        LastMeta::NullNext => "`next` is null",
    };
    let is_endless = paging.after_last != AfterLast::Nothing || paging.next == NextLink::SameKey;
    let is_followed = !matches!(paging.next, NextLink::Elsewhere(_));
    let is_hidden = paging.empty_page == Some(0) && !is_followed;
    let mut facts = vec![
        ("page_links.links", json!([form])),
        (
            "page_links.meta_of_the_last_page",
            if is_endless || is_hidden {
                json!([])
            } else {
                json!([end])
            },
        ),
        ("page_links.page_size_in_link", json!(paging.limit_in_link)),
        (
            "page_links.same_link_again",
            json!(paging.next == NextLink::SameKey),
        ),
    ];
    let is_repeated = paging.next == NextLink::SameKey || paging.after_last == AfterLast::FirstRow;
    if !is_repeated {
        facts.push(("page_links.records_repeated_on_the_next_page", json!(false)));
    } else if paging.after_last == AfterLast::FirstRow && paging.empty_page.is_none() && is_followed
    {
        facts.push(("page_links.records_repeated_on_the_next_page", json!(true)));
    }
    let has_empty = paging
        .empty_page
        .is_some_and(|page| page == 0 || is_followed);
    if paging.after_last == AfterLast::EmptyPages && is_followed || has_empty {
        facts.push(("page_links.empty_pages_with_a_link", json!("some")));
    } else if !is_endless {
        facts.push(("page_links.empty_pages_with_a_link", json!(0)));
    }
    let is_plain = paging.empty_page.is_none() && !is_endless && is_followed;
    if is_plain {
        facts.push(("page_links.page_size_kept", json!(true)));
    }
    let is_listed = paging.above_max != AboveMax::Refused;
    if is_plain && is_listed && matches!(switches.rounding, Rounding::None | Rounding::To(1000)) {
        facts.push((
            "page_links.filters_in_the_link",
            json!(paging.key_has_filters),
        ));
    }
    facts
}
