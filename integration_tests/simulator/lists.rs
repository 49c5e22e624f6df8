//! The rules of the main API's lists: their parameters and filters, and the rows that pass.

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::World;
use super::account::{Account, Row};
use super::activity;
use super::answer::{Answer, Body};
use super::catalogue::{ACTIVITY, CHANNELS_OF_FLOWS, FLOWS, LISTS, List, TAGS};
use super::exports::sort;
use super::large::Made;
use super::pages::{page, with_filters};
use super::request::Request;
use super::rules::Refusal;
use super::switches::Absent;

pub fn is_known(path: &str) -> bool {
    find(path).is_some()
}

/// The list of this path, and the id in it.
fn find(path: &str) -> Option<(&'static List, &str)> {
    LISTS.iter().find_map(|list| {
        let Some((before, after)) = list.path.split_once("{id}") else {
            return (list.path == path).then_some((list, ""));
        };
        let id = path.strip_prefix(before)?.strip_suffix(after)?;
        (!id.is_empty() && !id.contains('/')).then_some((list, id))
    })
}

/// What is not there (dixa-api.md 2.2: SPEC, with the message).
fn not_found() -> Refusal {
    Refusal::new(
        404,
        "unknown path",
        "The requested resource could not be found",
    )
}

/// One page, or the whole of a list that is not paged.
pub fn answer(world: &World, request: &Request) -> Result<Answer, Refusal> {
    let request = &with_filters(world, request);
    let (list, id) = find(&request.path).ok_or_else(not_found)?;
    if world.switches.strict_queries {
        documented_parameters(list, request)?;
    }
    exclusive_filters(list, request)?;
    let inactive_too = inactive_too(request)?;
    let channel = channel(list, request)?;
    let span = activity::span(&world.switches, request)?;
    let account = world.account();
    if let Some(made) = made(list, &account, &span) {
        return large_page(world, request, list, &made);
    }
    let rows = (list.rows)(&account, id).ok_or_else(not_found)?;
    let mut rows: Vec<&Row> = rows
        .iter()
        .filter(|row| {
            inactive_too || list.path != TAGS || !row.json.contains(r#""state":"Inactive""#)
        })
        .filter(|row| channel.is_none_or(|channel| row.key.ends_with(&format!(" {channel}"))))
        .filter(|row| list.path != ACTIVITY || span.contains(&row.at))
        .filter(|row| matches_filter(list, request, row))
        .collect();
    if list.path == ACTIVITY {
        sort(&mut rows, world.switches.order);
    }
    let (page, meta) = if list.paged {
        page(world, request, rows.len())?
    } else {
        (0..rows.len(), String::new())
    };
    let rows = rows[page]
        .iter()
        .map(|row| with_absent(row, list.optional, world.switches.absent))
        .collect();
    let (opening, closing) = list.around;
    let end = if opening.starts_with('{') { "}" } else { "" };
    let body = Body::Rows {
        opening,
        rows,
        closing: format!("{closing}{meta}{end}"),
    };
    Ok(Answer::new(200, "application/json", body))
}

/// The rows that are made up on the way, all that pass.
fn made(list: &List, account: &Account, span: &RangeInclusive<i64>) -> Option<Made> {
    let (kind, large) = list.large.zip(account.large)?;
    (large.count(kind) > 0).then(|| Made {
        large,
        kind,
        numbers: large.within(kind, span),
    })
}

fn large_page(
    world: &World,
    request: &Request,
    list: &List,
    made: &Made,
) -> Result<Answer, Refusal> {
    let (page, meta) = page(world, request, made.numbers.len())?;
    let first = made.numbers.start;
    let numbers = first + page.start..first + page.end;
    let (opening, closing) = list.around;
    let body = Body::Made {
        opening,
        made: Made { numbers, ..*made },
        closing: format!("{closing}{meta}}}"),
    };
    Ok(Answer::new(200, "application/json", body))
}

/// Flows of one channel at a time, else of `PstnPhone` (dixa-api.md 2.6: SPEC); one that the endpoint does not list is refused.
fn channel<'a>(list: &List, request: &'a Request) -> Result<Option<&'a str>, Refusal> {
    if list.path != FLOWS {
        return Ok(None);
    }
    let channel = request.parameter("channel").unwrap_or("PstnPhone");
    if CHANNELS_OF_FLOWS.contains(&channel) {
        Ok(Some(channel))
    } else {
        Err(Refusal::new(400, "channel", "Decoding failure in request"))
    }
}

/// Dixa is said to ignore unknown parameters (dixa-api.md 2.6: C, TAP); refused by switch.
fn documented_parameters(list: &List, request: &Request) -> Result<(), Refusal> {
    for (name, _) in &request.pairs {
        let of_paging = list.paged && matches!(name.as_str(), "pageLimit" | "pageKey");
        let of_tags = list.path == TAGS && name == "includeDeactivated";
        let of_list = list.parameters.contains(&name.as_str());
        if !of_paging
            && !of_tags
            && !of_list
            && list.filters.iter().all(|(filter, _)| filter != name)
        {
            return Err(Refusal::new(
                400,
                "undocumented parameter",
                "Decoding failure in request",
            ));
        }
    }
    Ok(())
}

/// More than one filter is refused (dixa-api.md 2.6: SPEC, "mutually exclusive").
fn exclusive_filters(list: &List, request: &Request) -> Result<(), Refusal> {
    let used = list
        .filters
        .iter()
        .filter(|(filter, _)| request.parameter(filter).is_some());
    if used.count() > 1 {
        return Err(Refusal::new(
            400,
            "exclusive filters",
            "Decoding failure in request",
        ));
    }
    Ok(())
}

fn matches_filter(list: &List, request: &Request, row: &Row) -> bool {
    list.filters.iter().all(|(filter, field)| {
        let wanted = request.parameter(filter);
        wanted.is_none_or(|wanted| row.json.contains(&format!(r#""{field}":"{wanted}""#)))
    })
}

/// `includeDeactivated`, a boolean; only active tags without it (dixa-api.md 2.6: SPEC, with the message of its 400).
fn inactive_too(request: &Request) -> Result<bool, Refusal> {
    match request.parameter("includeDeactivated") {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(Refusal::new(
            400,
            "includeDeactivated",
            "Invalid value in request",
        )),
    }
}

/// Optional fields are left out as stored, or written as null, by switch (dixa-api.md 2.3; doubt 11).
fn with_absent(row: &Row, optional: &[&str], absent: Absent) -> Arc<str> {
    let Some(open) = row
        .json
        .strip_suffix('}')
        .filter(|_| absent == Absent::Null)
    else {
        return Arc::clone(&row.json);
    };
    let missing = optional
        .iter()
        .filter(|name| !open.contains(&format!(r#""{name}":"#)));
    let nulls: Vec<String> = missing.map(|name| format!(r#","{name}":null"#)).collect();
    format!("{open}{}}}", nulls.concat()).into()
}
