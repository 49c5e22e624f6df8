//! The rules of the Exports API: which parameters, which values, which span, and the records they select.

use std::ops::RangeInclusive;
use std::sync::Arc;

use chrono::NaiveDate;

use super::World;
use super::account::Row;
use super::answer::{Answer, Body};
use super::bulk::Bulk;
use super::large::{Kind, Made};
use super::request::Request;
use super::rules::Refusal;
use super::switches::{Bound, Order, Switches};

/// The longest span of a filter (dixa-api.md 1.2: one month, 31 days, A; above it 400 as the only fitting code, `?`).
pub const LONGEST_SPAN_MS: i64 = 31 * 86_400_000;

/// The filters of `conversation_export` (dixa-api.md 1.2: A), each with `_after` and `_before`.
const CONVERSATION_FILTERS: &[&str] = &["created", "updated", "closed", "last_message_created"];
/// `message_export` knows `created_*` only (dixa-api.md 1.2: A).
const MESSAGE_FILTERS: &[&str] = &["created"];

/// A filter's name and the milliseconds it lets through.
type Span = (&'static str, RangeInclusive<i64>);

/// All records that pass the filters, as one bare array without paging (dixa-api.md 1.1: A).
pub fn answer(world: &World, request: &Request) -> Result<Answer, Refusal> {
    let messages = request.path.ends_with("/message_export");
    let names = if messages {
        MESSAGE_FILTERS
    } else {
        CONVERSATION_FILTERS
    };
    if world.switches.strict_exports {
        known_parameters(request, names, messages)?;
    }
    let spans = spans(&world.switches, request, names)?;
    let ids = if messages { None } else { csids(request)? };
    if spans.is_empty() && ids.is_none() {
        return Err(invalid("no filter"));
    }
    let account = world.account();
    let body = match (account.bulk, account.large, spans.first()) {
        (Some(records), _, Some((_, span))) if !messages => Body::Bulk(Bulk::new(records, span)),
        (_, Some(large), Some((_, span))) if messages && large.messages > 0 => Body::Made {
            opening: "[",
            made: Made {
                large,
                kind: Kind::Messages,
                numbers: large.within(Kind::Messages, span),
            },
            closing: "]".to_owned(),
        },
        _ => {
            let rows = if messages {
                &account.messages
            } else {
                &account.conversations
            };
            let chosen = rows
                .iter()
                .filter(|row| ids.as_ref().is_none_or(|ids| ids.contains(&row.key)));
            let chosen =
                chosen.filter(|row| spans.iter().all(|(name, span)| passes(row, name, span)));
            array(chosen.collect(), world.switches.order)
        }
    };
    Ok(Answer::new(200, "application/json", body))
}

/// 400 is documented as "invalid query parameters" (dixa-api.md 1.4: D-exp, B); the words are ours.
fn invalid(rule: &'static str) -> Refusal {
    Refusal::new(400, rule, "Invalid query parameters")
}

/// A name that is not documented for the endpoint, or one that comes twice: 400 by switch (1.4: the code B, the case `?`).
fn known_parameters(request: &Request, names: &[&str], messages: bool) -> Result<(), Refusal> {
    let filters = names
        .iter()
        .flat_map(|name| [format!("{name}_after"), format!("{name}_before")]);
    let known: Vec<String> = filters
        .chain((!messages).then(|| "csids".to_owned()))
        .collect();
    for (place, (name, _)) in request.pairs.iter().enumerate() {
        if !known.contains(name) {
            return Err(invalid("unknown parameter"));
        }
        if request.pairs[..place]
            .iter()
            .any(|(before, _)| before == name)
        {
            return Err(invalid("repeated parameter"));
        }
    }
    Ok(())
}

/// At least one `*_after` and one `*_before` (dixa-api.md 1.2: B, D-guide); here each filter needs both its ends, the
/// stricter reading. Several filters are combined by AND (1.2: `?`).
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
            _ => return Err(invalid("one-sided filter")),
        }
    }
    Ok(spans)
}

/// `after` above `before` and a span above 31 days are refused (dixa-api.md 1.2; doubt 2: best guess 400). The bounds' own
/// milliseconds belong to the span or not, by switch (1.2: not documented).
fn span(switches: &Switches, after: i64, before: i64) -> Result<RangeInclusive<i64>, Refusal> {
    if after > before {
        return Err(invalid("after is later than before"));
    }
    if before - after > LONGEST_SPAN_MS {
        return Err(invalid("span over 31 days"));
    }
    let first = after + i64::from(switches.after == Bound::Exclusive);
    let last = before - i64::from(switches.before == Bound::Exclusive);
    Ok(first..=last)
}

/// `yyyy-mm-dd`, taken as 00:00:00.000 UTC (dixa-api.md 1.2: the form A, the zone `?`), or milliseconds since 1970. ISO
/// date-times are refused (1.2: C).
fn instant(value: &str) -> Result<i64, Refusal> {
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        return value.parse().map_err(|_| invalid("time out of range"));
    }
    let date = (value.len() == 10)
        .then(|| NaiveDate::parse_from_str(value, "%Y-%m-%d").ok())
        .flatten();
    let midnight = date.and_then(|date| date.and_hms_opt(0, 0, 0));
    midnight
        .map(|midnight| midnight.and_utc().timestamp_millis())
        .ok_or_else(|| invalid("time format"))
}

/// `csids`, int32 with commas between (dixa-api.md 1.2: D-exp); no cap is known.
fn csids(request: &Request) -> Result<Option<Vec<String>>, Refusal> {
    let Some(list) = request.parameter("csids") else {
        return Ok(None);
    };
    let ids: Result<Vec<i32>, _> = list.split(',').map(str::parse).collect();
    let ids = ids.map_err(|_| invalid("csids"))?;
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

/// Puts rows into the order in which they are sent.
pub fn sort(rows: &mut [&Row], order: Order) {
    match order {
        Order::Ascending => rows.sort_by_key(|row| row.at),
        Order::Descending => rows.sort_by_key(|row| std::cmp::Reverse(row.at)),
        Order::Shuffled => fastrand::Rng::with_seed(rows.len() as u64).shuffle(rows),
    }
}

fn array(mut rows: Vec<&Row>, order: Order) -> Body {
    sort(&mut rows, order);
    let rows = rows.into_iter().map(|row| Arc::clone(&row.json)).collect();
    Body::Rows {
        opening: "[",
        rows,
        closing: "]".to_owned(),
    }
}
