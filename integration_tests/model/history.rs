//! A random history of an account and its reads, and what must hold at the end.

mod chance;

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::time::Duration;

use chrono::DateTime;
use dixa_simulator::data::row::Row;
use fastrand::Rng;
use serde_json::Value;
use source_dixa::airbyte::catalog::SyncMode;
use source_dixa::config::Config;
use tokio::time::sleep;

use super::dixa::Dixa;
use super::read::{Ran, paused, read};
use crate::support::protocol;

/// 2010-01-01. An earlier cursor is not a plausible time.
const FIRST_TIME: i64 = 1_262_304_000_000;

/// One version of a record, as a client distinguishes them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Seen {
    stream: String,
    /// With the id of its parent.
    key: String,
    /// The cursor, in milliseconds.
    at: Option<i64>,
}

/// The settings of one history, and what its reads wrote so far.
struct History {
    random: Rng,
    /// Whether conversations are updated while they are read.
    changes_data: bool,
    /// The share of the requests with a fault.
    fault_rate: f64,
    /// The longest time until an update is visible.
    lag_ms: i64,
    /// The largest difference between the local clock and Dixa's.
    skew_ms: i64,
    streams: Vec<(&'static str, SyncMode)>,
    config: Config,
    /// The records that a client received, and its saved states.
    received: BTreeSet<Seen>,
    states: HashMap<String, Value>,
}

impl History {
    /// Receives what a read wrote, in order, and checks what must hold at any time.
    fn receive(&mut self, ran: &Ran, dixa: &Dixa) {
        let mut written = BTreeSet::new();
        for message in &ran.messages {
            match message["type"].as_str().unwrap() {
                "RECORD" => {
                    let record = &message["record"];
                    let seen = Seen::of(record["stream"].as_str().unwrap(), &record["data"]);
                    assert!(
                        written.insert(seen.clone()),
                        "written twice in one read: {seen:?}"
                    );
                    self.received.insert(seen);
                }
                "STATE" => {
                    let state = &message["state"]["stream"];
                    let name = state["stream_descriptor"]["name"].as_str().unwrap();
                    let stream_state = state["stream_state"].clone();
                    self.check_state(name, &stream_state, dixa);
                    self.states.insert(name.to_owned(), stream_state);
                }
                _ => {}
            }
        }
    }

    /// A state is never ahead of the written records, nor of Dixa's clock.
    fn check_state(&self, stream: &str, stream_state: &Value, dixa: &Dixa) {
        let Some(position) = protocol::position(stream_state) else {
            return;
        };
        assert!(
            position <= dixa.now_ms() + 999,
            "{stream} is ahead of Dixa's clock"
        );
        if self.changes_data {
            return;
        }
        for row in expected(dixa, stream) {
            let is_expected = row
                .at
                .is_some_and(|at| (FIRST_TIME..position).contains(&at));
            assert!(
                !is_expected || self.received.contains(&row),
                "{row:?} was not written before {stream_state}"
            );
        }
    }

    /// After the last read, every record was written in its last version.
    fn check_complete(&self, dixa: &Dixa) {
        for (stream, _) in &self.streams {
            for row in expected(dixa, stream) {
                assert!(self.received.contains(&row), "{row:?} was lost");
            }
        }
    }

    /// One read from the saved states.
    async fn read(&mut self, dixa: &Rc<Dixa>, skew_ms: i64, byte_limit: usize) -> Ran {
        // A full refresh that does not resume an interrupted one starts again, and replaces the earlier records.
        if self
            .streams
            .iter()
            .any(|(_, mode)| *mode == SyncMode::FullRefresh)
        {
            let states = &self.states;
            let resumes = |stream: &str| {
                states
                    .get(stream)
                    .is_some_and(|stream_state| stream_state["unfinished"] == true)
            };
            self.received.retain(|seen| resumes(&seen.stream));
        }
        let now = dixa.now_ms() + skew_ms;
        let from = (&self.states, now);
        let ran = read(dixa, &self.config, &self.streams, from, byte_limit).await;
        self.receive(&ran, dixa);
        ran
    }

