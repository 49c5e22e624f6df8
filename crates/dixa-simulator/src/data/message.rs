//! Message records as the export has them: fields, order and explicit nulls of docs/dixa-api.md
//! 1.8, and the filter by `created_at`.

use fastrand::Rng;

use super::cast::{Cast, Person};
use super::conversation::{ADDRESS, NUMBER, customer};
use super::json::{Object, one_of, or_null};
use super::row::Row;
use super::story::{Author, Channel, Story, What};
use super::texts::TEXTS;

const FILES: &[&str] = &["[]", r#"["https://files.dixa.io/private/1/a%20b.pdf"]"#];
/// Some conversations are closed long after their last call.
const LONGEST_CALL: i64 = 20 * 60_000;

/// The messages among the events from this one on.
pub fn messages(story: &Story, cast: &Cast, from: usize) -> Vec<Row> {
    let customer = customer(story, cast);
    let events = story.events.iter().enumerate().skip(from);
    let messages = events.filter_map(|(index, event)| match event.what {
        What::Message(author) => Some(Message {
            story,
            customer: &customer,
            agent: match author {
                Author::Agent(agent) => Some(&cast.agents[agent]),
                Author::Customer | Author::Bot => None,
            },
            author,
            index,
            at: event.at,
        }),
        _ => None,
    });
    messages.map(|message| message.row()).collect()
}

struct Message<'a> {
    story: &'a Story,
    customer: &'a Person,
    agent: Option<&'a Person>,
    author: Author,
    index: usize,
    at: i64,
}

impl Message<'_> {
    fn row(&self) -> Row {
        let mut random = self.story.random(self.index);
        let key = self.story.message_id(self.index);
        let (name, email) = self.author();
        let mut object = Object::with_capacity(1024);
        object
            .raw("id", &key)
            .number("csid", self.story.id)
            .number("created_at", self.at)
            .text("initial_channel", self.story.channel.name())
            .raw("author_name", name)
            .raw("author_email", email)
            .text(
                "direction",
                if self.author == Author::Customer {
                    "inbound"
                } else {
                    "outbound"
                },
            );
        if self.story.channel == Channel::PstnPhone {
            self.call(&mut object);
        } else {
            object
                .raw("text", one_of(&mut random, TEXTS))
                .nulls(&["from_phone_number", "to_phone_number", "duration"])
                .nulls(&["recording_url", "voicemail_url"]);
        }
        object
            .raw("to", &self.recipients(&mut random))
            .raw("from", self.sender())
            .raw("cc", "[]")
            .raw("bcc", "[]")
            .raw("attached_files", one_of(&mut random, FILES));
        self.chat(&mut object);
        Row::new(&key, self.at, &object.finish())
    }

    fn author(&self) -> (&str, &str) {
        match (self.author, self.agent) {
            (Author::Customer, _) => (&self.customer.name, &self.customer.email),
            (_, Some(agent)) => (&agent.name, &agent.email),
            (_, None) => (r#""MyCorp bot 🤖""#, "null"),
        }
    }

    /// A plain string in D-exp's sample, an array for those who read live data (docs/dixa-api.md 1.8): both.
    fn recipients(&self, random: &mut Rng) -> String {
        let is_inbound = self.author == Author::Customer;
        let address = if is_inbound {
            ADDRESS
        } else {
            &self.customer.email
        };
        match random.u8(..3) {
            _ if address == "null" || self.story.channel == Channel::PstnPhone => "null".to_owned(),
            0 => address.to_owned(),
            _ => format!("[{address}]"),
        }
    }

    fn sender(&self) -> &str {
        match self.author {
            _ if self.story.channel == Channel::PstnPhone => "null",
            Author::Customer => &self.customer.email,
            Author::Agent(_) | Author::Bot => ADDRESS,
        }
    }

    /// A call that was taken, or the voicemail that was left instead (docs/dixa-api.md 4, doubt 17: `?`). The unit of its duration
    /// is not known (1.8: `?`); here it is that of a conversation's.
    fn call(&self, object: &mut Object) {
        let (from, to, begun) = if self.author == Author::Customer {
            let taken = self.story.answered_call(self.at);
            (self.customer.phone.as_str(), NUMBER, taken)
        } else {
            (NUMBER, self.customer.phone.as_str(), Some(self.at))
        };
        let ended = begun.and_then(|begun| self.story.closed_after(begun));
        let duration = ended
            .zip(begun)
            .map(|(end, begin)| (end - begin).min(LONGEST_CALL));
        let file = |taken: bool, kind: &str| {
            let name = format!(r#""/private/{kind}/{}.mp3""#, self.at);
            if taken { name } else { "null".to_owned() }
        };
        object
            .raw("text", "null")
            .raw("from_phone_number", from)
            .raw("to_phone_number", to)
            .raw("duration", &or_null(duration))
            .raw("recording_url", &file(begun.is_some(), "recordings"))
            .raw("voicemail_url", &file(begun.is_none(), "voicemails"));
    }

    /// Null except for chats (docs/dixa-api.md 1.8).
    fn chat(&self, object: &mut Object) {
        if !self.story.channel.is_chat() {
            object.nulls(&["is_automated_message", "chat_input_question"]);
            object.nulls(&["chat_input_answer", "chat_menu_text"]);
            return;
        }
        let is_bot = self.author == Author::Bot;
        let before = self
            .index
            .checked_sub(1)
            .map(|before| self.story.events[before].what);
        let is_answer = before == Some(What::Message(Author::Bot));
        let has_menu = self.story.channel == Channel::WidgetChat;
        let text = |holds: bool, text| if holds && has_menu { text } else { "null" };
        object
            .raw(
                "is_automated_message",
                if is_bot { "true" } else { "false" },
            )
            .raw(
                "chat_input_question",
                text(is_bot, r#""What is your order's number?""#),
            )
            .raw("chat_input_answer", text(is_answer, r#""№ 1\u00a0234""#))
            .raw("chat_menu_text", text(is_answer, r#""Orders""#));
    }
}
