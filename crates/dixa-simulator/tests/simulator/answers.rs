//! The answers of a small account that was made by hand.

use dixa_simulator::data::answers::answers;
use dixa_simulator::data::cast::{Cast, Label, Person};
use dixa_simulator::data::story::{Author, Channel, Direction, Event, Story, What};
use serde_json::{Value, json};

const ADA: usize = 0;
const BOB: usize = 1;
const SUPPORT: usize = 0;
const RETURNS: usize = 1;

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const SUNDAY: i64 = 1_767_484_800_000; // 2026-01-04
const MONDAY: i64 = SUNDAY + DAY;
const TUESDAY: i64 = MONDAY + DAY;
const WEDNESDAY: i64 = TUESDAY + DAY;
const THURSDAY: i64 = WEDNESDAY + DAY;
const FRIDAY: i64 = THURSDAY + DAY;

const FROM_CUSTOMER: What = What::Message(Author::Customer);
const FROM_ADA: What = What::Message(Author::Agent(ADA));
const FROM_BOB: What = What::Message(Author::Agent(BOB));

fn cast() -> Cast {
    let person = |name: &str| Person {
        id: format!("\"{name}\""),
        name: format!("\"{name}\""),
        email: format!("\"{name}@example.org\""),
        phone: "null".to_owned(),
    };
    let queue = |name: &str| Label {
        id: format!("\"{name}\""),
        name: format!("\"{name}\""),
        is_deactivated: false,
    };
    Cast {
        agents: ["ada", "bob"].map(person).into(),
        customers: Vec::new(),
        queues: ["Support", "Returns"].map(queue).into(),
        tags: vec![queue("vip")],
    }
}

fn story(id: i64, channel: Channel, direction: Direction, events: &[(i64, What)]) -> Story {
    let events = events.iter().map(|&(at, what)| Event { at, what });
    Story {
        id,
        seed: 0,
        channel,
        direction,
        customer: None,
        events: events.collect(),
        hides_update: false,
    }
}

/// On a Sunday: answered after 40 minutes, closed, and rated the next week.
fn email() -> Story {
    let nine = SUNDAY + 9 * HOUR;
    let events = [
        (nine, What::Created),
        (nine, FROM_CUSTOMER),
        (nine, What::Queued(SUPPORT)),
        (nine + SECOND, What::AutoReply),
        (nine + 30 * MINUTE, What::Assigned(ADA)),
        (nine + 40 * MINUTE, FROM_ADA),
        (nine + 50 * MINUTE, FROM_ADA),
        (nine + HOUR, What::Closed(Some(ADA))),
        (nine + HOUR, What::RatingOffered),
        (MONDAY, What::Rated(5)),
    ];
    story(1, Channel::Email, Direction::Inbound, &events)
}

/// Answered after 90 minutes, on the next day; closed, and reopened twice.
fn chat() -> Story {
    let begun = MONDAY + 23 * HOUR;
    let events = [
        (begun, What::Created),
        (begun, FROM_CUSTOMER),
        (begun + 2 * SECOND, What::Message(Author::Bot)),
        (begun + MINUTE, What::Queued(SUPPORT)),
        (begun + 90 * MINUTE, What::Assigned(BOB)),
        (begun + 90 * MINUTE, FROM_BOB),
        (begun + 2 * HOUR, What::Closed(None)),
        (begun + 2 * HOUR, What::RatingOffered),
        (WEDNESDAY, What::Rated(2)),
        (WEDNESDAY + 12 * HOUR, FROM_CUSTOMER),
        (WEDNESDAY + 12 * HOUR, What::Reopened),
        (WEDNESDAY + 13 * HOUR, What::Closed(Some(BOB))),
        (WEDNESDAY + 18 * HOUR, FROM_CUSTOMER),
        (WEDNESDAY + 18 * HOUR, What::Reopened),
        (THURSDAY + 8 * HOUR, What::Closed(Some(BOB))),
    ];
    story(2, Channel::WidgetChat, Direction::Inbound, &events)
}

fn outbound_call() -> Story {
    let ten = TUESDAY + 10 * HOUR;
    let events = [
        (ten, What::Created),
        (ten, What::Assigned(ADA)),
        (ten, FROM_ADA),
        (ten + 5 * MINUTE, What::Closed(Some(ADA))),
    ];
    story(3, Channel::PstnPhone, Direction::Outbound, &events)
}

fn unanswered() -> Story {
    let eight = WEDNESDAY + 8 * HOUR;
    let events = [
        (eight, What::Created),
        (eight, FROM_CUSTOMER),
        (eight, What::Queued(SUPPORT)),
    ];
    story(4, Channel::Email, Direction::Inbound, &events)
}

