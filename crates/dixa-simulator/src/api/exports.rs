//! The rules of the Exports API: parameters, their values, the longest span, and which records they select.

use std::ops::RangeInclusive;
use std::sync::Arc;

use chrono::NaiveDate;

use super::dixa::Dixa;
use super::order;
use super::refusal::Refusal;
use super::request::Request;
use super::response::{Body, Response};
use super::switches::{Bound, Order, Switches};
use crate::data::account::Account;
use crate::data::bulk::Bulk;
use crate::data::large::{GeneratedRows, LargeList};
use crate::data::row::Row;

/// The longest span of a filter (docs/dixa-api.md 1.2: one month, 31 days, A; above it 400 as the
/// only fitting code, `?`).
pub const LONGEST_SPAN_MS: i64 = 31 * 86_400_000;

/// The filters of `conversation_export` (docs/dixa-api.md 1.2: A), each with `_after` and
/// `_before`.
const CONVERSATION_FILTERS: &[&str] = &["created", "updated", "closed", "last_message_created"];
/// `message_export` knows `created_*` only (docs/dixa-api.md 1.2: A).
const MESSAGE_FILTERS: &[&str] = &["created"];

/// A filter's name and the milliseconds it selects.
type Span = (&'static str, RangeInclusive<i64>);

/// All records that pass the filters, as one bare array without paging (docs/dixa-api.md 1.1: A).
pub fn respond(dixa: &Dixa, request: &Request) -> Result<Response, Refusal> {
    let messages = request.path.ends_with("/message_export");
    let names = if messages {
        MESSAGE_FILTERS
    } else {
        CONVERSATION_FILTERS
    };
    if dixa.switches.strict_exports {
        known_parameters(request, names, messages)?;
    }
    let spans = spans(&dixa.switches, request, names)?;
    let ids = if messages { None } else { csids(request)? };
    if spans.is_empty() && ids.is_none() {
        return Err(Refusal::invalid_parameters("no filter"));
    }
    let account = dixa.account();
    let body = generated(&account, messages, &spans).unwrap_or_else(|| {
        let rows = if messages {
            &account.messages
        } else {
            &account.conversations
        };
        let has_id = |row: &&Row| ids.as_ref().is_none_or(|ids| ids.contains(&row.key));
        let in_spans = |row: &&Row| spans.iter().all(|(name, span)| passes(row, name, span));
        let rows = rows.iter().filter(has_id).filter(in_spans).collect();
        array(rows, dixa.switches.order, dixa.next_export_number())
    });
    Ok(Response::new(200, "application/json", body))
}

/// Records that are generated while they are sent, where the account asks for that.
fn generated(account: &Account, messages: bool, spans: &[Span]) -> Option<Body> {
    let (_, span) = spans.first()?;
    if !messages {
        return Some(Body::Bulk(Bulk::new(account.bulk?, span)));
    }
    let lists = account.large.filter(|lists| lists.messages > 0)?;
    Some(Body::Generated {
        opening: "[",
        rows: GeneratedRows {
            lists,
            list: LargeList::Messages,
            numbers: lists.within(LargeList::Messages, span),
        },
        closing: "]".to_owned(),
    })
}

/// A name that is not documented for the endpoint, or one that is repeated: 400 by switch (1.4: the code B, the case `?`).
fn known_parameters(request: &Request, names: &[&str], messages: bool) -> Result<(), Refusal> {
    let filters = names
        .iter()
        .flat_map(|name| [format!("{name}_after"), format!("{name}_before")]);
    let known: Vec<String> = filters
        .chain((!messages).then(|| "csids".to_owned()))
        .collect();
    for (index, (name, _)) in request.pairs.iter().enumerate() {
        if !known.contains(name) {
            return Err(Refusal::invalid_parameters("unknown parameter"));
        }
        if request.pairs[..index]
            .iter()
            .any(|(before, _)| before == name)
        {
            return Err(Refusal::invalid_parameters("repeated parameter"));
        }
    }
    Ok(())
}

/// At least one `*_after` and one `*_before` (docs/dixa-api.md 1.2: B, D-guide); here each filter
/// needs both its ends, the stricter reading. Several filters are combined by AND (1.2: `?`).
fn spans(
    switches: &Switches,
    request: &Request,
    names: &[&'static str],
) -> Result<Vec<Span>, Refusal> {
    let mut spans = Vec::new();
    for &name in names {
        let after = request.parameter(&format!("{name}_after"));
        let before = request.parameter(&format!("{name}_before"));
        match (after, before) {
            (Some(after), Some(before)) => {
                spans.push((name, span(switches, instant(after)?, instant(before)?)?));
            }
            (None, None) => {}
            _ => return Err(Refusal::invalid_parameters("one-sided filter")),
        }
    }
    Ok(spans)
}

/// `after` above `before` and a span above 31 days are refused (docs/dixa-api.md 1.2; doubt 2: best
/// guess 400). The bounds' own milliseconds belong to the span or not, by switch (1.2: not
/// documented); the day that a date names in `before` does not (1.2: A-).
fn span(
    switches: &Switches,
    after: Instant,
    before: Instant,
) -> Result<RangeInclusive<i64>, Refusal> {
    let is_date = before.is_date;
    let (after, before) = (after.ms, before.ms);
    if after > before {
        return Err(Refusal::invalid_parameters("after is later than before"));
    }
    if before - after > LONGEST_SPAN_MS {
        return Err(Refusal::invalid_parameters("span over 31 days"));
    }
    let (after, before) = switches.rounding.apply(after, before);
    let first = after + i64::from(switches.after == Bound::Exclusive);
    let last = before - i64::from(is_date || switches.before == Bound::Exclusive);
    Ok(first..=last)
}

/// A bound of a filter.
#[derive(Clone, Copy)]
struct Instant {
    ms: i64,
    is_date: bool,
}

/// `yyyy-mm-dd`, which is 00:00:00.000 UTC (docs/dixa-api.md 1.2: A-), or milliseconds since 1970.
/// ISO date-times are refused (C).
fn instant(value: &str) -> Result<Instant, Refusal> {
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        let ms = value
            .parse()
            .map_err(|_| Refusal::invalid_parameters("time out of range"))?;
        return Ok(Instant { ms, is_date: false });
    }
    let date = (value.len() == 10)
        .then(|| NaiveDate::parse_from_str(value, "%Y-%m-%d").ok())
        .flatten();
    let midnight = date.and_then(|date| date.and_hms_opt(0, 0, 0));
    midnight
        .map(|midnight| Instant {
            ms: midnight.and_utc().timestamp_millis(),
            is_date: true,
        })
        .ok_or_else(|| Refusal::invalid_parameters("time format"))
}

/// `csids`, int32 with commas between (docs/dixa-api.md 1.2: D-exp); no cap is known.
fn csids(request: &Request) -> Result<Option<Vec<String>>, Refusal> {
    let Some(list) = request.parameter("csids") else {
        return Ok(None);
    };
    let ids: Result<Vec<i32>, _> = list.split(',').map(str::parse).collect();
    let ids = ids.map_err(|_| Refusal::invalid_parameters("csids"))?;
    Ok(Some(ids.iter().map(i32::to_string).collect()))
}

fn passes(row: &Row, filter: &str, span: &RangeInclusive<i64>) -> bool {
    match filter {
        "updated" => span.contains(&row.at),
        _ => row
            .time(&format!("{filter}_at"))
            .is_some_and(|at| span.contains(&at)),
    }
}

fn array(mut rows: Vec<&Row>, order: Order, number: u64) -> Body {
    order::arrange(&mut rows, order, number);
    let rows = rows.into_iter().map(|row| Arc::clone(&row.json)).collect();
    Body::Rows {
        opening: "[",
        rows,
        closing: "]".to_owned(),
    }
}
