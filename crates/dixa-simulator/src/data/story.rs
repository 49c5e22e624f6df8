//! What happened to a conversation, as events in order of time. Its rows in the exports and in the activity log are made
//! from them, and so are the answers.

use fastrand::Rng;

use super::json::uuid;

/// Spreads the numbers of events over all seeds.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// A call that no agent takes within this time ends at the voicemail.
const LONGEST_RING: i64 = 10 * 60_000;

/// One conversation. Agents, customers, queues and tags are indexes into the account's cast.
#[derive(Clone, Debug)]
pub struct Story {
    pub id: i64,
    /// Of everything in its rows that no event decides.
    pub seed: u64,
    pub channel: Channel,
    pub direction: Direction,
    /// `None` is someone who is not in the list of end users.
    pub customer: Option<usize>,
    /// In order of time; the first is `Created`.
    pub events: Vec<Event>,
    /// Whether `updated_at` is null.
    pub hides_update: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    pub at: i64,
    pub what: What,
}

/// Agents are `None` in an account that has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Created,
    Queued(usize),
    Assigned(usize),
    Message(Author),
    /// An email that is in the activity log, but not in the export of messages (docs/dixa-api.md 4, doubt 16: `?`).
    AutoReply,
    Note(Option<usize>),
    Tagged(usize),
    FieldsUpdated,
    /// To this queue.
    Transferred(usize),
    /// By an agent or, with `None`, by a rule.
    Closed(Option<usize>),
    Reopened,
    RatingOffered,
    /// With 1 to 5 stars.
    Rated(i64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Author {
    Customer,
    Agent(usize),
    /// An automated message.
    Bot,
}

/// In the spelling of the exports (docs/dixa-api.md 1.7: C; the last is a conclusion from the channels of 2.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    Email,
    WidgetChat,
    ContactForm,
    PstnPhone,
    FacebookMessenger,
}

/// docs/dixa-api.md 1.7: B.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Inbound,
    Outbound,
}

impl Channel {
    pub fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::WidgetChat => "widgetchat",
            Self::ContactForm => "contactform",
            Self::PstnPhone => "pstnphone",
            Self::FacebookMessenger => "facebookmessenger",
        }
    }

    /// The channels whose messages say whether they are automated (docs/dixa-api.md 1.8: null except for chats).
    pub fn is_chat(self) -> bool {
        matches!(self, Self::WidgetChat | Self::FacebookMessenger)
    }
}

impl Direction {
    pub fn name(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
        }
    }
}

impl Story {
    pub fn push(&mut self, at: i64, what: What) {
        self.events.push(Event { at, what });
    }

    pub fn created(&self) -> i64 {
        self.events.first().map_or(0, |event| event.at)
    }

    pub fn last_at(&self) -> i64 {
        self.events.last().map_or(0, |event| event.at)
    }

    pub fn updated(&self) -> Option<i64> {
        (!self.hides_update).then(|| self.last_at())
    }

    /// The last closing, unless it was reopened since.
    pub fn closed_at(&self) -> Option<i64> {
        let last =
            self.last(|what| matches!(what, What::Closed(_) | What::Reopened).then_some(what))?;
        matches!(last.1, What::Closed(_)).then_some(last.0)
    }

    /// Where it was queued last, and when.
    pub fn queue(&self) -> Option<(i64, usize)> {
        self.last(|what| match what {
            What::Queued(queue) => Some(queue),
            _ => None,
        })
    }

    /// The agent it was assigned to last, and when.
    pub fn assignee(&self) -> Option<(i64, usize)> {
        self.last(|what| match what {
            What::Assigned(agent) => Some(agent),
            _ => None,
        })
    }

    pub fn messages(&self) -> impl Iterator<Item = (i64, Author)> {
        self.events.iter().filter_map(|event| match event.what {
            What::Message(author) => Some((event.at, author)),
            _ => None,
        })
    }

    /// When an agent took a call that came at this time: without delay, or not at all.
    pub fn answered_call(&self, came: i64) -> Option<i64> {
        let is_soon = |event: &&Event| (came..came + LONGEST_RING).contains(&event.at);
        let mut soon = self.events.iter().filter(is_soon);
        let taken = soon.find(|event| matches!(event.what, What::Assigned(_)))?;
        Some(taken.at)
    }

    /// The first closing at or after this time.
    pub fn closed_after(&self, at: i64) -> Option<i64> {
        let mut later = self.events.iter().filter(|event| event.at >= at);
        let closing = later.find(|event| matches!(event.what, What::Closed(_)))?;
        Some(closing.at)
    }

    /// The last event that is of this kind, and when it was.
    pub fn last<T>(&self, kind: impl Fn(What) -> Option<T>) -> Option<(i64, T)> {
        let mut events = self.events.iter().rev();
        events.find_map(|event| Some((event.at, kind(event.what)?)))
    }

    /// The same random numbers for the same event, whatever happens later.
    pub fn random(&self, index: usize) -> Rng {
        Rng::with_seed(self.seed ^ GOLDEN.wrapping_mul(index as u64 + 1))
    }

    /// The id of the message that this event is, a token.
    pub fn message_id(&self, index: usize) -> String {
        uuid(&mut self.random(index))
    }
}