    async fn run(mut self) {
        let dixa = Rc::new(self.dixa());
        let mut is_budget_fresh = true;
        for _ in 0..self.random.usize(..4) {
            *dixa.script.borrow_mut() = self.fault_script();
            dixa.plan(self.changes(&dixa));
            let byte_limit = match self.random.u8(..3) {
                0 => usize::MAX,
                _ => self.random.usize(..12_000),
            };
            let skew = self.random.i64(-self.skew_ms..=self.skew_ms);
            let ran = self.read(&dixa, skew, byte_limit).await;
            self.check_end(&ran);
            // A read that follows at once does not know how much of the minute the previous one used.
            let allowed: &[_] = if is_budget_fresh {
                &[]
            } else {
                &["exports rate"]
            };
            let refused = dixa.refused.take();
            assert!(
                refused.iter().all(|rule| allowed.contains(rule)),
                "{refused:?}"
            );
            let pause = self.random.choice([0, 0, 20, 61, 200]).unwrap();
            is_budget_fresh = pause > 60;
            sleep(Duration::from_secs(pause)).await;
        }
        // All changes are visible, all pauses are over, and the last read has no faults.
        let wait = dixa.last_change_at().map_or(0, |at| at - dixa.now_ms());
        sleep(Duration::from_millis(wait.max(0).unsigned_abs()) + Duration::from_secs(3600)).await;
        *dixa.script.borrow_mut() = Box::new(|_| None);
        let arrived = dixa.arrived.get();
        let last = self.read(&dixa, 0, usize::MAX).await;
        assert_eq!(last.done, Some(true));
        assert_eq!(
            dixa.refused.take(),
            Vec::<&str>::new(),
            "never over the rate"
        );
        self.check_complete(&dixa);
        let arrived = u32::try_from(dixa.arrived.get() - arrived).unwrap();
        let rate = u32::try_from(self.config.settings.exports_requests_per_minute).unwrap();
        let delays = dixa.delays.get();
        // One request of the first minute is reserved for a check.
        let permits = Duration::from_secs_f64(61.2) / rate * (arrived + 1);
        let permits = permits + delays.connection * arrived;
        let response = delays.transit + delays.response + 50 * delays.piece;
        // At most ten windows are in flight; the pages of a list follow one another.
        let permits = permits.max(response * arrived / 10);
        assert!(
            last.took <= permits + 8 * response,
            "{:?} for {arrived} responses",
            last.took
        );
    }

    /// A read that was not killed failed if and only if its messages say so, for each stream.
    fn check_end(&self, ran: &Ran) {
        let Some(done) = ran.done else { return };
        let traces = |kind: &str| {
            let of_kind = ran
                .messages
                .iter()
                .filter(|message| message["trace"]["type"] == kind)
                .map(|message| &message["trace"]);
            of_kind.cloned().collect::<Vec<_>>()
        };
        let ended = |status: &str| {
            let statuses = traces("STREAM_STATUS");
            let ended = statuses
                .iter()
                .filter(|trace| trace["stream_status"]["status"] == status);
            ended.count()
        };
        let failed = ended("INCOMPLETE");
        assert_eq!(ended("COMPLETE") + failed, self.streams.len());
        assert_eq!(traces("ERROR").len(), failed);
        assert_eq!(done, failed == 0);
        assert!(done || self.fault_rate > 0.0, "{:?}", traces("ERROR"));
    }
}

impl Seen {
    fn of(stream: &str, record: &Value) -> Self {
        let time = |field: &&str| match &record[field] {
            Value::String(text) => {
                let instant = DateTime::parse_from_rfc3339(text.trim_end_matches("[GMT]"));
                Some(instant.unwrap().timestamp_millis())
            }
            other => other.as_i64(),
        };
        let cursors = ["updated_at", "created_at", "activityTimestamp"];
        Self {
            stream: stream.to_owned(),
            key: format!("{} {}", record["team_id"], record["id"]),
            at: cursors.iter().find_map(time),
        }
    }
}

/// The records of a stream, as they are now.
fn expected(dixa: &Dixa, stream: &str) -> Vec<Seen> {
    let rows = dixa.account(|account| account.rows());
    let seen = |row: &Row| Seen::of(stream, &serde_json::from_str(&row.json).unwrap());
    rows[stream].iter().map(seen).collect()
}

/// Runs the histories of these seeds.
fn run(seeds: std::ops::Range<u64>) {
    for seed in seeds {
        let result = std::panic::catch_unwind(|| {
            fastrand::seed(seed);
            paused().block_on(History::new(seed).run());
        });
        assert!(result.is_ok(), "history {seed}");
    }
}

macro_rules! histories {
    ($($name:ident: $seeds:expr;)*) => {$(
        #[test]
        fn $name() {
            run($seeds);
        }
    )*};
}

histories! {
    nothing_is_lost_or_duplicated_in_histories_0_to_999: 0..1_000;
    nothing_is_lost_or_duplicated_in_histories_1000_to_1999: 1_000..2_000;
    nothing_is_lost_or_duplicated_in_histories_2000_to_2999: 2_000..3_000;
}
