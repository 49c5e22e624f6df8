//! Eight questions about an account, answered from what happened in it: from its stories, not from the rows that tell them.
//! A pipeline that loads the account and asks the same in SQL has to get the same answers.
//!
//! All times are UTC; weeks are ISO weeks, named by the date of their Monday; days are dates. Numbers are rounded half away
//! from zero. An *inbound conversation* has the `direction` `inbound`. An *agent message* has the `direction` `outbound`, and
//! its `is_automated_message` is not true. A conversation without a queue counts under `(none)`. *The end of the data* is the
//! latest `updated_at` of any conversation.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::cast::Cast;
use super::clock::date;
use super::hours::{HOUR, MINUTE, day, monday};
use super::story::{Author, Direction, Event, Story, What};

/// All answers, by the name of the question; rows in order of their groups.
pub fn answers(stories: &[Story], cast: &Cast) -> Value {
    let account = Questions {
        stories,
        queues: names(cast.queues.iter().map(|queue| &queue.name)),
        emails: names(cast.agents.iter().map(|agent| &agent.email)),
        end: stories.iter().filter_map(Story::updated).max(),
    };
    let answers = [
        ("first_response", account.first_response()),
        ("csat", account.csat()),
        ("backlog_daily", account.backlog(transitions)),
        (
            "backlog_daily_without_log",
            account.backlog(|story| story.closed_at().map(|at| (at, -1)).into_iter().collect()),
        ),
        ("volume", account.volume()),
        ("reopenings", account.reopenings()),
        ("queue_sla", account.queue_sla()),
        ("messages_per_conversation", account.messages()),
        ("agent_week", account.agent_week()),
    ];
    let answers = answers.map(|(name, rows)| (name.to_owned(), Value::Array(rows)));
    Value::Object(Map::from_iter(answers))
}

fn names<'a>(tokens: impl Iterator<Item = &'a String>) -> Vec<String> {
    let name = |token: &String| serde_json::from_str(token).unwrap_or_default();
    tokens.map(name).collect()
}

struct Questions<'a> {
    stories: &'a [Story],
    /// By index in the cast.
    queues: Vec<String>,
    emails: Vec<String>,
    end: Option<i64>,
}

/// When it was closed (-1) and reopened (1); what it was already does not count.
fn transitions(story: &Story) -> Vec<(i64, i64)> {
    let mut is_open = true;
    let change = |event: &Event| {
        let opens = match event.what {
            What::Closed(_) => false,
            What::Reopened => true,
            _ => return None,
        };
        let changed = opens != is_open;
        is_open = opens;
        changed.then_some((event.at, if opens { 1 } else { -1 }))
    };
    story.events.iter().filter_map(change).collect()
}

/// How long after its creation an agent first wrote.
fn response(story: &Story) -> Option<i64> {
    let mut messages = story.messages();
    let first = messages.find(|(_, author)| matches!(author, Author::Agent(_)))?;
    Some(first.0 - story.created())
}

/// `numerator / denominator` with this many digits, half away from zero; both are at least 0.
fn rounded(numerator: i64, denominator: i64, digits: u32) -> Value {
    let scale = 10_i64.pow(digits);
    let denominator = i128::from(denominator);
    let scaled = i128::from(numerator) * i128::from(scale);
    let whole = (2 * scaled + denominator) / (2 * denominator);
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let number = whole as f64 / scale as f64;
    Value::from(number)
}

/// Of the minutes in which these were answered, in milliseconds.
fn median_minutes(waits: &mut [i64]) -> Value {
    if waits.is_empty() {
        return Value::Null;
    }
    waits.sort_unstable();
    let middle = waits.len() / 2;
    let low = waits[(waits.len() - 1) / 2];
    rounded(low + waits[middle], 2 * MINUTE, 1)
}

