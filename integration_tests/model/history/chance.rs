//! The random parts of a history: the config, the account, how Dixa behaves, the faults, and the changes of the data.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use dixa_simulator::api::rate::Limits;
use dixa_simulator::api::switches::{Bound, Order, Paging, Rounding, Switches};
use dixa_simulator::data::account::Account;
use dixa_simulator::data::row::Row;
use fastrand::Rng;
use source_dixa::airbyte::catalog::SyncMode;
use source_dixa::epoch::EpochMs;

use super::History;
use crate::model::dixa::{Change, Delays, Dixa, Fault, FaultScript};
use crate::model::read::config;
use crate::model::rows::{activity, conversation, listed, message};
use crate::support::sim::Sim;
use crate::support::time::{DAY, HOUR};

/// 2026-01-01, the time of the first read; all data is older.
const BEGIN: i64 = 1_767_225_600_000;
const WINDOWED: &[&str] = &["conversations", "messages", "activity_logs"];
const LISTS: &[&str] = &["agents", "tags", "teams", "team_members"];
const REPLACEMENTS: &[&[u8]] = &[
    b"<html>busy</html>",
    b"null",
    b"{\"message\":\"no\"}",
    b"[1]",
    b"[{\"id\":\"\xff\"}]",
    b"",
];

impl History {
    pub fn new(seed: u64) -> Self {
        let mut random = Rng::with_seed(seed);
        let mode = if random.u8(..4) == 0 {
            SyncMode::FullRefresh
        } else {
            SyncMode::Incremental
        };
        let mut config = config();
        config.window_days = random.choice([1, 2, 7, 30, 31]).unwrap();
        let windows = random.i64(1..20);
        let days = (windows * i64::from(config.window_days)).min(700);
        config.start_date = EpochMs(BEGIN - days * DAY + random.i64(0..3) * 777);
        let minutes = random.choice([0, 0, 60, 60, 44_640]).unwrap();
        config.lookback = Duration::from_secs(minutes * 60);
        config.settings.exports_requests_per_minute = random.choice([1, 10, 10, 60]).unwrap();
        let lag_ms = if minutes > 0 {
            random.i64(0..10) * 60_000
        } else {
            0
        };
        let streams = [WINDOWED, LISTS]
            .concat()
            .into_iter()
            .filter(|_| random.u8(..4) > 0);
        let streams: Vec<_> = streams.map(|name| (name, mode)).collect();
        let mut history = Self {
            changes_data: mode == SyncMode::Incremental && random.bool(),
            fault_rate: random.choice([0.0, 0.0, 0.05, 0.3]).unwrap(),
            lag_ms,
            skew_ms: random.choice([0, 0, 12 * HOUR, 120 * HOUR]).unwrap(),
            streams,
            config,
            received: BTreeSet::new(),
            states: HashMap::new(),
            random,
        };
        if mode == SyncMode::Incremental && history.random.u8(..3) == 0 {
            history.set_wrong_clocks();
        }
        history
    }

    /// Windows end long after Dixa's now: only its clock keeps the position behind the data that changes meanwhile.
    fn set_wrong_clocks(&mut self) {
        self.config.window_days = self.random.u32(1..=2);
        let windows = self.random.i64(1..20);
        self.config.start_date =
            EpochMs(BEGIN - windows * i64::from(self.config.window_days) * DAY);
        self.config.lookback = Duration::ZERO;
        (self.changes_data, self.lag_ms, self.skew_ms) = (true, 0, 120 * HOUR);
    }

    /// An instant that is read, often at the edge of a window.
    fn instant(&mut self) -> i64 {
        let start = self.config.start_date.0;
        let span = i64::from(self.config.window_days) * DAY;
        let at = if self.random.bool() {
            self.random.i64(start..BEGIN)
        } else {
            let edge = start.div_euclid(1000) * 1000 + self.random.i64(0..20) * span;
            edge + self
                .random
                .choice([-1001, -1000, -1, 0, 1, 999, 1000])
                .unwrap()
        };
        at.clamp(start, BEGIN - 1)
    }

