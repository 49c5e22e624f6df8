//! The rows of an account and its stories agree, and the stories are plausible.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use dixa_simulator::data::account::{Account, Shape};
use dixa_simulator::data::conversation::Oddities;
use dixa_simulator::data::row::Row;
use dixa_simulator::data::story::{Author, Channel, Direction, Story, What};
use serde_json::Value;

use crate::client::{get, request, start};

/// Whether an event is of a kind.
type Kind = fn(What) -> bool;

/// A quarter without oddities, some of it changed later.
fn account() -> Account {
    let shape = Shape {
        to_ms: Shape::default().from_ms + 90 * 86_400_000,
        conversations: 1500,
        oddities: Oddities::None,
        ..Shape::default()
    };
    let mut account = Account::seeded(11, &shape);
    for index in 0..40 {
        account.touch(
            index * 3,
            shape.to_ms + 1000 * i64::try_from(index).unwrap(),
        );
    }
    account.touch(3, shape.to_ms + 3_600_000);
    account.add_conversation(shape.to_ms + 7_200_000);
    account
}

fn parsed(rows: &[Row]) -> Vec<Value> {
    let rows = rows.iter();
    rows.map(|row| serde_json::from_str(&row.json).unwrap())
        .collect()
}

/// The times of the entries of these kinds, by conversation.
fn entries(account: &Account, kinds: &[&str]) -> HashMap<i64, Vec<i64>> {
    let mut times: HashMap<i64, Vec<i64>> = HashMap::new();
    for (entry, row) in parsed(&account.activity).iter().zip(&account.activity) {
        if kinds.is_empty() || kinds.contains(&entry["_type"].as_str().unwrap()) {
            let id = entry["conversationId"].as_i64().unwrap();
            times.entry(id).or_default().push(row.at);
        }
    }
    for times in times.values_mut() {
        times.sort_unstable();
    }
    times
}

fn times(story: &Story, kind: impl Fn(What) -> bool) -> Vec<i64> {
    let events = story.events.iter().filter(|event| kind(event.what));
    events.map(|event| event.at).collect()
}

#[test]
fn conversations_are_as_their_stories_say() {
    let account = account();
    let ids =
        |rows: &[Row]| -> BTreeSet<String> { rows.iter().map(|row| row.id().to_owned()).collect() };
    let (agents, queues) = (ids(&account.agents), ids(&account.queues));
    let endusers = ids(&account.endusers);
    let rows = parsed(&account.conversations);
    assert_eq!(rows.len(), account.stories.len());
    for (row, story) in rows.iter().zip(&account.stories) {
        let closings = times(story, |what| matches!(what, What::Closed(_)));
        let reopenings = times(story, |what| what == What::Reopened);
        let is_closed = closings.len() > reopenings.len();
        let closed_at = closings.last().filter(|_| is_closed);
        assert_eq!(row["id"], story.id);
        assert_eq!(row["created_at"], story.events[0].at);
        assert_eq!(row["updated_at"], story.events.last().unwrap().at);
        assert_eq!(row["closed_at"].as_i64().as_ref(), closed_at);
        assert_eq!(row["status"], if is_closed { "closed" } else { "open" });
        let messages = times(story, |what| matches!(what, What::Message(_)));
        assert_eq!(
            row["last_message_created_at"].as_i64(),
            messages.last().copied()
        );
        assert!(endusers.contains(row["requester_id"].as_str().unwrap()));
        if let Some(agent) = row["assignee_id"].as_str() {
            assert!(agents.contains(agent));
        }
        if let Some(queue) = row["queue_id"].as_str() {
            assert!(queues.contains(queue));
        }
    }
}

#[test]
fn messages_are_those_of_the_stories() {
    let account = account();
    let emails: BTreeSet<_> = parsed(&account.agents)
        .iter()
        .map(|agent| agent["email"].to_string())
        .collect();
    let mut messages: BTreeMap<i64, Vec<(i64, bool, bool)>> = BTreeMap::new();
    for row in parsed(&account.messages) {
        let is_outbound = row["direction"] == "outbound";
        let is_automated = row["is_automated_message"] == true;
        if is_outbound && !is_automated {
            assert!(emails.contains(&row["author_email"].to_string()));
        }
        let told = (
            row["created_at"].as_i64().unwrap(),
            is_outbound,
            is_automated,
        );
        let id = row["csid"].as_i64().unwrap();
        messages.entry(id).or_default().push(told);
    }
    for story in &account.stories {
        let told = story.messages();
        let told: Vec<_> = told
            .map(|(at, author)| (at, author != Author::Customer, author == Author::Bot))
            .collect();
        assert_eq!(messages.remove(&story.id).unwrap_or_default(), told);
    }
    assert!(messages.is_empty());
}

