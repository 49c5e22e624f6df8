//! The entries of the activity log (docs/dixa-api.md 2.6 and 2.7, SPEC).

use super::cast::{Cast, Person};
use super::clock::iso_date_ms;
use super::conversation::{customer, note, rating_message, subject};
use super::json::{Object, uuid};
use super::row::Row;
use super::story::{Author, Direction, Story, What};

/// Kinds that the deprecated `activityType` does not know.
const WITHOUT_TYPE: &[&str] = &["ConversationCustomAttributesUpdated"];
/// Of ids: an event has up to two entries.
const FIRST_ENTRY: usize = 1 << 24;

/// The entries of the events from this one on, under the names of SPEC: what waits in a queue is offered to its agents
/// (docs/dixa-api.md 4, doubt 18).
pub fn entries(story: &Story, cast: &Cast, from: usize) -> Vec<Row> {
    let customer = customer(story, cast);
    let narrator = Narrator {
        story,
        cast,
        customer: &customer,
    };
    let events = from..story.events.len();
    events.flat_map(|index| narrator.rows(index)).collect()
}

struct Narrator<'a> {
    story: &'a Story,
    cast: &'a Cast,
    customer: &'a Person,
}

/// An entry without its id and time.
struct Entry<'a> {
    kind: &'static str,
    author: Option<&'a Person>,
    attributes: Option<Object>,
}

impl<'a> Narrator<'a> {
    fn rows(&self, index: usize) -> Vec<Row> {
        let at = self.story.events[index].at;
        let row = |(number, entry): (usize, Entry<'_>)| {
            let random = &mut self.story.random(index + FIRST_ENTRY * (number + 1));
            let key = uuid(random);
            let zone = if random.u8(..3) == 0 { "[GMT]" } else { "" };
            let mut object = Object::new();
            let name = if WITHOUT_TYPE.contains(&entry.kind) {
                "Unknown"
            } else {
                entry.kind
            };
            object
                .raw("id", &key)
                .number("conversationId", self.story.id)
                .text("activityTimestamp", &format!("{}{zone}", iso_date_ms(at)))
                .text("activityType", &format!("{name}ActivityType"))
                .text("_type", entry.kind);
            if let Some(author) = entry.author {
                object.raw("author", &user(author));
            }
            if let Some(mut attributes) = entry.attributes {
                object.raw("attributes", &attributes.finish());
            }
            Row::new(&key, at, &object.finish())
        };
        let entries = self.entries(index).into_iter().enumerate();
        entries.map(row).collect()
    }

