//! The rules of `POST /v1/analytics/records` (docs/dixa-api.md 2.8: SPEC): which rows a body selects, in which pages.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::RangeInclusive;
use std::sync::Arc;

use serde_json::Value;

use super::dixa::Dixa;
use super::metric_query::{MetricQuery, ValueFilter};
use super::order;
use super::pages::{Page, PageKey, cut, last_meta, link, requested_key};
use super::refusal::Refusal;
use super::request::{LARGEST_BODY, Request};
use super::response::{Body, Response};
use super::switches::{Analytics, Bound, FilterRule, NextPage, Paging};
use crate::data::account::Account;
use crate::data::large::{ANALYTICS_RECORD, GeneratedRows, LargeList, metric};
use crate::data::metric_record::MetricRecord;
use crate::data::row::Row;

const OPENING: &str = r#"{"data":["#;

/// One page of the rows that a body selects.
pub fn respond(dixa: &Dixa, request: &Request) -> Result<Response, Refusal> {
    let switches = &dixa.switches.analytics;
    let body = json(request)?;
    let query = MetricQuery::decode(&body)?;
    let paging = paging(dixa, request)?;
    let account = dixa.account();
    allowed(switches, &account, &query)?;
    let number = dixa.next_analytics_number();
    let first = Chain {
        body: fingerprint(&body),
        number,
        rows: account.metrics(&query.id).len(),
    };
    let key = requested_key(&paging, request, || first.carried())
        .map_err(|refusal| Refusal::invalid_value(refusal.rule))?;
    let chain = Chain::of(&key)
        .filter(|chain| chain.body == first.body)
        .ok_or_else(|| Refusal::invalid_value("pageKey of another body"))?;
    let span = span(switches, &query);
    let body = if let Some(all) = generated(&account, &query, &span) {
        let page = cut(&paging, &key, all.numbers.len());
        let first = all.numbers.start;
        let numbers = first + page.rows.start..first + page.rows.end;
        Body::Generated {
            opening: OPENING,
            rows: GeneratedRows { numbers, ..all },
            closing: closing(dixa, &paging, &request.path, &page),
        }
    } else {
        let is_reversed = switches.unstable_bytes && number % 2 == 1;
        let rows = selected(&account, &query, &span, chain.rows);
        let rows: Vec<Row> = rows.map(|row| sent(row, is_reversed)).collect();
        let mut rows: Vec<&Row> = rows.iter().collect();
        order::arrange(&mut rows, dixa.switches.order, chain.number);
        let page = cut(&paging, &key, rows.len());
        let rows = rows[page.rows.clone()].iter();
        Body::Rows {
            opening: OPENING,
            rows: rows.map(|row| Arc::clone(&row.json)).collect(),
            closing: closing(dixa, &paging, &request.path, &page),
        }
    };
    Ok(Response::new(200, "application/json", body))
}

/// A body that is too large or not JSON. These statuses are HTTP's own.
fn json(request: &Request) -> Result<Value, Refusal> {
    if request.body_bytes() > LARGEST_BODY {
        return Err(Refusal::new(413, "size of the body", "Payload Too Large"));
    }
    if !request.has_json() {
        return Err(Refusal::new(415, "content type", "Unsupported Media Type"));
    }
    serde_json::from_slice(&request.body).map_err(|_| Refusal::invalid_value("body"))
}

/// How rows are paged: as in lists, but with sizes of their own.
fn paging(dixa: &Dixa, request: &Request) -> Result<Paging, Refusal> {
    let switches = &dixa.switches.analytics;
    let paging = &dixa.switches.paging;
    let is_known = |name: &str| matches!(name, "pageLimit" | "pageKey");
    if dixa.switches.strict_queries && request.pairs.iter().any(|(name, _)| !is_known(name)) {
        return Err(Refusal::invalid_value("undocumented parameter"));
    }
    if !switches.takes_page_limit && request.parameter("pageLimit").is_some() {
        return Err(Refusal::invalid_value("any pageLimit"));
    }
    Ok(Paging {
        default_size: paging.default_size.min(switches.max_page),
        max_size: switches.max_page,
        above_max: switches.above_max,
        limit_in_link: paging.limit_in_link && switches.takes_page_limit,
        ..paging.clone()
    })
}

/// Record ids and filters that are refused (docs/dixa-api.md 4, doubts 19 and 24).
fn allowed(switches: &Analytics, account: &Account, query: &MetricQuery) -> Result<(), Refusal> {
    let mut refused = switches.refused.iter();
    if let Some((_, status)) = refused.find(|(id, _)| *id == query.id) {
        return Err(Refusal::with_status(*status, "refused record id"));
    }
    if !account.has_record_id(&query.id) {
        return Err(Refusal::with_status(
            switches.unknown_id,
            "unknown record id",
        ));
    }
    if switches.filters == FilterRule::Required && query.filters.is_empty() {
        return Err(Refusal::invalid_value("no filter"));
    }
    Ok(())
}

