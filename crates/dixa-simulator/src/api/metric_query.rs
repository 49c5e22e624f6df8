//! The body of a request for the rows of analytics, decoded strictly (docs/dixa-api.md 2.8: SPEC).

use chrono::NaiveDateTime;
use serde_json::{Map, Value};

use super::refusal::Refusal;
use crate::data::analytics::FILTER_ATTRIBUTES;

/// Which rows are requested.
#[derive(Debug)]
pub struct MetricQuery {
    pub id: String,
    /// In ms.
    pub start: i64,
    pub end: i64,
    pub filters: Vec<ValueFilter>,
}

/// Rows whose attribute has one of these values.
#[derive(Debug)]
pub struct ValueFilter {
    pub attribute: String,
    pub values: Vec<String>,
}

/// The areas of IANA's zone names.
const AREAS: [&str; 11] = [
    "Africa",
    "America",
    "Antarctica",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Europe",
    "Indian",
    "Pacific",
    "Etc",
];

impl MetricQuery {
    /// SPEC documents `csidFilter` and the type `Preset` too; both are refused, since they are not simulated.
    pub fn decode(body: &Value) -> Result<Self, Refusal> {
        let body = object(body, &["id", "timezone", "periodFilter", "filters"])?;
        let id = text(body, "id")?.to_owned();
        if !is_zone(text(body, "timezone")?) {
            return Err(Refusal::invalid_value("timezone"));
        }
        let period = member(body, "periodFilter")?;
        let period = object(period, &["_type", "start", "end"])?;
        if text(period, "_type")? != "Interval" {
            return Err(Refusal::invalid_value("type of the period"));
        }
        let (start, end) = (instant(period, "start")?, instant(period, "end")?);
        if start >= end {
            return Err(Refusal::invalid_value("start is not before end"));
        }
        let filters = match body.get("filters") {
            None => Vec::new(),
            Some(filters) => array(filters)?
                .iter()
                .map(filter)
                .collect::<Result<_, _>>()?,
        };
        Ok(Self {
            id,
            start,
            end,
            filters,
        })
    }
}

fn filter(filter: &Value) -> Result<ValueFilter, Refusal> {
    let filter = object(filter, &["attribute", "values"])?;
    let attribute = text(filter, "attribute")?.to_owned();
    if !FILTER_ATTRIBUTES.contains(&attribute.as_str()) {
        return Err(Refusal::invalid_value("filter attribute"));
    }
    let values = array(member(filter, "values")?)?.iter();
    let values: Option<Vec<_>> = values
        .map(|value| value.as_str().map(str::to_owned))
        .collect();
    match values {
        Some(values) if !values.is_empty() => Ok(ValueFilter { attribute, values }),
        _ => Err(Refusal::invalid_value("filter values")),
    }
}

fn object<'a>(value: &'a Value, known: &[&str]) -> Result<&'a Map<String, Value>, Refusal> {
    let object = value
        .as_object()
        .ok_or_else(|| Refusal::invalid_value("type in the body"))?;
    if object.keys().all(|key| known.contains(&key.as_str())) {
        Ok(object)
    } else {
        Err(Refusal::invalid_value("unknown key"))
    }
}

fn array(value: &Value) -> Result<&Vec<Value>, Refusal> {
    let array = value.as_array();
    array.ok_or_else(|| Refusal::invalid_value("type in the body"))
}

fn member<'a>(object: &'a Map<String, Value>, name: &str) -> Result<&'a Value, Refusal> {
    let member = object.get(name);
    member.ok_or_else(|| Refusal::invalid_value("missing key"))
}

fn text<'a>(object: &'a Map<String, Value>, name: &str) -> Result<&'a str, Refusal> {
    let text = member(object, name)?.as_str();
    text.ok_or_else(|| Refusal::invalid_value("type in the body"))
}

/// ISO 8601 with `Z`, in seconds or milliseconds, the two forms of UTC in docs/dixa-api.md 2.4.
fn instant(object: &Map<String, Value>, name: &str) -> Result<i64, Refusal> {
    let text = text(object, name)?;
    let format = match text.len() {
        20 => "%Y-%m-%dT%H:%M:%SZ",
        24 => "%Y-%m-%dT%H:%M:%S.%3fZ",
        _ => return Err(Refusal::invalid_value("time format")),
    };
    let instant = NaiveDateTime::parse_from_str(text, format);
    let instant = instant.map_err(|_| Refusal::invalid_value("time format"))?;
    Ok(instant.and_utc().timestamp_millis())
}

/// Whether this has the form of an IANA zone name. No list of the names is at hand.
fn is_zone(name: &str) -> bool {
    let is_place = |place: &str| {
        let mut bytes = place.bytes();
        bytes.all(|byte| byte.is_ascii_alphanumeric() || b"_-+/".contains(&byte))
    };
    let place = name.split_once('/');
    name == "UTC"
        || place.is_some_and(|(area, place)| {
            AREAS.contains(&area) && !place.is_empty() && is_place(place)
        })
}