    fn account(&mut self) -> Account {
        let mut account = Account::empty();
        for id in 1..=self.random.usize(..40) {
            let at = self.instant();
            account.conversations.push(conversation(id, at));
        }
        // Selected by its creation, since it was never updated.
        for id in 100..100 + self.random.usize(..3) {
            let json = format!(r#"{{"id":{id},"updated_at":null}}"#);
            let at = self.instant();
            account
                .conversations
                .push(Row::new(&id.to_string(), at, &json));
        }
        // Selected by the time of their update, which their cursor is not.
        for id in 200..200 + self.random.usize(..4) {
            let at = self.instant();
            let cursor = self.random.choice([0, -at, at / 1000, at * 1000]).unwrap();
            let json = format!(r#"{{"id":{id},"updated_at":{cursor}}}"#);
            let row = Row::new(&id.to_string(), at, &json);
            account.conversations.push(row);
        }
        for id in 0..self.random.usize(..40) {
            let at = self.instant();
            account.messages.push(message(id, at));
        }
        for id in 0..self.random.usize(..40) {
            let at = self.instant();
            account.activity.push(activity(id, at));
        }
        account.teams = (0..self.random.usize(..8)).map(listed).collect();
        let mut members = |team: &Row| {
            // The same members in all teams.
            let members = (0..self.random.usize(..10)).map(listed).collect();
            (team.key.trim_matches('"').to_owned(), members)
        };
        let members = account.teams.iter().map(&mut members).collect();
        account.members.insert("team_members", members);
        account.agents = (0..self.random.usize(..20)).map(listed).collect();
        account.tags = (0..self.random.usize(..20)).map(listed).collect();
        account
    }

    pub fn dixa(&mut self) -> Dixa {
        let bound = |random: &mut Rng| {
            if random.bool() {
                Bound::Inclusive
            } else {
                Bound::Exclusive
            }
        };
        let rate = usize::try_from(self.config.settings.exports_requests_per_minute).unwrap();
        let mut limits = Limits::default();
        limits.exports.count = rate;
        let account = self.account();
        let switches = Switches {
            after: bound(&mut self.random),
            before: bound(&mut self.random),
            // Pages of changing data in a different order each time would miss records.
            order: if self.changes_data {
                self.random
                    .choice([Order::Runs, Order::Descending])
                    .unwrap()
            } else {
                self.random.choice([Order::Runs, Order::Shuffled]).unwrap()
            },
            rounding: match self.random.u8(..8) {
                0 => Rounding::To(DAY),
                1 => Rounding::To(7 * DAY),
                2 => Rounding::LowerTo(DAY),
                3 => Rounding::Ignored,
                _ => Rounding::None,
            },
            paging: Paging {
                max_size: 7,
                ..Paging::default()
            },
            ..Switches::default()
        };
        let scenario = Sim::new()
            .account(account)
            .limits(limits)
            .switches(switches)
            .scenario();
        let dixa = Dixa::new(scenario, BEGIN, self.random.u64(..));
        let mut up_to =
            |choices: [u64; 3]| Duration::from_millis(self.random.choice(choices).unwrap());
        dixa.delays.set(Delays {
            connection: up_to([0, 200, 15_000]),
            transit: up_to([0, 50, 1000]),
            response: up_to([0, 500, 30_000]),
            piece: up_to([0, 100, 3000]),
        });
        dixa.has_date.set(self.skew_ms > 0 || self.random.bool());
        dixa
    }

    /// Faults for some of the requests.
    pub fn fault_script(&mut self) -> FaultScript {
        let mut random = self.random.fork();
        let fault_rate = self.fault_rate;
        // In some reads, one request always fails.
        let broken_index = (fault_rate > 0.0 && random.bool()).then(|| random.usize(..20));
        let mut targets = Vec::new();
        Box::new(move |target| {
            let target = target.to_owned();
            let index = targets.iter().position(|known| *known == target);
            let index = index.unwrap_or_else(|| {
                targets.push(target);
                targets.len() - 1
            });
            if Some(index) == broken_index {
                return Some(Fault::Status(503, None));
            }
            (random.f64() < fault_rate).then(|| {
                let at = random.usize(..100);
                let choices = [
                    Fault::ConnectionRefused,
                    Fault::ConnectTimeout,
                    Fault::DeliveredDespiteTimeout,
                    Fault::NoResponse,
                    Fault::Status(random.choice([400, 408, 500, 502, 503, 504]).unwrap(), None),
                    Fault::Status(429, random.choice([None, Some(0), Some(70)]).unwrap()),
                    Fault::Replace(random.choice(REPLACEMENTS).unwrap()),
                    Fault::Append(b"]"),
                    Fault::Reset(at),
                    Fault::EndEarly(at),
                    Fault::Stall(at),
                    Fault::Slow(Duration::from_secs(10)),
                ];
                random.choice(choices).unwrap()
            })
        })
    }

    /// Updates of conversations within the next minutes.
    pub fn changes(&mut self, dixa: &Dixa) -> Vec<Change> {
        let count = dixa.account(|account| {
            account
                .conversations
                .iter()
                .filter(|row| row.time("updated_at") == Some(row.at))
                .count()
        });
        if !self.changes_data || count == 0 {
            return Vec::new();
        }
        let now = dixa.now_ms();
        let mut changes = Vec::new();
        for _ in 0..self.random.usize(..20) {
            let at = now + self.random.i64(0..300_000);
            changes.push(Change {
                index: self.random.usize(..count),
                at,
                visible_at: at + self.random.i64(0..=self.lag_ms),
            });
        }
        // A later update of a conversation is never visible before an earlier one.
        changes.sort_by_key(|change| change.at);
        let mut visible_at: HashMap<usize, i64> = HashMap::new();
        for change in &mut changes {
            let before = visible_at.entry(change.index).or_default();
            change.visible_at = change.visible_at.max(*before);
            *before = change.visible_at;
        }
        changes
    }
}
