//! Conversation records as the export has them: fields, order and explicit nulls of
//! docs/dixa-api.md 1.7, and oddities in JSON.

use fastrand::Rng;

use super::cast::{Cast, Person};
use super::json::{Object, array, one_of, or_null, quoted, uuid};
use super::story::{Channel, Direction, Story, What};
use super::texts::{NAMES, TEXTS};

/// The number that people call: a contact endpoint of the account.
pub const NUMBER: &str = r#""+4531000000""#;
/// The address that people write to.
pub const ADDRESS: &str = r#""info@mycorp.email.dixa.io""#;

/// Whether a record has undocumented fields, with numbers that do not fit a float.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Oddities {
    None,
    /// In every fourth conversation.
    Some,
}

/// About 2 KB, every known field present. The same story makes the same bytes.
pub fn render(story: &Story, cast: &Cast, oddities: Oddities) -> String {
    let random = &mut Rng::with_seed(story.seed);
    let mut object = Object::with_capacity(2560);
    object
        .number("id", story.id)
        .number("created_at", story.created())
        .text("initial_channel", story.channel.name());
    requester(&mut object, random, &customer(story, cast));
    queue(&mut object, story, cast);
    ratings(&mut object, story);
    object.text("direction", story.direction.name());
    assignment(&mut object, random, story, cast);
    integrations(&mut object, random, story.channel);
    tags_and_notes(&mut object, story, cast);
    end(&mut object, random, story);
    if oddities == Oddities::Some && story.seed.is_multiple_of(4) {
        add_oddities(&mut object, random);
    }
    object.finish()
}

/// Who asked; someone who is not in the list of end users has a name all the same.
pub fn customer(story: &Story, cast: &Cast) -> Person {
    let random = &mut Rng::with_seed(!story.seed);
    match story.customer {
        Some(index) => cast.customers[index].clone(),
        None => Person {
            id: uuid(random),
            name: one_of(random, NAMES).to_owned(),
            email: address(random, "example.com"),
            phone: phone(random),
        },
    }
}

fn end(object: &mut Object, random: &mut Rng, story: &Story) {
    let last_message = story.messages().last().map(|(at, _)| at);
    let is_anonymized = random.u8(..20) == 0 && story.closed_at().is_some();
    object
        .nulls(&["transferee_name", "transferee_number", "transfer_time"])
        .raw(
            "originating_country",
            one_of(random, &["null", r#""DK""#, r#""DE""#]),
        )
        .text(
            "status",
            if story.closed_at().is_some() {
                "closed"
            } else {
                "open"
            },
        )
        .raw("updated_at", &or_null(story.updated()))
        .raw("last_message_created_at", &or_null(last_message))
        .raw("subject", subject(story))
        .raw(
            "anonymized_at",
            &or_null(is_anonymized.then(|| story.last_at())),
        )
        .raw("custom_fields", &custom_fields(random, story));
}

pub fn subject(story: &Story) -> &'static str {
    one_of(&mut story.random(0), TEXTS)
}

fn phone(random: &mut Rng) -> String {
    quoted(&format!("+45{:08}", random.u32(..100_000_000)))
}

fn address(random: &mut Rng, domain: &str) -> String {
    quoted(&format!("person.{}@{domain}", random.u32(..100_000)))
}

fn requester(object: &mut Object, random: &mut Rng, customer: &Person) {
    let phones = if random.bool() {
        array(&[phone(random), phone(random)])
    } else {
        "[]".to_owned()
    };
    let emails = if random.bool() {
        array(&[address(random, "example.org")])
    } else {
        "[]".to_owned()
    };
    object
        .raw("requester_id", &customer.id)
        .raw("requester_name", &customer.name)
        .raw("requester_email", &customer.email)
        .raw("requester_additional_emails", &emails)
        .raw("requester_phone_number", &customer.phone)
        .raw("requester_additional_phone_numbers", &phones);
}

/// All null in a conversation that was in no queue, as outbound calls are (docs/dixa-api.md 1.7: A); `closed_at` is null in one
/// that was reopened (4, doubt 15: `?`).
fn queue(object: &mut Object, story: &Story, cast: &Cast) {
    match story.queue() {
        Some((at, queue)) => object
            .number("queued_at", at)
            .raw("queue_id", &cast.queues[queue].id)
            .raw("queue_name", &cast.queues[queue].name),
        None => object.nulls(&["queued_at", "queue_id", "queue_name"]),
    };
    object.raw("closed_at", &or_null(story.closed_at()));
}

fn ratings(object: &mut Object, story: &Story) {
    let offered = story.last(|what| (what == What::RatingOffered).then_some(()));
    let Some((offered, ())) = offered else {
        object
            .nulls(&["rating_score", "rating_message"])
            .raw("ratings", "[]");
        return;
    };
    let rated = story.last(|what| match what {
        What::Rated(score) => Some(score),
        _ => None,
    });
    let score = or_null(rated.map(|(_, score)| score));
    let message = rated.map_or("null", |_| rating_message(story));
    object
        .raw("rating_score", &score)
        .raw("rating_message", message);
    let at = rated.map(|(at, _)| at);
    let rating = rating(offered, at, &score, message);
    object.raw("ratings", &array(&[rating]));
}

pub fn rating_message(story: &Story) -> &'static str {
    one_of(&mut story.random(usize::MAX - 1), TEXTS)
}

