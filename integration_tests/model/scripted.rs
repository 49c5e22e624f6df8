//! Reads of thirty days in paused time with scripted faults.

use std::collections::HashMap;
use std::rc::Rc;

use dixa_simulator::api::rate::Limits;
use dixa_simulator::data::account::Account;
use dixa_simulator::data::row::Row;
use source_dixa::airbyte::catalog::SyncMode;
use source_dixa::config::Config;
use source_dixa::epoch::EpochMs;

use super::dixa::{Dixa, Fault};
use super::read::{Ran, config, paused, read};
use super::rows::{self, activity, conversation, listed, message, metric};
use crate::support::sim::Sim;
use crate::support::time::{DAY, START};

/// The time of the reads.
pub const NOW: i64 = START;

/// A stream that represents its kind, and its path.
pub type Stream = (&'static str, &'static str);

pub const WINDOWED: Stream = ("conversations", "/v1/conversation_export");
pub const PAGED: Stream = ("agents", "/v1/agents");
pub const SINGLE: Stream = ("tags", "/v1/tags");
pub const WINDOWED_IN_PAGES: Stream = ("activity_logs", "/v1/conversations/activitylog");
pub const CHILDREN: Stream = ("team_members", "/v1/teams/");
pub const BY_DAYS: Stream = ("analytics_record_data", "POST /v1/analytics/records");
pub const KINDS: [Stream; 6] = [
    WINDOWED,
    WINDOWED_IN_PAGES,
    PAGED,
    SINGLE,
    CHILDREN,
    BY_DAYS,
];

/// Twenty records of each kind in thirty days: conversations, messages, the activity log, agents, tags, 4 teams of 5, and rows of
/// analytics of two kinds.
pub fn dixa() -> Dixa {
    let mut account = Account::empty();
    for kind in rows::KINDS {
        account.add_record_id(kind, kind);
    }
    for id in 0..20 {
        let at = NOW - 1000 - DAY * i64::try_from(id).unwrap();
        account.conversations.push(conversation(id, at));
        account.messages.push(message(id, at));
        account.activity.push(activity(id, at));
        let kind = rows::KINDS[id % rows::KINDS.len()];
        account.add_metric(kind, metric(at, at));
        account.agents.push(listed(id));
        account.tags.push(listed(id));
    }
    account.teams = (0..4).map(listed).collect();
    let members = |team: &Row| {
        let id = team.key.trim_matches('"').to_owned();
        (id, (0..5).map(listed).collect())
    };
    let members = account.teams.iter().map(members).collect();
    account.members.insert("team_members", members);
    let scenario = Sim::new()
        .account(account)
        .limits(Limits::default())
        .scenario();
    Dixa::new(scenario, NOW, 1)
}

pub fn thirty_days() -> Config {
    Config {
        start_date: EpochMs(NOW - 30 * DAY),
        ..config()
    }
}

/// Reads these streams with these faults.
pub fn read_with(
    streams: &[&str],
    script: impl FnMut(&str) -> Option<Fault> + 'static,
) -> (Ran, Rc<Dixa>) {
    fastrand::seed(1);
    paused().block_on(async {
        let dixa = Rc::new(dixa());
        *dixa.script.borrow_mut() = Box::new(script);
        let streams: Vec<_> = streams
            .iter()
            .map(|name| (*name, SyncMode::Incremental))
            .collect();
        let from = (&HashMap::new(), NOW);
        let ran = read(&dixa, &thirty_days(), &streams, from, usize::MAX).await;
        (ran, dixa)
    })
}