/// What the pages of one body have in common. Their order is the same, and rows that are added meanwhile are not in them.
struct Chain {
    /// The fingerprint of the body.
    body: u64,
    /// The number of the request for its first page.
    number: u64,
    /// How many rows of its kind there were.
    rows: usize,
}

impl Chain {
    fn of(key: &PageKey) -> Option<Self> {
        Some(Self {
            body: key.carried("body")?.parse().ok()?,
            number: key.carried("chain")?.parse().ok()?,
            rows: key.carried("rows")?.parse().ok()?,
        })
    }

    fn carried(&self) -> Vec<(String, String)> {
        let carried = [
            ("body", self.body.to_string()),
            ("chain", self.number.to_string()),
            ("rows", self.rows.to_string()),
        ];
        carried.map(|(name, value)| (name.to_owned(), value)).into()
    }
}

/// Equal for equal JSON.
fn fingerprint(body: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    hasher.finish()
}

/// The milliseconds of an interval. Whether its bounds belong to it is unknown (docs/dixa-api.md 4, doubt 22).
fn span(switches: &Analytics, query: &MetricQuery) -> RangeInclusive<i64> {
    let first = query.start + i64::from(switches.start == Bound::Exclusive);
    let last = query.end - i64::from(switches.end == Bound::Exclusive);
    first..=last
}

fn selected<'a>(
    account: &'a Account,
    query: &'a MetricQuery,
    span: &'a RangeInclusive<i64>,
    count: usize,
) -> impl Iterator<Item = &'a MetricRecord> {
    let all = account.metrics(&query.id);
    let filters = query.filters.iter();
    let relevant: Vec<_> = filters
        .filter(|filter| all.iter().any(|row| has_field(row, filter)))
        .collect();
    let rows = all.iter().take(count);
    rows.filter(|row| span.contains(&row.at))
        .filter(move |row| relevant.iter().all(|filter| passes(row, filter)))
}

/// Filters by what a kind of rows does not have are ignored (docs/dixa-api.md 2.8: SPEC).
fn has_field(row: &MetricRecord, filter: &ValueFilter) -> bool {
    row.field(&filter.attribute).is_some()
}

fn passes(row: &MetricRecord, filter: &ValueFilter) -> bool {
    row.has_one_of(&filter.attribute, &filter.values)
}

/// The generated rows that are selected, if the account generates rows of this kind.
fn generated(
    account: &Account,
    query: &MetricQuery,
    span: &RangeInclusive<i64>,
) -> Option<GeneratedRows> {
    let lists = account.large.filter(|lists| lists.analytics > 0)?;
    if query.id != ANALYTICS_RECORD {
        return None;
    }
    let row = metric(0, 0);
    let mut filters = query.filters.iter();
    let all_pass = filters.all(|filter| !has_field(&row, filter) || passes(&row, filter));
    Some(GeneratedRows {
        lists,
        list: LargeList::Analytics,
        numbers: if all_pass {
            lists.within(LargeList::Analytics, span)
        } else {
            0..0
        },
    })
}

/// The row as it is sent: its bytes may differ from response to response (docs/dixa-api.md 4, doubt 23).
fn sent(row: &MetricRecord, is_reversed: bool) -> Row {
    let json = if is_reversed {
        row.json_reversed()
    } else {
        row.json()
    };
    Row::new("", row.at, &json)
}

/// The end of a response, with the next page by switch (docs/dixa-api.md 4, doubt 21).
fn closing(dixa: &Dixa, paging: &Paging, path: &str, page: &Page) -> String {
    let form = dixa.switches.analytics.next;
    let name = |key: &PageKey| match form {
        NextPage::MetaLink => link(dixa, paging, path, key),
        NextPage::TopLevelKey | NextPage::BareKeyInMeta => key.text(paging),
    };
    let next = page.next.as_ref().map(name);
    match (form, next) {
        (NextPage::TopLevelKey, None) => "]}".to_owned(),
        (_, None) => format!("]{}}}", last_meta(paging.last)),
        (NextPage::TopLevelKey, Some(next)) => format!(r#"],"pageKey":"{next}"}}"#),
        (_, Some(next)) => {
            let previous = page.previous.as_ref().map(name);
            let previous = previous.map(|previous| format!(r#""previous":"{previous}","#));
            let previous = previous.unwrap_or_default();
            format!(r#"],"meta":{{{previous}"next":"{next}"}}}}"#)
        }
    }
}
