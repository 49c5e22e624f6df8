//! The activity log (dixa-api.md 2.6 and 2.7, SPEC): its entries, and the two bounds that it takes beside the pages.

use std::ops::RangeInclusive;

use chrono::NaiveDateTime;
use fastrand::Rng;

use super::account::Row;
use super::clock::iso_date_ms;
use super::json::{Object, uuid};
use super::request::Request;
use super::rules::Refusal;
use super::switches::{Bound, Switches};

/// `_type`, the deprecated `activityType`, and the attributes.
const KINDS: &[(&str, &str, &str)] = &[
    (
        "ConversationCreatedByCustomer",
        "ConversationCreatedByCustomerActivityType",
        r#"{"subject":"Where is my order? 📦","_type":"ConversationCreatedAttribute"}"#,
    ),
    (
        "ConversationAssigned",
        "ConversationAssignedActivityType",
        r#"{"agentId":"a53b25da-f676-4c52-acac-58c9280aa23d","agentName":"Søren \"S\" Ærø","_type":"ConversationAssignedAttribute"}"#,
    ),
    (
        "TagAdded",
        "TagAddedActivityType",
        r#"{"tag":"größe","_type":"TagAddedAttribute"}"#,
    ),
    (
        "ConversationRated",
        "ConversationRatedActivityType",
        r#"{"agent":{"id":"a53b25da-f676-4c52-acac-58c9280aa23d","name":"Søren"},"score":5,"message":"Thanks\n:)","_type":"ConversationRatedAttribute"}"#,
    ),
    (
        "ConversationCustomAttributesUpdated",
        "UnknownActivityType",
        r#"{"updatedAttributeIds":["x"],"updatedAttributeValues":{"x":["a","b"],"y":"c"},"_type":"ConversationCustomAttributesUpdatedAttribute"}"#,
    ),
    ("ConversationClosed", "ConversationClosedActivityType", ""),
];

/// The entries of one conversation at these times.
pub fn entries(conversation: &str, times: &[i64]) -> Vec<Row> {
    let entry = |(place, at): (usize, &i64)| {
        let id = conversation.parse().unwrap_or_default();
        entry(id, at.unsigned_abs() ^ place as u64, *at)
    };
    times.iter().enumerate().map(entry).collect()
}

/// An entry that the seed makes what it is. Every third has a zone's name behind its time, as SPEC's example does, though
/// live answers may have none (dixa-api.md 2.4: C).
pub fn entry(conversation: u64, seed: u64, at: i64) -> Row {
    let mut random = Rng::with_seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ conversation);
    let (kind, activity, attributes) = KINDS[random.usize(..KINDS.len())];
    let zone = if random.u8(..3) == 0 { "[GMT]" } else { "" };
    let key = uuid(&mut random);
    let mut object = Object::new();
    object
        .raw("id", &key)
        .raw("conversationId", &conversation.to_string())
        .text("activityTimestamp", &format!("{}{zone}", iso_date_ms(at)))
        .text("activityType", activity)
        .text("_type", kind);
    if random.bool() {
        let author = r#"{"id":"67ff39b6-b1ee-4d5f-91ee-168d4668c4ba","name":"Bob Ross","email":"br@example.org"}"#;
        object.raw("author", author);
    }
    if !attributes.is_empty() {
        object.raw("attributes", attributes);
    }
    Row::new(&key, at, &object.written())
}

/// The milliseconds that a request lets through. Whether a bound's own instant belongs is unknown (dixa-api.md 2.6: `?`),
/// hence by switch.
pub fn span(switches: &Switches, request: &Request) -> Result<RangeInclusive<i64>, Refusal> {
    let bound = |name| request.parameter(name).map(instant).transpose();
    let (from, to) = (bound("fromDatetime")?, bound("toDatetime")?);
    if from.zip(to).is_some_and(|(from, to)| from > to) {
        return Err(refusal("from is later than to"));
    }
    let first = from.unwrap_or(0) + i64::from(switches.after == Bound::Exclusive);
    let last = to.unwrap_or(i64::MAX) - i64::from(switches.before == Bound::Exclusive);
    Ok(first..=last)
}

/// ISO 8601 in whole seconds with `Z`, as those who run send it (dixa-api.md 2.6: A, TAP); nothing else.
fn instant(text: &str) -> Result<i64, Refusal> {
    let instant = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%SZ");
    let instant = instant.ok().filter(|_| text.len() == 20);
    let instant = instant.ok_or_else(|| refusal("time format"))?;
    Ok(instant.and_utc().timestamp_millis())
}

/// The message for what cannot be decoded (dixa-api.md 2.2: SPEC).
fn refusal(rule: &'static str) -> Refusal {
    Refusal::new(400, rule, "Decoding failure in request")
}