/// Half an hour before the end of the data.
fn recent() -> Story {
    let begun = FRIDAY + 11 * HOUR + 30 * MINUTE;
    let events = [
        (begun, What::Created),
        (begun, FROM_CUSTOMER),
        (begun, What::Queued(RETURNS)),
        (begun, What::Assigned(ADA)),
        (begun + MINUTE, FROM_ADA),
        (begun + 2 * MINUTE, What::RatingOffered),
        (begun + 3 * MINUTE, What::Rated(4)),
        (FRIDAY + 12 * HOUR, What::Tagged(0)),
    ];
    story(5, Channel::FacebookMessenger, Direction::Inbound, &events)
}

/// The rows of an answer, their fields in this order.
fn check(name: &str, fields: &[&str], expected: &Value) {
    let stories = [email(), chat(), outbound_call(), unanswered(), recent()];
    let answers = answers(&stories, &cast());
    let rows = answers[name].as_array().unwrap().iter();
    let rows: Vec<Vec<&Value>> = rows
        .map(|row| {
            assert_eq!(row.as_object().unwrap().len(), fields.len());
            fields.iter().map(|field| &row[field]).collect()
        })
        .collect();
    assert_eq!(&json!(rows), expected, "{name}");
}

#[test]
fn first_responses_are_medians_of_the_answered() {
    check(
        "first_response",
        &["queue", "conversations", "answered", "median_minutes"],
        &json!([["Returns", 1, 1, 1.0], ["Support", 3, 2, 65.0]]),
    );
}

#[test]
fn ratings_belong_to_the_week_in_which_they_were_given() {
    check(
        "csat",
        &["agent_email", "week", "ratings", "average_score"],
        &json!([
            ["ada@example.org", "2026-01-05", 2, 4.5],
            ["bob@example.org", "2026-01-05", 1, 2.0],
        ]),
    );
}

#[test]
fn the_backlog_knows_reopenings_with_the_activity_log_only() {
    let backlog = |counts: [i64; 5]| {
        let days = ["04", "05", "06", "07", "08"].iter().zip(counts);
        let rows: Vec<_> = days
            .map(|(day, open)| json!([format!("2026-01-{day}"), open]))
            .collect();
        json!(rows)
    };
    let fields = ["day", "open"];
    check("backlog_daily", &fields, &backlog([0, 1, 0, 2, 1]));
    check(
        "backlog_daily_without_log",
        &fields,
        &backlog([0, 1, 1, 2, 1]),
    );
}

#[test]
fn volumes_count_all_conversations() {
    check(
        "volume",
        &["day", "channel", "direction", "conversations"],
        &json!([
            ["2026-01-04", "email", "inbound", 1],
            ["2026-01-05", "widgetchat", "inbound", 1],
            ["2026-01-06", "pstnphone", "outbound", 1],
            ["2026-01-07", "email", "inbound", 1],
            ["2026-01-09", "facebookmessenger", "inbound", 1],
        ]),
    );
}

#[test]
fn reopenings_count_conversations_once() {
    check(
        "reopenings",
        &["week", "queue", "conversations", "reopenings"],
        &json!([["2026-01-05", "Support", 1, 2]]),
    );
}

#[test]
fn what_was_just_created_does_not_count_for_the_service_level() {
    check(
        "queue_sla",
        &["queue", "conversations", "within", "percent"],
        &json!([["Support", 3, 1, 33.3]]),
    );
}

#[test]
fn automated_messages_do_not_count() {
    check(
        "messages_per_conversation",
        &["channel", "conversations", "messages", "average"],
        &json!([
            ["email", 2, 4, 2.0],
            ["facebookmessenger", 1, 2, 2.0],
            ["pstnphone", 1, 1, 1.0],
            ["widgetchat", 1, 4, 4.0],
        ]),
    );
}

#[test]
fn weeks_begin_on_monday() {
    check(
        "agent_week",
        &["agent_email", "week", "messages", "conversations"],
        &json!([
            ["ada@example.org", "2025-12-29", 2, 1],
            ["ada@example.org", "2026-01-05", 2, 2],
            ["bob@example.org", "2026-01-05", 1, 1],
        ]),
    );
}

#[test]
fn an_account_without_conversations_has_no_rows() {
    let answers = answers(&[], &cast());
    let answers = answers.as_object().unwrap();
    assert_eq!(answers.len(), 9);
    assert!(answers.values().all(|rows| *rows == json!([])));
}

#[test]
fn numbers_are_rounded_half_away_from_zero() {
    // 0.25 minutes are 0.3, and one of eight is 12.5 %.
    let answered = |id, waited| {
        let events = [
            (SUNDAY, What::Created),
            (SUNDAY + waited, FROM_ADA),
            (SUNDAY + 2 * HOUR, What::Closed(None)),
        ];
        story(id, Channel::Email, Direction::Inbound, &events)
    };
    let found = answers(&[answered(1, 15 * SECOND)], &cast());
    assert_eq!(found["first_response"][0]["median_minutes"], 0.3);
    let eight: Vec<_> = (0..8).map(|id| answered(id, HOUR + 1 - id / 7)).collect();
    let found = answers(&eight, &cast());
    assert_eq!(found["queue_sla"][0]["percent"], 12.5);
    assert_eq!(found["queue_sla"][0]["queue"], "(none)");
}
