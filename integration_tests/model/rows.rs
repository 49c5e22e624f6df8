//! Small rows for an account in paused time.

use dixa_simulator::data::account::Account;
use dixa_simulator::data::clock::iso_date_ms;
use dixa_simulator::data::metric_record::{MetricField, MetricRecord, MetricValue};
use dixa_simulator::data::row::Row;

/// A small conversation, updated at this time.
pub fn conversation(id: usize, at: i64) -> Row {
    let json = format!(r#"{{"id":{id},"updated_at":{at}}}"#);
    Row::new(&id.to_string(), at, &json)
}

/// A small message, created at this time.
pub fn message(id: usize, at: i64) -> Row {
    let json = format!(r#"{{"id":"m{id}","created_at":{at}}}"#);
    Row::new(&format!("\"m{id}\""), at, &json)
}

/// A small entry of the activity log; every third has the name of a zone after its time.
pub fn activity(id: usize, at: i64) -> Row {
    let zone = if id.is_multiple_of(3) { "[GMT]" } else { "" };
    let time = iso_date_ms(at);
    let json = format!(r#"{{"id":"l{id}","activityTimestamp":"{time}{zone}"}}"#);
    Row::new(&format!("\"l{id}\""), at, &json)
}

/// The kinds of the rows below.
pub const KINDS: [&str; 2] = ["ratings", "closed_conversations"];

/// A small row of analytics at this time, which is the only one with this value.
pub fn metric(value: i64, at: i64) -> MetricRecord {
    let direction = MetricValue::text("INBOUND", "Inbound");
    MetricRecord {
        timestamp: "created_at",
        at,
        value: Some(MetricValue::long(value)),
        fields: vec![MetricField::new("initial_direction", direction)],
    }
}

/// A small row of a list.
pub fn listed(id: usize) -> Row {
    Row::new(&format!("\"a{id}\""), 0, &format!(r#"{{"id":"a{id}"}}"#))
}

/// Updates a conversation, and adds an entry to the activity log.
pub fn touch(account: &mut Account, index: usize, at: i64) {
    let id = account.conversations[index].key.parse().unwrap();
    account.conversations[index] = conversation(id, at);
    account
        .activity
        .push(activity(1000 + account.activity.len(), at));
}
