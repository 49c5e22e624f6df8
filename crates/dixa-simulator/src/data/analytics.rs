//! What happened in the conversations, as the rows of Dixa's analytics (docs/dixa-api.md 2.8), and the catalogue of their kinds.

use super::cast::Cast;
use super::json::{Object, array, quoted};
use super::metric_record::{MetricField, MetricRecord, MetricValue};
use super::row::Row;
use super::story::{Author, Channel, Direction, Story, What};

pub const RATINGS: &str = "ratings";
pub const CLOSED: &str = "closed_conversations";
pub const FIRST_RESPONSE: &str = "first_response_time";
/// Its rows have neither a conversation nor a channel.
pub const PRESENCE: &str = "agent_presence_intervals";

/// What rows can be filtered by (docs/dixa-api.md 2.8: B-).
pub const FILTER_ATTRIBUTES: &[&str] = &[
    "agent_id",
    "queue_id",
    "channel",
    "initial_direction",
    "tag_id",
    "contact_point",
    "team",
];

/// Values and labels of `initial_direction`.
pub const DIRECTIONS: [(&str, &str); 2] = [("INBOUND", "Inbound"), ("OUTBOUND", "Outbound")];

/// The fields of the conversation that a row is about.
const OF_CONVERSATION: [&str; 5] = [
    "conversation_id",
    "agent_id",
    "queue_id",
    "channel",
    "initial_direction",
];

/// The kinds of rows: id, description, and the fields beyond those of the conversation.
const KINDS: [(&str, &str, &[&str]); 4] = [
    (RATINGS, "Conversation Ratings", &[]),
    (CLOSED, "Closed conversation data", &["closed_by"]),
    (FIRST_RESPONSE, "First response times", &[]),
    (PRESENCE, "Presence of agents", &["agent_id", "status"]),
];

/// The rows of the catalogue, one for each kind.
pub fn catalogue() -> Vec<Row> {
    let row = |(id, description, more): &(&str, &str, &[&str])| {
        let conversation = if *id == PRESENCE {
            &[]
        } else {
            &OF_CONVERSATION[..]
        };
        catalogue_row(id, description, &[conversation, more].concat())
    };
    KINDS.iter().map(row).collect()
}