impl Questions<'_> {
    fn queue(&self, story: &Story) -> &str {
        match story.queue() {
            Some((_, queue)) => &self.queues[queue],
            None => "(none)",
        }
    }

    fn inbound(&self) -> impl Iterator<Item = &Story> {
        let is_inbound = |story: &&Story| story.direction == Direction::Inbound;
        self.stories.iter().filter(is_inbound)
    }

    /// Question 1: `first_response(queue, conversations, answered, median_minutes)`: per `queue_name`, the inbound conversations; how
    /// many have an agent message at or after `created_at`; the median (continuous) of the minutes from `created_at` to the
    /// first of them, with 1 digit, null if none is answered.
    fn first_response(&self) -> Vec<Value> {
        let mut queues: BTreeMap<&str, (i64, Vec<i64>)> = BTreeMap::new();
        for story in self.inbound() {
            let (count, waits) = queues.entry(self.queue(story)).or_default();
            *count += 1;
            waits.extend(response(story));
        }
        let row = |(queue, (count, mut waits)): (&str, (i64, Vec<i64>))| {
            json!({
                "queue": queue, "conversations": count, "answered": waits.len(),
                "median_minutes": median_minutes(&mut waits),
            })
        };
        queues.into_iter().map(row).collect()
    }

    /// Question 2: `csat(agent_email, week, ratings, average_score)`: per `assignee_email` and week of `rating_rated_timestamp`, the
    /// elements of `ratings` with the `rating_status` `rated` and a `rating_score`; the average with 2 digits. Conversations
    /// without an assignee are left out.
    fn csat(&self) -> Vec<Value> {
        let mut groups: BTreeMap<(&str, i64), (i64, i64)> = BTreeMap::new();
        for story in self.stories {
            let Some((_, agent)) = story.assignee() else {
                continue;
            };
            for event in &story.events {
                if let What::Rated(score) = event.what {
                    let group = (self.emails[agent].as_str(), monday(event.at));
                    let (count, sum) = groups.entry(group).or_default();
                    *count += 1;
                    *sum += score;
                }
            }
        }
        let row = |((agent, week), (count, sum))| {
            json!({
                "agent_email": agent, "week": date(week), "ratings": count,
                "average_score": rounded(sum, count, 2),
            })
        };
        groups.into_iter().map(row).collect()
    }

    /// Question 3: `backlog_daily(day, open)`: for each day from that of the first conversation to the last complete day before the
    /// end of the data, the conversations that were created before the end of the day and are open at its end. By the activity
    /// log: open unless its last `ConversationClosed` or `ConversationReopened` before the end of the day is
    /// `ConversationClosed`. `backlog_daily_without_log(day, open)`: open if `closed_at` is null or not before the end of the
    /// day; one that was reopened counts as closed only from its last closing.
    ///
    /// `changes` are the times when a story was closed (-1) and reopened (1).
    fn backlog(&self, changes: impl Fn(&Story) -> Vec<(i64, i64)>) -> Vec<Value> {
        let Some(end) = self.end else {
            return Vec::new();
        };
        let mut by_day: BTreeMap<i64, i64> = BTreeMap::new();
        for story in self.stories {
            *by_day.entry(day(story.created())).or_default() += 1;
            for (at, change) in changes(story) {
                *by_day.entry(day(at)).or_default() += change;
            }
        }
        let first = by_day.keys().next().copied().unwrap_or(i64::MAX);
        let mut open = 0;
        let row = |today: i64| {
            open += by_day.get(&today).unwrap_or(&0);
            json!({"day": date(today), "open": open})
        };
        (first..day(end)).map(row).collect()
    }

    /// Question 4: `volume(day, channel, direction, conversations)`: all conversations by the day of `created_at`, `initial_channel`
    /// and `direction`.
    fn volume(&self) -> Vec<Value> {
        let mut groups: BTreeMap<(i64, &str, &str), i64> = BTreeMap::new();
        for story in self.stories {
            let group = (
                day(story.created()),
                story.channel.name(),
                story.direction.name(),
            );
            *groups.entry(group).or_default() += 1;
        }
        let row = |((day, channel, direction), count)| {
            json!({
                "day": date(day), "channel": channel, "direction": direction,
                "conversations": count,
            })
        };
        groups.into_iter().map(row).collect()
    }

    /// Question 5: `reopenings(week, queue, conversations, reopenings)`: the entries `ConversationReopened` of the activity log by
    /// their week and the `queue_name` of the conversation: distinct conversations, and entries. Without the log: no rows.
    fn reopenings(&self) -> Vec<Value> {
        let mut groups: BTreeMap<(i64, &str), (BTreeSet<i64>, i64)> = BTreeMap::new();
        for story in self.stories {
            for event in &story.events {
                if event.what == What::Reopened {
                    let group = (monday(event.at), self.queue(story));
                    let (ids, count) = groups.entry(group).or_default();
                    ids.insert(story.id);
                    *count += 1;
                }
            }
        }
        let row = |((week, queue), (ids, count)): (_, (BTreeSet<i64>, i64))| {
            json!({
                "week": date(week), "queue": queue, "conversations": ids.len(),
                "reopenings": count,
            })
        };
        groups.into_iter().map(row).collect()
    }

    /// Question 6: `queue_sla(queue, conversations, within, percent)`: per `queue_name`, the inbound conversations that were created
    /// at least 60 minutes before the end of the data; those whose first agent message came within 60 minutes (or exactly 60)
    /// of `created_at`; their percentage with 1 digit.
    fn queue_sla(&self) -> Vec<Value> {
        let Some(end) = self.end else {
            return Vec::new();
        };
        let mut queues: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
        for story in self.inbound() {
            if story.created() <= end - HOUR {
                let (count, within) = queues.entry(self.queue(story)).or_default();
                *count += 1;
                *within += i64::from(response(story).is_some_and(|waited| waited <= HOUR));
            }
        }
        let row = |(queue, (count, within))| {
            json!({
                "queue": queue, "conversations": count, "within": within,
                "percent": rounded(within * 100, count, 1),
            })
        };
        queues.into_iter().map(row).collect()
    }

    /// Question 7: `messages_per_conversation(channel, conversations, messages, average)`: per `initial_channel`, all conversations,
    /// and their messages that are not automated, inbound and outbound; the average with 2 digits.
    fn messages(&self) -> Vec<Value> {
        let mut channels: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
        for story in self.stories {
            let by_people = story
                .messages()
                .filter(|(_, author)| *author != Author::Bot);
            let by_people = i64::try_from(by_people.count()).unwrap_or(i64::MAX);
            let (count, messages) = channels.entry(story.channel.name()).or_default();
            *count += 1;
            *messages += by_people;
        }
        let row = |(channel, (count, messages))| {
            json!({
                "channel": channel, "conversations": count, "messages": messages,
                "average": rounded(messages, count, 2),
            })
        };
        channels.into_iter().map(row).collect()
    }

    /// Question 8: `agent_week(agent_email, week, messages, conversations)`: agent messages by `author_email` and week of
    /// `created_at`: their number, and the distinct conversations.
    fn agent_week(&self) -> Vec<Value> {
        let mut groups: BTreeMap<(&str, i64), (i64, BTreeSet<i64>)> = BTreeMap::new();
        for story in self.stories {
            for (at, author) in story.messages() {
                if let Author::Agent(agent) = author {
                    let group = (self.emails[agent].as_str(), monday(at));
                    let (count, ids) = groups.entry(group).or_default();
                    *count += 1;
                    ids.insert(story.id);
                }
            }
        }
        let row = |((agent, week), (count, ids)): (_, (i64, BTreeSet<i64>))| {
            json!({
                "agent_email": agent, "week": date(week), "messages": count,
                "conversations": ids.len(),
            })
        };
        groups.into_iter().map(row).collect()
    }
}
