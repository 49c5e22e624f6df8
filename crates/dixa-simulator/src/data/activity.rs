//! The entries of the activity log (docs/dixa-api.md 2.6 and 2.7, SPEC).

use fastrand::Rng;

use super::clock::iso_date_ms;
use super::json::{Object, uuid};
use super::row::Row;

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
    let entry = |(index, at): (usize, &i64)| {
        let id = conversation.parse().unwrap_or_default();
        entry(id, at.unsigned_abs() ^ index as u64, *at)
    };
    times.iter().enumerate().map(entry).collect()
}

/// One entry, its random parts from the seed. Every third has a zone's name after its time, as
/// SPEC's example does, though live answers may have none (docs/dixa-api.md 2.4: C).
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
    Row::new(&key, at, &object.finish())
}
