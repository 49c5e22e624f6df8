//! Makes up stories: who begins, what follows from what, and when it ends.

use fastrand::Rng;

use super::cast::Cast;
use super::hours::{DAY, HOUR, MINUTE, SECOND, wait};
use super::steps::Plot;
use super::story::{Author, Channel, Direction, Story, What};

/// When a story ends.
#[derive(Clone, Copy, Debug)]
pub enum StoryEnd {
    /// It happened before this instant; the future is left out.
    Before(i64),
    /// Its last event is at exactly this instant, later than the first one.
    At(i64),
    /// Nothing has happened since it was created: a rule put it into a queue, or closed it.
    AtOnce,
}

/// The story of a conversation that was created at `created`.
pub fn story(random: &mut Rng, cast: &Cast, created: i64, end: StoryEnd) -> Story {
    let channel = channel(random);
    let is_outbound = random.u8(..100) < if channel == Channel::PstnPhone { 30 } else { 4 };
    let mut plot = Plot {
        story: Story {
            id: 0,
            seed: random.u64(..),
            channel,
            direction: if is_outbound {
                Direction::Outbound
            } else {
                Direction::Inbound
            },
            customer: (!cast.customers.is_empty()).then(|| random.usize(..cast.customers.len())),
            events: Vec::new(),
            hides_update: false,
        },
        cast,
        random,
        at: created,
        agent: None,
    };
    if is_outbound {
        plot.outbound();
    } else {
        plot.inbound();
    }
    plot.end(end);
    plot.story
}

/// Something new: a closed conversation is reopened by its customer, an open one is answered and closed.
pub fn touch(random: &mut Rng, cast: &Cast, story: Story, at: i64) -> Story {
    let mut plot = Plot {
        agent: story.assignee().map(|(_, agent)| agent),
        story,
        cast,
        random,
        at,
    };
    if plot.story.closed_at().is_some() {
        plot.push(What::Message(Author::Customer));
        plot.push(What::Reopened);
    } else {
        plot.resolve();
    }
    plot.story.hides_update = false;
    plot.story
}

fn channel(random: &mut Rng) -> Channel {
    match random.u8(..100) {
        0..40 => Channel::Email,
        40..62 => Channel::WidgetChat,
        62..72 => Channel::ContactForm,
        72..92 => Channel::PstnPhone,
        _ => Channel::FacebookMessenger,
    }
}

impl Plot<'_> {
    fn inbound(&mut self) {
        self.push(What::Created);
        self.push(What::Message(Author::Customer));
        self.automation();
        self.at += self.random.i64(SECOND..5 * SECOND);
        if let Some(queue) = self.choose_queue() {
            self.push(What::Queued(queue));
        }
        match self.random.u8(..20) {
            // No agent has read it yet.
            0 => return,
            // A rule closes what is spam.
            1 => {
                self.tag(1);
                self.at += wait(self.random, MINUTE);
                return self.push(What::Closed(None));
            }
            _ => {}
        }
        self.pick_up();
        if self.one_of(8) {
            self.transfer();
        }
        if self.story.channel == Channel::PstnPhone {
            self.call();
        } else {
            self.talk();
        }
        self.close();
        self.aftermath();
    }

    /// A call or an email to a customer; neither has a queue (docs/dixa-api.md 1.7: A, of calls).
    fn outbound(&mut self) {
        self.push(What::Created);
        self.assign();
        self.answer();
        if self.story.channel != Channel::PstnPhone && self.random.bool() {
            self.at += wait(self.random, 5 * HOUR);
            self.push(What::Message(Author::Customer));
            self.talk();
        }
        self.close();
    }

    fn aftermath(&mut self) {
        if self.random.bool() && self.agent.is_some() {
            let offered = self.at + MINUTE;
            self.story.push(offered, What::RatingOffered);
            if self.random.u8(..100) < 45 {
                let rated = offered + wait(self.random, 6 * HOUR);
                let score = self.score();
                self.story.push(rated, What::Rated(score));
            }
        }
        if self.one_of(8) && self.story.channel != Channel::PstnPhone {
            self.at += wait(self.random, 20 * HOUR);
            self.reopen();
        }
    }

    fn reopen(&mut self) {
        self.push(What::Message(Author::Customer));
        self.push(What::Reopened);
        if !self.one_of(6) {
            self.talk();
            self.close();
        }
    }

    fn end(&mut self, end: StoryEnd) {
        let created = self.story.created();
        self.story.events.sort_by_key(|event| event.at);
        match end {
            StoryEnd::Before(until) => {
                // Something still happens to most conversations, at any time of the next days, so that there is always
                // something that has just changed.
                let days = (until - created).min(5 * DAY);
                let late = created + self.random.i64(0..days).max(self.random.i64(-days..days));
                self.story.events.retain(|event| event.at < until);
                if self.story.last_at() < late {
                    self.happen(late);
                }
                self.story.events.retain(|event| event.at < until);
            }
            StoryEnd::At(last) => {
                self.story.events.retain(|event| event.at < last);
                self.happen(last);
                self.story.events.retain(|event| event.at <= last);
            }
            StoryEnd::AtOnce => {
                self.story.events.retain(|event| event.at == created);
                self.at = created;
                match self.choose_queue() {
                    Some(queue) if self.random.bool() => self.push(What::Queued(queue)),
                    _ => self.push(What::Closed(None)),
                }
            }
        }
    }

    /// Something happens now to what has been quiet for a while.
    fn happen(&mut self, at: i64) {
        self.at = at;
        self.agent = self.story.assignee().map(|(_, agent)| agent);
        let has = |what| self.story.events.iter().any(|event| event.what == what);
        let may_rate = has(What::RatingOffered)
            && self
                .story
                .last(|what| matches!(what, What::Rated(_)).then_some(()))
                .is_none();
        let is_call = self.story.channel == Channel::PstnPhone;
        match (self.story.closed_at(), self.random.u8(..20)) {
            (Some(_), 0..8) if may_rate => {
                let score = self.score();
                self.push(What::Rated(score));
            }
            (Some(_), 0..3) if !is_call => self.reopen(),
            (None, 0..4) if !is_call => self.push(What::Message(Author::Customer)),
            (None, 4..15) => self.resolve(),
            (_, 10..15) => self.push(What::Note(self.agent)),
            _ => {
                let count = self.story.events.len();
                self.tag(1);
                if self.story.events.len() == count {
                    self.push(What::FieldsUpdated);
                }
            }
        }
    }
}
