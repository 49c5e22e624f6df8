//! What chance decides of a history: the config, the account, Dixa's manners, the weather, what moves and when.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use fastrand::Rng;
use source_dixa::airbyte::catalog::SyncMode;
use source_dixa::epoch::EpochMs;

use super::History;
use crate::connector::TOKEN;
use crate::model::dixa::{Change, Delays, Dixa, Trouble, Weather};
use crate::model::{DAY, activity, config, conversation, listed, message};
use crate::simulator::Scenario;
use crate::simulator::account::{Account, Row};
use crate::simulator::rate::Limits;
use crate::simulator::switches::{Bound, Order, Paging, Switches};

/// 2026-01-01; the account's past ends and the first read begins here.
const BEGIN: i64 = 1_767_225_600_000;
const HOUR: i64 = 3_600_000;
const WINDOWED: &[&str] = &["conversations", "messages", "activity_logs"];
const LISTS: &[&str] = &["agents", "tags", "teams", "team_members"];
const INSTEAD: &[&[u8]] = &[
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
            moves: mode == SyncMode::Incremental && random.bool(),
            troubles: random.choice([0.0, 0.0, 0.05, 0.3]).unwrap(),
            lag_ms,
            skew_ms: random.choice([0, 0, 12 * HOUR, 120 * HOUR]).unwrap(),
            streams,
            config,
            received: BTreeSet::new(),
            states: HashMap::new(),
            random,
        };
        if mode == SyncMode::Incremental && history.random.u8(..3) == 0 {
            history.set_the_clocks_wrong();
        }
        history
    }

    /// Windows end long after Dixa's now, and nothing but its clock keeps the state from passing what moves meanwhile.
    fn set_the_clocks_wrong(&mut self) {
        self.config.window_days = self.random.u32(1..=2);
        let windows = self.random.i64(1..20);
        self.config.start_date =
            EpochMs(BEGIN - windows * i64::from(self.config.window_days) * DAY);
        self.config.lookback = Duration::ZERO;
        (self.moves, self.lag_ms, self.skew_ms) = (true, 0, 120 * HOUR);
    }

    /// An instant in the past that is read, often at the edge of a window.
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
        // Found by its creation, since it was never updated.
        for id in 100..100 + self.random.usize(..3) {
            let json = format!(r#"{{"id":{id},"updated_at":null}}"#);
            let at = self.instant();
            account
                .conversations
                .push(Row::new(&id.to_string(), at, &json));
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
            // The same ones in all teams, as they are but for the team.
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
        let scenario = Scenario {
            account: self.account(),
            token: TOKEN.to_owned(),
            limits,
            switches: Switches {
                after: bound(&mut self.random),
                before: bound(&mut self.random),
                // Pages of what moves would miss some of it, if its order were another for each of them.
                order: if self.moves {
                    self.random
                        .choice([Order::Ascending, Order::Descending])
                        .unwrap()
                } else {
                    Order::Shuffled
                },
                paging: Paging {
                    max_size: 7,
                    ..Paging::default()
                },
                ..Switches::default()
            },
            faults: Vec::new(),
            port: 0,
        };
        let dixa = Dixa::new(scenario, BEGIN, self.random.u64(..));
        let mut upto =
            |choices: [u64; 3]| Duration::from_millis(self.random.choice(choices).unwrap());
        dixa.delays.set(Delays {
            way: upto([0, 50, 1000]),
            answer: upto([0, 500, 30_000]),
            piece: upto([0, 100, 3000]),
        });
        dixa.has_date.set(self.skew_ms > 0 || self.random.bool());
        dixa
    }

    /// What goes wrong, for a part of the requests.
    pub fn weather(&mut self) -> Weather {
        let mut random = self.random.fork();
        let part = self.troubles;
        // Some reads find one place that is broken for good.
        let broken = (part > 0.0 && random.bool()).then(|| random.usize(..20));
        let mut targets = Vec::new();
        Box::new(move |target| {
            let target = target.to_owned();
            let place = targets.iter().position(|known| *known == target);
            let place = place.unwrap_or_else(|| {
                targets.push(target);
                targets.len() - 1
            });
            if Some(place) == broken {
                return Some(Trouble::Status(503, None));
            }
            (random.f64() < part).then(|| {
                let at = random.usize(..100);
                let choices = [
                    Trouble::Unreachable,
                    Trouble::NoConnection,
                    Trouble::NoAnswer,
                    Trouble::Status(random.choice([400, 408, 500, 502, 503, 504]).unwrap(), None),
                    Trouble::Status(429, random.choice([None, Some(0), Some(70)]).unwrap()),
                    Trouble::Instead(random.choice(INSTEAD).unwrap()),
                    Trouble::Append(b"]"),
                    Trouble::Break(at),
                    Trouble::End(at),
                    Trouble::Stall(at),
                    Trouble::Drip(Duration::from_secs(10)),
                ];
                random.choice(choices).unwrap()
            })
        })
    }

    /// Updates within the next minutes of conversations that have a time.
    pub fn changes(&mut self, dixa: &Dixa) -> Vec<Change> {
        let count = dixa.account(|account| {
            account
                .conversations
                .iter()
                .filter(|row| row.json.contains(":null").eq(&false))
                .count()
        });
        if !self.moves || count == 0 {
            return Vec::new();
        }
        let now = dixa.now_ms();
        let mut changes = Vec::new();
        for _ in 0..self.random.usize(..20) {
            let at = now + self.random.i64(0..300_000);
            changes.push(Change {
                index: self.random.usize(..count),
                at,
                shown: at + self.random.i64(0..=self.lag_ms),
            });
        }
        // Of one conversation, a later update never shows before an earlier one.
        changes.sort_by_key(|change| change.at);
        let mut shown: HashMap<usize, i64> = HashMap::new();
        for change in &mut changes {
            let before = shown.entry(change.index).or_default();
            change.shown = change.shown.max(*before);
            *before = change.shown;
        }
        changes
    }
}