/// docs/dixa-api.md 1.7, `ratings[]` members. Only the status `rated` is documented (4, doubt 9).
fn rating(offered: i64, rated: Option<i64>, score: &str, message: &str) -> String {
    Object::new()
        .raw("rating_score", score)
        .raw("rating_message", message)
        .text("rating_type", "stars")
        .text(
            "rating_status",
            if rated.is_some() { "rated" } else { "offered" },
        )
        .text("rating_language", "en")
        .number("rating_created_timestamp", offered)
        .number("rating_offered_timestamp", offered)
        .number("rating_modified_timestamp", rated.unwrap_or(offered))
        .raw("rating_rated_timestamp", &or_null(rated))
        .nulls(&[
            "rating_scheduled_timestamp",
            "rating_scheduled_for_timestamp",
        ])
        .nulls(&["rating_unscheduled_timestamp", "rating_cancelled_timestamp"])
        .finish()
}

/// The durations are milliseconds (docs/dixa-api.md 1.7: C), and null while the conversation is open.
fn assignment(object: &mut Object, random: &mut Rng, story: &Story, cast: &Cast) {
    let assigned = story.assignee();
    match assigned {
        Some((at, agent)) => {
            let agent = &cast.agents[agent];
            object
                .number("assigned_at", at)
                .raw("assignee_id", &agent.id)
                .raw("assignee_name", &agent.name)
                .raw("assignee_email", &agent.email)
                .raw("assignee_phone_number", &agent.phone)
        }
        None => object.nulls(&[
            "assigned_at",
            "assignee_id",
            "assignee_name",
            "assignee_email",
            "assignee_phone_number",
        ]),
    };
    let [to, from] = match (story.channel, story.direction) {
        (Channel::PstnPhone, Direction::Inbound) => [(NUMBER, r#""DK""#), ("null", "null")],
        (Channel::PstnPhone, Direction::Outbound) => [("null", "null"), (NUMBER, r#""DK""#)],
        _ => [("null", "null"); 2],
    };
    let total = story.closed_at().map(|at| at - story.created());
    let handling = story.closed_at().zip(assigned);
    let handling = handling.map(|(closed, (assigned, _))| closed - assigned);
    let handling = handling.map(|longest| random.i64(0..=longest.clamp(0, 3_600_000)));
    object
        .raw("to_provisioned_phone_number_id", to.0)
        .raw("to_provisioned_phone_number_name", to.1)
        .raw("from_provisioned_phone_number_id", from.0)
        .raw("from_provisioned_phone_number_name", from.1)
        .raw("total_duration", &or_null(total))
        .raw("handling_duration", &or_null(handling));
}

fn integrations(object: &mut Object, random: &mut Rng, channel: Channel) {
    if channel == Channel::Email {
        object
            .raw("dixa_email_integration_id", ADDRESS)
            .raw(
                "dixa_email_integration_sender_name",
                one_of(random, &["null", r#""MyCorp \/ Info""#]),
            )
            .raw("forwarding_email", "null");
    } else {
        object.nulls(&[
            "dixa_email_integration_id",
            "dixa_email_integration_sender_name",
            "forwarding_email",
        ]);
    }
    if channel == Channel::FacebookMessenger {
        object
            .text("facebook_page_id", "104512345678901")
            .text("facebook_page_name", "MyCorp 👍");
    } else {
        object.nulls(&["facebook_page_id", "facebook_page_name"]);
    }
    if channel == Channel::WidgetChat {
        object
            .text("widget_id", "5e8d1c3a-7a44-4b52-9d61-0f7ad1f3c9b2")
            .text("widget_name", "Shop window");
    } else {
        object.nulls(&["widget_id", "widget_name"]);
    }
}

fn tags_and_notes(object: &mut Object, story: &Story, cast: &Cast) {
    let tags = story.events.iter().filter_map(|event| match event.what {
        What::Tagged(tag) => Some(&cast.tags[tag]),
        _ => None,
    });
    let names: Vec<String> = tags.clone().map(|tag| tag.name.clone()).collect();
    let details = tags.map(|tag| {
        let is_deactivated = if tag.is_deactivated { "true" } else { "false" };
        Object::new()
            .raw("id", &tag.id)
            .raw("name", &tag.name)
            .raw("is_deactivated", is_deactivated)
            .finish()
    });
    let details: Vec<String> = details.collect();
    let notes = story.events.iter().enumerate();
    let notes = notes.filter(|(_, event)| matches!(event.what, What::Note(_)));
    let notes: Vec<String> = notes
        .map(|(index, _)| note(story, index).to_owned())
        .collect();
    object
        .raw("tags", &array(&names))
        .raw("tags_info", &array(&details))
        .raw("conversation_wrapup_notes", &array(&notes));
}

/// What the note says that this event is.
pub fn note(story: &Story, index: usize) -> &'static str {
    one_of(&mut story.random(index), TEXTS)
}

/// `value` is a string, an array of strings or null (docs/dixa-api.md 1.7: B; Select gives
/// string[], Text a string). They are filled by the events that update them.
fn custom_fields(random: &mut Rng, story: &Story) -> String {
    let values = [
        ("order_number", format!("\"{}\"", random.u32(..))),
        ("reason", r#"["late","größe \u2713"]"#.to_owned()),
        ("comment", "null".to_owned()),
    ];
    let is_update = |what| (what == What::FieldsUpdated).then_some(());
    let count = match story.last(is_update) {
        Some(_) => random.usize(2..=values.len()),
        None => random.usize(..2),
    };
    let fields = values[..count].iter().map(|(name, value)| {
        let data_type = if value.starts_with('[') {
            "Select"
        } else {
            "Text"
        };
        let mut field = Object::new();
        field
            .raw("attribute_id", &uuid(random))
            .text("identifier", name)
            .raw("value", value);
        field
            .text("data_type", data_type)
            .raw("archived", "false")
            .finish()
    });
    array(&fields.collect::<Vec<_>>())
}

fn add_oddities(object: &mut Object, random: &mut Rng) {
    object.raw("x_experimental", r#"{"deep":[1.10,{"n":null}]}"#);
    object.raw(
        "x_numbers",
        "[1.10,1e3,-0,1E+2,0.1000000000000000055,18446744073709551616,-9223372036854775809]",
    );
    if random.bool() {
        object.raw("x_big", &format!("{}9223372036854775808", random.u8(1..10)));
        object
            .raw("x_escaped\\u002d\\\"name", one_of(random, TEXTS))
            .raw("x_empty", r#"{"":[],"{":{}}"#);
    }
}
