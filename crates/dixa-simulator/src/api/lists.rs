//! The rules of the main API's lists: their parameters and filters, and the rows that pass.

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::dixa::Dixa;
use super::endpoints::{ACTIVITY, CHANNELS_OF_FLOWS, ENDPOINTS, Endpoint, FLOWS, TAGS};
use super::pages::{page, with_filters};
use super::refusal::Refusal;
use super::request::Request;
use super::response::{Body, Response};
use super::switches::Absent;
use super::{activity_filter, order};
use crate::data::account::Account;
use crate::data::large::GeneratedRows;
use crate::data::row::Row;

pub fn is_known(path: &str) -> bool {
    find(path).is_some()
}

/// The endpoint with this path, and the id in it.
fn find(path: &str) -> Option<(&'static Endpoint, &str)> {
    ENDPOINTS.iter().find_map(|endpoint| {
        let Some((before, after)) = endpoint.path.split_once("{id}") else {
            return (endpoint.path == path).then_some((endpoint, ""));
        };
        let id = path.strip_prefix(before)?.strip_suffix(after)?;
        (!id.is_empty() && !id.contains('/')).then_some((endpoint, id))
    })
}

/// One page, or the whole of a list that is not paged.
pub fn respond(dixa: &Dixa, request: &Request) -> Result<Response, Refusal> {
    let request = &with_filters(dixa, request);
    let (endpoint, id) = find(&request.path).ok_or_else(Refusal::not_found)?;
    if dixa.switches.strict_queries {
        documented_parameters(endpoint, request)?;
    }
    exclusive_filters(endpoint, request)?;
    let inactive_too = inactive_too(request)?;
    let channel = channel(endpoint, request)?;
    let span = activity_filter::span(&dixa.switches, request)?;
    let account = dixa.account();
    if let Some(rows) = generated(endpoint, &account, &span) {
        return generated_page(dixa, request, endpoint, &rows);
    }
    let unknown_id = || match endpoint.unknown_id {
        400 => Refusal::invalid_id(),
        _ => Refusal::not_found(),
    };
    let rows = (endpoint.rows)(&account, id).ok_or_else(unknown_id)?;
    let mut rows: Vec<&Row> = rows
        .iter()
        .filter(|row| inactive_too || !is_inactive(endpoint, row))
        .filter(|row| channel.is_none_or(|channel| row.key.ends_with(&format!(" {channel}"))))
        .filter(|row| endpoint.path != ACTIVITY || span.contains(&row.at))
        .filter(|row| matches_filter(endpoint, request, row))
        .collect();
    if endpoint.path == ACTIVITY {
        order::sort(&mut rows, dixa.switches.order);
    }
    let (page, meta) = if endpoint.paged {
        page(dixa, request, rows.len())?
    } else {
        (0..rows.len(), String::new())
    };
    let rows = rows[page]
        .iter()
        .map(|row| with_absent(row, endpoint.optional, dixa.switches.absent))
        .collect();
    let (opening, closing) = endpoint.envelope;
    let end = if opening.starts_with('{') { "}" } else { "" };
    let body = Body::Rows {
        opening,
        rows,
        closing: format!("{closing}{meta}{end}"),
    };
    Ok(Response::new(200, "application/json", body))
}

/// The generated rows that pass, where the account has this list as a generated one.
fn generated(
    endpoint: &Endpoint,
    account: &Account,
    span: &RangeInclusive<i64>,
) -> Option<GeneratedRows> {
    let (list, lists) = endpoint.large.zip(account.large)?;
    (lists.count(list) > 0).then(|| GeneratedRows {
        lists,
        list,
        numbers: lists.within(list, span),
    })
}

fn generated_page(
    dixa: &Dixa,
    request: &Request,
    endpoint: &Endpoint,
    all: &GeneratedRows,
) -> Result<Response, Refusal> {
    let (page, meta) = page(dixa, request, all.numbers.len())?;
    let first = all.numbers.start;
    let numbers = first + page.start..first + page.end;
    let (opening, closing) = endpoint.envelope;
    let body = Body::Generated {
        opening,
        rows: GeneratedRows { numbers, ..*all },
        closing: format!("{closing}{meta}}}"),
    };
    Ok(Response::new(200, "application/json", body))
}

/// Flows of one channel at a time, else of `PstnPhone` (docs/dixa-api.md 2.6: SPEC); one that the
/// endpoint does not list is refused.
fn channel<'a>(endpoint: &Endpoint, request: &'a Request) -> Result<Option<&'a str>, Refusal> {
    if endpoint.path != FLOWS {
        return Ok(None);
    }
    let channel = request.parameter("channel").unwrap_or("PstnPhone");
    if CHANNELS_OF_FLOWS.contains(&channel) {
        Ok(Some(channel))
    } else {
        Err(Refusal::undecodable("channel"))
    }
}

/// Dixa is said to ignore unknown parameters (docs/dixa-api.md 2.6: C, TAP); refused by switch.
fn documented_parameters(endpoint: &Endpoint, request: &Request) -> Result<(), Refusal> {
    for (name, _) in &request.pairs {
        let of_paging = endpoint.paged && matches!(name.as_str(), "pageLimit" | "pageKey");
        let of_tags = endpoint.path == TAGS && name == "includeDeactivated";
        let of_list = endpoint.parameters.contains(&name.as_str());
        if !of_paging
            && !of_tags
            && !of_list
            && endpoint.filters.iter().all(|(filter, _)| filter != name)
        {
            return Err(Refusal::undecodable("undocumented parameter"));
        }
    }
    Ok(())
}

/// More than one filter is refused (docs/dixa-api.md 2.6: SPEC, "mutually exclusive").
fn exclusive_filters(endpoint: &Endpoint, request: &Request) -> Result<(), Refusal> {
    let used = endpoint
        .filters
        .iter()
        .filter(|(filter, _)| request.parameter(filter).is_some());
    if used.count() > 1 {
        return Err(Refusal::undecodable("exclusive filters"));
    }
    Ok(())
}

fn matches_filter(endpoint: &Endpoint, request: &Request, row: &Row) -> bool {
    endpoint.filters.iter().all(|(filter, field)| {
        let wanted = request.parameter(filter);
        wanted.is_none_or(|wanted| row.json.contains(&format!(r#""{field}":"{wanted}""#)))
    })
}

/// `includeDeactivated`, a boolean; only active tags without it (docs/dixa-api.md 2.6: SPEC, with
/// the message of its 400).
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

fn is_inactive(endpoint: &Endpoint, row: &Row) -> bool {
    endpoint.path == TAGS && row.json.contains(r#""state":"Inactive""#)
}

/// Optional fields are left out as stored, or written as null, by switch (docs/dixa-api.md 2.3;
/// doubt 11).
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
