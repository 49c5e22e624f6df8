//! The steps of a story: what customers, agents and automations do, and how long it takes.

use fastrand::Rng;

use super::cast::Cast;
use super::hours::{DAY, HOUR, MINUTE, SECOND, attended, wait};
use super::story::{Author, Channel, Story, What};

/// The queue of telephone calls, in an account that has as many.
const PHONE_QUEUE: usize = 2;
/// How long a conversation waits in each queue, in tenths of what is usual for its channel.
const SLOWNESS: [i64; 4] = [10, 25, 5, 40];

/// A story that is being made up.
pub struct Plot<'a> {
    pub story: Story,
    pub cast: &'a Cast,
    pub random: &'a mut Rng,
    /// Now.
    pub at: i64,
    /// Who has it.
    pub agent: Option<usize>,
}

impl Plot<'_> {
    /// A chat bot asks first; other automations say that the message has arrived.
    pub fn automation(&mut self) {
        match self.story.channel {
            Channel::WidgetChat => {
                self.at += 2 * SECOND;
                self.push(What::Message(Author::Bot));
                self.at += wait(self.random, 30 * SECOND);
                self.push(What::Message(Author::Customer));
            }
            Channel::FacebookMessenger if self.random.bool() => {
                self.at += 2 * SECOND;
                self.push(What::Message(Author::Bot));
            }
            Channel::Email | Channel::ContactForm if self.random.bool() => {
                self.at += SECOND;
                self.push(What::AutoReply);
            }
            _ => {}
        }
    }

    pub fn pick_up(&mut self) {
        let usual = match self.story.channel {
            Channel::Email => 90 * MINUTE,
            Channel::ContactForm => 150 * MINUTE,
            Channel::WidgetChat => 3 * MINUTE,
            Channel::FacebookMessenger => 25 * MINUTE,
            Channel::PstnPhone => 40 * SECOND,
        };
        let slowness = self
            .story
            .queue()
            .map_or(10, |(_, queue)| SLOWNESS[queue % SLOWNESS.len()]);
        let waited = wait(self.random, usual * slowness / 10);
        self.at = attended(self.random, self.at + waited);
        self.assign();
    }

    pub fn transfer(&mut self) {
        let queues = self.cast.queues.len();
        if queues < 2 || self.agent.is_none() {
            return;
        }
        let current = self.story.queue().map_or(0, |(_, queue)| queue);
        let queue = (current + self.random.usize(1..queues)) % queues;
        self.at += wait(self.random, 5 * MINUTE);
        self.push(What::Transferred(queue));
        self.push(What::Queued(queue));
        self.pick_up();
    }

    /// Whoever was too late for a call calls back.
    pub fn call(&mut self) {
        if self.story.answered_call(self.story.created()).is_none() {
            self.at += wait(self.random, MINUTE);
            self.answer();
        }
    }

    pub fn talk(&mut self) {
        let (agents, customers) = if self.story.channel.is_chat() {
            (MINUTE, 2 * MINUTE)
        } else {
            (30 * MINUTE, 5 * HOUR)
        };
        for round in 0..=skewed(self.random, 4) {
            if round > 0 {
                self.at += wait(self.random, customers);
                self.push(What::Message(Author::Customer));
            }
            let waited = wait(self.random, agents);
            self.at = attended(self.random, self.at + waited);
            self.answer();
        }
    }

    pub fn close(&mut self) {
        for _ in 0..skewed(self.random, 3) {
            self.at += wait(self.random, MINUTE);
            self.push(What::Note(self.agent));
        }
        let tags = self.random.usize(..4);
        self.tag(tags);
        if self.one_of(3) {
            self.push(What::FieldsUpdated);
        }
        let (by, usual) = if self.one_of(10) {
            (None, DAY)
        } else {
            (self.agent, 3 * MINUTE)
        };
        self.at += wait(self.random, usual);
        self.push(What::Closed(by));
    }

    /// Those who waited long are less content.
    pub fn score(&mut self) -> i64 {
        let was_slow =
            self.story.assignee().map_or(0, |(at, _)| at) > self.story.created() + 4 * HOUR;
        let worst = if was_slow { 1 } else { 3 };
        self.random.i64(worst..=5).max(self.random.i64(worst..=5))
    }

    /// An agent answers and closes it now.
    pub fn resolve(&mut self) {
        if self.agent.is_none() {
            self.assign();
        }
        self.answer();
        self.push(What::Closed(self.agent));
    }

    pub fn push(&mut self, what: What) {
        self.story.push(self.at, what);
    }

    pub fn one_of(&mut self, count: u8) -> bool {
        self.random.u8(..count) == 0
    }

    pub fn answer(&mut self) {
        if let Some(agent) = self.agent {
            self.push(What::Message(Author::Agent(agent)));
        }
    }

    pub fn tag(&mut self, count: usize) {
        for _ in 0..count.min(self.cast.tags.len()) {
            let tag = What::Tagged(self.random.usize(..self.cast.tags.len()));
            if self.story.events.iter().all(|event| event.what != tag) {
                self.push(tag);
            }
        }
    }

    pub fn choose_queue(&mut self) -> Option<usize> {
        let count = self.cast.queues.len();
        match self.story.channel {
            Channel::PstnPhone if count > PHONE_QUEUE => Some(PHONE_QUEUE),
            _ if count > PHONE_QUEUE => {
                let queue = skewed(self.random, count - 1);
                Some(queue + usize::from(queue >= PHONE_QUEUE))
            }
            _ => (count > 0).then(|| skewed(self.random, count)),
        }
    }

    /// To a member of its queue (`children` says who is one), the first ones more often; of the last queue, which has no
    /// members, and without a queue, to anybody.
    pub fn assign(&mut self) {
        let agents = self.cast.agents.len();
        let step = match self.story.queue() {
            Some((_, queue)) if queue + 1 < self.cast.queues.len() => queue + 2,
            _ => 1,
        };
        self.agent = (agents > 0).then(|| skewed(self.random, agents.div_ceil(step)) * step);
        if let Some(agent) = self.agent {
            self.push(What::Assigned(agent));
        }
    }
}

/// One of the first `count`, the first ones more often.
fn skewed(random: &mut Rng, count: usize) -> usize {
    random.usize(..count).min(random.usize(..count))
}