/// A kind of rows with these fields, some of which can be filtered by.
pub fn catalogue_row(id: &str, description: &str, fields: &[&str]) -> Row {
    let filters = fields
        .iter()
        .filter(|field| FILTER_ATTRIBUTES.contains(field));
    let filter = |field: &&str| {
        let mut object = Object::new();
        object
            .text("filterAttribute", field)
            .text("description", &format!("Used to filter by the {field}"))
            .finish()
    };
    let metadata = |field: &&str| {
        let is_nullable = matches!(*field, "agent_id" | "queue_id" | "channel");
        let mut object = Object::new();
        object
            .text("field", field)
            .text("description", &field.replace('_', " "))
            .raw("nullable", &is_nullable.to_string())
            .finish()
    };
    let mut object = Object::new();
    object
        .text("id", id)
        .text("description", description)
        .raw("filters", &array(&filters.map(filter).collect::<Vec<_>>()))
        .raw("relatedMetricIds", r#"["csat"]"#);
    let metadata: Vec<_> = fields.iter().map(metadata).collect();
    object.raw("fieldsMetadata", &array(&metadata));
    Row::new(&quoted(id), 0, &object.finish())
}

/// The rows of the events from this one on, each with the id of its kind. Every twelfth conversation has each of its rows
/// three times and another one twice: they are equal, as nothing says that rows are unique.
pub fn metrics(story: &Story, cast: &Cast, from: usize) -> Vec<(&'static str, MetricRecord)> {
    let copies = match story.id % 12 {
        0 => 3,
        5 => 2,
        _ => 1,
    };
    let rows = (from..story.events.len()).filter_map(|index| metric(story, cast, index));
    rows.flat_map(|row| std::iter::repeat_n(row, copies))
        .collect()
}

fn metric(story: &Story, cast: &Cast, index: usize) -> Option<(&'static str, MetricRecord)> {
    let event = story.events[index];
    let agent = |agent: usize| {
        let agent = &cast.agents[agent];
        MetricValue::uuid(&agent.id, &agent.name)
    };
    let row = |timestamp, value, fields| MetricRecord {
        timestamp,
        at: event.at,
        value,
        fields,
    };
    let owner = owner(story, index).map(agent);
    Some(match event.what {
        What::Rated(score) => {
            let score = Some(MetricValue::long(score));
            (
                RATINGS,
                row("created_at", score, conversation(story, cast, owner)),
            )
        }
        What::Closed(by) => {
            let mut fields = conversation(story, cast, by.map(agent));
            let closed_by = match by {
                Some(_) => MetricValue::text("AGENT", "Agent"),
                None => MetricValue::text("UNKNOWN", "Unknown"),
            };
            fields.push(MetricField::new("closed_by", closed_by));
            (CLOSED, row("closed_at", None, fields))
        }
        What::Message(Author::Agent(by)) if is_first_response(story, index) => {
            let waited = Some(MetricValue::long(event.at - story.created()));
            let fields = conversation(story, cast, Some(agent(by)));
            (FIRST_RESPONSE, row("created_at", waited, fields))
        }
        What::Assigned(to) => {
            let fields = vec![
                MetricField::new("agent_id", agent(to)),
                MetricField::new("status", MetricValue::text("WORKING", "Working")),
            ];
            let length = MetricValue::long(story.id % 5 * 60_000);
            (PRESENCE, row("started_at", Some(length), fields))
        }
        _ => return None,
    })
}

/// Who had it when this happened.
fn owner(story: &Story, index: usize) -> Option<usize> {
    let mut before = story.events[..index].iter().rev();
    before.find_map(|event| match event.what {
        What::Assigned(agent) => Some(agent),
        _ => None,
    })
}

fn is_first_response(story: &Story, index: usize) -> bool {
    let mut before = story.events[..index].iter();
    !before.any(|event| matches!(event.what, What::Message(Author::Agent(_))))
}

/// Of every ninth conversation, the channel is not known.
fn conversation(story: &Story, cast: &Cast, agent: Option<MetricValue>) -> Vec<MetricField> {
    let queue = story.queue().map(|(_, queue)| {
        let queue = &cast.queues[queue];
        MetricValue::uuid(&queue.id, &queue.name)
    });
    let (channel, label) = channel(story.channel);
    let channel = (story.id % 9 != 0).then(|| MetricValue::text(channel, label));
    let (direction, label) = DIRECTIONS[usize::from(story.direction == Direction::Outbound)];
    let values = [
        Some(MetricValue::long(story.id)),
        agent,
        queue,
        channel,
        Some(MetricValue::text(direction, label)),
    ];
    let fields = OF_CONVERSATION.into_iter().zip(values);
    fields
        .map(|(name, value)| MetricField::new(name, value))
        .collect()
}

/// In the spelling of SPEC's examples (docs/dixa-api.md 2.7).
fn channel(channel: Channel) -> (&'static str, &'static str) {
    match channel {
        Channel::Email => ("EMAIL", "Email"),
        Channel::WidgetChat => ("WIDGET_CHAT", "Chat"),
        Channel::ContactForm => ("CONTACT_FORM", "Contact form"),
        Channel::PstnPhone => ("PSTN_PHONE", "Phone"),
        Channel::FacebookMessenger => ("FACEBOOK_MESSENGER", "Messenger"),
    }
}

/// All channels of stories, with their labels.
pub fn channels() -> [(&'static str, &'static str); 5] {
    [
        Channel::Email,
        Channel::WidgetChat,
        Channel::ContactForm,
        Channel::PstnPhone,
        Channel::FacebookMessenger,
    ]
    .map(channel)
}