    fn entries(&self, index: usize) -> Vec<Entry<'a>> {
        let customer = Some(self.customer);
        let agent = |agent: usize| Some(&self.cast.agents[agent]);
        let one = |kind, author, attributes| {
            let attributes = Some(attributes);
            vec![Entry {
                kind,
                author,
                attributes,
            }]
        };
        let plain = |kind, author| {
            let attributes = None;
            vec![Entry {
                kind,
                author,
                attributes,
            }]
        };
        match self.story.events[index].what {
            What::Created => self.creation(),
            What::Queued(queue) => one("ConversationOffered", None, self.offer(queue)),
            What::Assigned(to) => one("ConversationAssigned", agent(to), self.assignment(to)),
            What::Message(Author::Customer) => {
                one("MessageAddedByCustomer", customer, self.message(index))
            }
            What::Message(Author::Agent(by)) => {
                one("MessageAddedByAgent", agent(by), self.message(index))
            }
            What::Message(Author::Bot) | What::AutoReply => {
                one("ConversationAutoreplySent", None, auto_reply())
            }
            What::Note(by) => one("NoteAdded", by.and_then(agent), self.note(index)),
            What::Tagged(tag) => one("TagAdded", None, self.tag(tag)),
            What::FieldsUpdated => one(
                "ConversationCustomAttributesUpdated",
                None,
                updated_fields(),
            ),
            What::Transferred(queue) => self.transfer(index, queue),
            What::Closed(by) => plain("ConversationClosed", by.and_then(agent)),
            What::Reopened => plain("ConversationReopened", customer),
            What::RatingOffered => one(
                "ConversationRatingOffered",
                None,
                self.offered_rating(index),
            ),
            What::Rated(score) => one("ConversationRated", customer, self.rating(index, score)),
        }
    }

    fn creation(&self) -> Vec<Entry<'a>> {
        let (kind, author) = match self.story.direction {
            Direction::Inbound => ("ConversationCreatedByCustomer", Some(self.customer)),
            Direction::Outbound => ("ConversationCreatedByAgent", self.first_agent()),
        };
        let mut attributes = Object::new();
        attributes.raw("subject", subject(self.story));
        let attributes = Some(end(attributes, "ConversationCreated"));
        vec![Entry {
            kind,
            author,
            attributes,
        }]
    }

    fn first_agent(&self) -> Option<&'a Person> {
        let mut events = self.story.events.iter();
        events.find_map(|event| match event.what {
            What::Assigned(agent) => Some(&self.cast.agents[agent]),
            _ => None,
        })
    }

    /// Who had it when this happened.
    fn owner(&self, index: usize) -> Option<&'a Person> {
        let mut before = self.story.events[..index].iter().rev();
        before.find_map(|event| match event.what {
            What::Assigned(agent) => Some(&self.cast.agents[agent]),
            _ => None,
        })
    }

    fn offer(&self, queue: usize) -> Object {
        let mut attributes = Object::new();
        attributes
            .raw("agentNames", "[]")
            .raw("queueLabel", &self.cast.queues[queue].name);
        end(attributes, "ConversationOffered")
    }

    fn assignment(&self, agent: usize) -> Object {
        let agent = &self.cast.agents[agent];
        let mut attributes = Object::new();
        attributes
            .raw("agentId", &agent.id)
            .raw("agentName", &agent.name);
        end(attributes, "ConversationAssigned")
    }

    fn message(&self, index: usize) -> Object {
        let mut attributes = Object::new();
        attributes.raw("messageId", &self.story.message_id(index));
        end(attributes, "MessageAdded")
    }

    fn note(&self, index: usize) -> Object {
        let mut attributes = Object::new();
        attributes.raw("message", note(self.story, index));
        end(attributes, "NoteAdded")
    }

    fn tag(&self, tag: usize) -> Object {
        let mut attributes = Object::new();
        attributes.raw("tag", &self.cast.tags[tag].name);
        end(attributes, "TagAdded")
    }

    /// SPEC has no values for the types of a transfer (docs/dixa-api.md 4, doubt 18: `?`).
    fn transfer(&self, index: usize, queue: usize) -> Vec<Entry<'a>> {
        let queue = &self.cast.queues[queue];
        let entry = |kind| {
            let mut attributes = Object::new();
            attributes
                .text("transferType", "Blind")
                .text("destinationType", "Queue")
                .raw("destinationId", &queue.id)
                .raw("destinationLabel", &queue.name);
            Entry {
                kind,
                author: self.owner(index),
                attributes: Some(end(attributes, "ConversationTransferred")),
            }
        };
        ["TransferInitiated", "TransferSuccessful"]
            .map(entry)
            .into()
    }

    fn offered_rating(&self, index: usize) -> Object {
        let agent = self.owner(index).unwrap_or(self.customer);
        let mut attributes = Object::new();
        attributes
            .raw("agent", &user(agent))
            .raw("user", &user(self.customer));
        end(attributes, "ConversationRatingOffered")
    }

    fn rating(&self, index: usize, score: i64) -> Object {
        let mut attributes = Object::new();
        if let Some(agent) = self.owner(index) {
            attributes.raw("agent", &user(agent));
        }
        attributes
            .number("score", score)
            .raw("message", rating_message(self.story));
        end(attributes, "ConversationRated")
    }
}

/// Their attributes say their kind, as SPEC's examples do.
fn end(mut attributes: Object, kind: &str) -> Object {
    attributes.text("_type", &format!("{kind}Attribute"));
    attributes
}

/// Every third template of the account is an automatic reply.
fn auto_reply() -> Object {
    let mut attributes = Object::new();
    attributes.text("templateName", "Template 0");
    end(attributes, "ConversationAutoReplySent")
}

fn updated_fields() -> Object {
    let mut attributes = Object::new();
    attributes
        .raw("updatedAttributeIds", r#"["x"]"#)
        .raw("updatedAttributeValues", r#"{"x":["a","b"],"y":"c"}"#);
    end(attributes, "ConversationCustomAttributesUpdated")
}

/// Fields without a value are left out (docs/dixa-api.md 2.3: B).
fn user(person: &Person) -> String {
    let mut object = Object::new();
    object.raw("id", &person.id);
    for (name, token) in [("name", &person.name), ("email", &person.email)] {
        if token != "null" {
            object.raw(name, token);
        }
    }
    object.finish()
}