#[test]
fn the_activity_log_tells_the_same() {
    let account = account();
    let kinds: [(&str, Kind); 7] = [
        ("ConversationClosed", |what| matches!(what, What::Closed(_))),
        ("ConversationReopened", |what| what == What::Reopened),
        ("ConversationAssigned", |what| {
            matches!(what, What::Assigned(_))
        }),
        ("TransferSuccessful", |what| {
            matches!(what, What::Transferred(_))
        }),
        ("MessageAddedByCustomer", |what| {
            what == What::Message(Author::Customer)
        }),
        ("MessageAddedByAgent", |what| {
            matches!(what, What::Message(Author::Agent(_)))
        }),
        ("ConversationRated", |what| matches!(what, What::Rated(_))),
    ];
    for (name, kind) in kinds {
        let mut logged = entries(&account, &[name]);
        assert!(!logged.is_empty(), "{name}");
        for story in &account.stories {
            let told = times(story, kind);
            assert_eq!(
                logged.remove(&story.id).unwrap_or_default(),
                told,
                "{name} of {}",
                story.id
            );
        }
        assert!(logged.is_empty(), "{name}");
    }
    let latest = entries(&account, &[]);
    for story in &account.stories {
        assert_eq!(latest[&story.id].last(), Some(&story.last_at()));
    }
}

#[test]
fn the_log_names_the_messages_of_the_export() {
    let account = account();
    let messages: HashMap<_, _> = account
        .messages
        .iter()
        .map(|row| (row.id().to_owned(), row.at))
        .collect();
    let mut named = 0;
    for (entry, row) in parsed(&account.activity).iter().zip(&account.activity) {
        if let Some(id) = entry["attributes"]["messageId"].as_str() {
            assert_eq!(messages[id], row.at);
            named += 1;
        }
    }
    let automated = parsed(&account.messages);
    let automated = automated
        .iter()
        .filter(|row| row["is_automated_message"] == true);
    assert_eq!(named + automated.count(), messages.len());
    let ids: BTreeSet<_> = account.activity.iter().map(|row| &row.key).collect();
    assert_eq!(ids.len(), account.activity.len());
}

#[test]
fn agents_work_for_their_queues() {
    let account = account();
    let last = account.queues.len() - 1;
    for story in &account.stories {
        let mut queue = None;
        for event in &story.events {
            match event.what {
                What::Queued(index) => queue = Some(index),
                What::Assigned(agent) if queue.is_some_and(|queue| queue != last) => {
                    let queue = account.queues[queue.unwrap()].id();
                    let agent = &account.agents[agent].key;
                    let members = &account.members["queue_members"][queue];
                    assert!(members.iter().any(|member| member.key == *agent));
                }
                _ => {}
            }
        }
    }
}

#[test]
fn the_account_has_something_of_everything() {
    let account = account();
    let count = |holds: &dyn Fn(&Story) -> bool| {
        let holding = account.stories.iter().filter(|story| holds(story));
        holding.count() * 100 / account.stories.len()
    };
    let happened = |kind: fn(What) -> bool| {
        count(&move |story| story.events.iter().any(|event| kind(event.what)))
    };
    let percentages = [
        count(&|story| story.closed_at().is_none()),
        count(&|story| story.channel == Channel::PstnPhone && story.queue().is_none()),
        count(&|story| story.direction == Direction::Outbound),
        count(&|story| story.assignee().is_none()),
        happened(|what| what == What::Reopened),
        happened(|what| matches!(what, What::Transferred(_))),
        happened(|what| what == What::RatingOffered),
        happened(|what| matches!(what, What::Rated(_))),
        happened(|what| matches!(what, What::Note(_))),
        happened(|what| what == What::Message(Author::Bot)),
    ];
    for (place, percentage) in percentages.into_iter().enumerate() {
        assert!((3..50).contains(&percentage), "{place}: {percentage} %");
    }
    for channel in [
        Channel::Email,
        Channel::WidgetChat,
        Channel::ContactForm,
        Channel::PstnPhone,
        Channel::FacebookMessenger,
    ] {
        assert!(count(&|story| story.channel == channel) >= 4, "{channel:?}");
    }
}

#[test]
fn a_change_is_part_of_the_story_and_of_the_answers() {
    let simulator = start(|_| ());
    let answers = || get(&simulator, "/simulator/answers").json();
    let before = (answers(), simulator.account(|account| account.clone()));
    request(
        &simulator,
        "POST",
        "/simulator/change?updated=9&added=3",
        "",
    );
    let after = (answers(), simulator.account(|account| account.clone()));
    assert_ne!(before.0["volume"], after.0["volume"]);
    assert_ne!(before.0["backlog_daily"], after.0["backlog_daily"]);
    assert!(after.1.messages.len() >= before.1.messages.len() + 9);
    for place in 0..9 {
        let [old, new] = [&before.1, &after.1].map(|account| &account.stories[place]);
        assert_ne!(old.closed_at().is_some(), new.closed_at().is_some());
        assert_eq!(new.events[..old.events.len()], old.events);
    }
    // Earlier rows stay as they were.
    assert!(after.1.messages.starts_with(&before.1.messages));
    assert!(after.1.activity.starts_with(&before.1.activity));
}
